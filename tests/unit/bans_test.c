// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/bans_fixture.h"

// --- what people ask for ---

static void a_ban_is_there_after_a_restart_for_the_rest_of_its_time(void **state)
{
	ban(0, "198.51.100.7/32", DAY, NOW);
	ban(0, "2001:db8::/32", DP_FOREVER, NOW);
	ban(1, "198.51.100.7/32", 10, NOW);
	assert_int_equal(left(0, "198.51.100.7/32"), DAY);
	restart(NOW + 100);
	assert_int_equal(left(0, "198.51.100.7/32"), DAY - 100);
	assert_int_equal(left(0, "2001:db8::/32"), DP_FOREVER);
	assert_int_equal(left(1, "198.51.100.7/32"), -1); // has ended meanwhile
}

static void a_ban_replaces_what_was_there_even_by_less(void **state)
{
	ban(0, "198.51.100.7/32", DAY, NOW);
	ban(0, "198.51.100.7/32", 60, NOW);
	restart(NOW);
	assert_int_equal(left(0, "198.51.100.7/32"), 60);
}

static void host_bits_do_not_make_another_entry(void **state)
{
	struct error err, unkept;

	ban(0, "198.51.100.7/24", DAY, NOW);
	assert_int_equal(recording.timed[0].n, 1);
	assert_int_equal(left(0, "198.51.100.0/24"), DAY);
	assert_int_equal(try_unban(0, "198.51.100.9/24", &unkept, &err), 0);
	assert_int_equal(recording.timed[0].n, 0);
}

static void what_is_unbanned_stays_so(void **state)
{
	struct error err, unkept;

	ban(0, "198.51.100.7/32", DAY, NOW);
	note(0, "198.51.100.8/32", DAY, NOW);
	assert_int_equal(try_unban(0, "198.51.100.7/32", &unkept, &err), 0);
	assert_string_equal(unkept.text, "");
	// which the file does not have yet
	assert_int_equal(try_unban(0, "198.51.100.8/32", &unkept, &err), 0);
	restart(NOW);
	assert_int_equal(recording.timed[0].n, 0);
	assert_int_equal(try_unban(0, "198.51.100.8/32", &unkept, &err), -1);
	assert_non_null(strstr(err.text, "not in the set banned"));
}

static void a_full_set_refuses_and_nothing_is_kept(void **state)
{
	struct error err, unkept;

	recording.timed[0].capacity = 1;
	ban(0, "198.51.100.7/32", DAY, NOW);
	assert_int_equal(try_ban(0, "198.51.100.8/32", DAY, NOW, &unkept, &err), -1);
	assert_non_null(strstr(err.text, "full"));
	note(0, "198.51.100.9/32", DAY, NOW);
	assert_int_equal(bans.n_refused[0], 1);
	assert_false(turn(NOW));
	restart(NOW);
	assert_int_equal(recording.timed[0].n, 1);
}

static void each_set_has_the_room_that_the_file_gives_it(void **state)
{
	struct error err, unkept;

	close_bans(NOW);
	open_bans("sets: {a: {addresses: [], timeout: 1d, capacity: 2},"
		  " b: {addresses: [], timeout: 1d}}\n",
		NOW);
	assert_int_equal(recording.timed[0].capacity, 2);
	assert_int_equal(recording.timed[1].capacity, 65536);
	ban(0, "198.51.100.6/32", DAY, NOW);
	ban(0, "198.51.100.7/32", DAY, NOW);
	assert_int_equal(try_ban(0, "198.51.100.8/32", DAY, NOW, &unkept, &err), -1);
	assert_non_null(strstr(err.text, "the set a is full: it has room for 2"));
}

static void a_set_that_the_config_no_longer_has_keeps_its_entries(void **state)
{
	ban(0, "198.51.100.7/32", DAY, NOW);
	close_bans(NOW);
	open_bans("sets: {slow: {addresses: [], timeout: 10s}}\n", NOW);
	assert_int_equal(recording.timed[0].n, 0);
	restart(NOW);
	assert_int_equal(left(0, "198.51.100.7/32"), DAY);
}

// --- what rules ask for ---

static void a_rules_additions_are_written_in_turns(void **state)
{
	note(0, "198.51.100.7/32", DAY, NOW);
	note(0, "198.51.100.7/32", DAY, NOW + 1);
	note(1, "2001:db8::7/128", 10, NOW);
	assert_int_equal(left(0, "198.51.100.7/32"), DAY); // at once
	assert_int_equal(bans.queue->n, 2);
	assert_true(turn(NOW + 1));
	assert_false(turn(NOW + 1));
	restart(NOW + 2);
	assert_int_equal(left(0, "198.51.100.7/32"), DAY - 1);
	assert_int_equal(left(1, "2001:db8::7/128"), 8);
}

static void a_network_that_a_rule_adds_is_one_entry_for_all_of_it(void **state)
{
	struct error err = {0}, unkept;

	note(0, "2001:db8::/64", DAY, NOW);
	note(0, "2001:db8::/128", DAY, NOW); // not the same
	assert_int_equal(bans.queue->n, 2);
	assert_true(turn(NOW));
	restart(NOW);
	assert_int_equal(recording.timed[0].n, 2);
	assert_int_equal(left(0, "2001:db8::/64"), DAY);
	assert_int_equal(try_unban(0, "2001:db8::7/128", &unkept, &err), -1);
	assert_string_equal(err.text, "2001:db8::7/128 is in the set banned as part of "
				      "2001:db8::/64: take that out");
	assert_int_equal(try_unban(0, "2001:db8::/64", &unkept, &err), 0);
	assert_int_equal(try_unban(0, "2001:db8::7/128", &unkept, &err), -1);
	assert_string_equal(err.text, "2001:db8::7/128 is not in the set banned");
}

static void a_network_taken_out_before_it_was_written_stays_out(void **state)
{
	struct error err, unkept;

	note(0, "2001:db8::/64", DAY, NOW);
	assert_int_equal(try_unban(0, "2001:db8::/64", &unkept, &err), 0);
	turn(NOW);
	restart(NOW);
	assert_int_equal(recording.timed[0].n, 0);
}

static void what_was_just_added_is_not_added_again(void **state)
{
	note(0, "198.51.100.7/32", DAY, NOW);
	recording.timed[0].n = 0; // so that another one would be seen
	note(0, "198.51.100.7/32", DAY, NOW);
	note(0, "198.51.100.7/32", 10, NOW);
	assert_int_equal(recording.timed[0].n, 0);
	note(0, "198.51.100.7/32", DAY, NOW + 1);
	assert_int_equal(recording.timed[0].n, 1);
}

static void an_address_seen_again_and_again_is_not_written_each_time(void **state)
{
	note(0, "198.51.100.7/32", DAY, NOW);
	turn(NOW);
	for (int i = 1; i <= 61; i++) {
		note(0, "198.51.100.7/32", DAY, NOW + i);
		turn(NOW + i);
		if (i == 60)
			assert_int_equal(left(0, "198.51.100.7/32"), DAY);
	}
	restart(NOW + 61);
	assert_int_equal(left(0, "198.51.100.7/32"), DAY); // the last one was over a minute later
}

static void what_does_not_fit_into_the_queue_is_kept_all_the_same(void **state)
{
	enum { MANY = 3 * BAN_QUEUE_MAX };
	unsigned turns = 0;

	for (unsigned i = 0; i < MANY; i++) {
		struct ip_prefix host = {
			{.family = IP_V4, .bytes = {198, 18, (uint8_t)(i >> 8), (uint8_t)i}}, 32};

		bans_note(&bans, 0, &host, DAY, NOW);
	}
	while (turn(NOW))
		turns++;
	assert_true(turns > 3); // no turn did it all
	restart(NOW);
	assert_int_equal(recording.timed[0].n, MANY);
}

static void an_event_for_a_set_that_is_none_is_ignored(void **state)
{
	note(2, "198.51.100.7/32", DAY, NOW);
	note(DP_INDEX_NONE, "198.51.100.7/32", DAY, NOW);
	assert_int_equal(bans.queue->n, 0);
}

// --- the clock ---

// A machine without a battery: it boots in the past, and then somebody tells it the time.
static void a_clock_that_is_set_right_loses_nothing(void **state)
{
	const int64_t wrong = NOW - 1000 * (int64_t)DAY, by = 1000 * (int64_t)DAY + 30;

	ban(0, "198.51.100.1/32", DAY, NOW);
	ban(0, "198.51.100.2/32", 20, NOW);
	close_bans(NOW);

	open_bans(sets, wrong);
	assert_true(left(0, "198.51.100.1/32") > DAY);
	ban(0, "198.51.100.3/32", DAY, wrong);
	note(0, "198.51.100.4/32", DAY, wrong);
	turn(wrong);
	note(0, "198.51.100.5/32", DAY, wrong);

	bans_clock_jumped(&bans, by, wrong + by); // = NOW + 30
	state_writer_wait(writer);
	assert_int_equal(left(0, "198.51.100.1/32"), DAY - 30);
	assert_int_equal(left(0, "198.51.100.2/32"), -1);
	assert_int_equal(left(0, "198.51.100.3/32"), DAY); // it counts no time by the wall
	restart(NOW + 30);
	assert_int_equal(recording.timed[0].n, 4);
	assert_int_equal(left(0, "198.51.100.3/32"), DAY);
	assert_int_equal(left(0, "198.51.100.4/32"), DAY);
	assert_int_equal(left(0, "198.51.100.5/32"), DAY);
}

static void what_has_ended_leaves_the_file_after_a_day(void **state)
{
	ban(0, "198.51.100.7/32", 10, NOW);
	ban(0, "198.51.100.8/32", DP_FOREVER, NOW);
	bans_every_minute(&bans, NOW + DAY);
	restart(NOW); // a clock that was wrong
	assert_int_equal(left(0, "198.51.100.7/32"), 10);
	bans_every_minute(&bans, NOW + DAY + 11);
	restart(NOW);
	assert_int_equal(left(0, "198.51.100.7/32"), -1);
	assert_int_equal(left(0, "198.51.100.8/32"), DP_FOREVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_ban_is_there_after_a_restart_for_the_rest_of_its_time),
		TEST(a_ban_replaces_what_was_there_even_by_less),
		TEST(host_bits_do_not_make_another_entry),
		TEST(what_is_unbanned_stays_so),
		TEST(a_full_set_refuses_and_nothing_is_kept),
		TEST(each_set_has_the_room_that_the_file_gives_it),
		TEST(a_set_that_the_config_no_longer_has_keeps_its_entries),
		TEST(a_rules_additions_are_written_in_turns),
		TEST(a_network_that_a_rule_adds_is_one_entry_for_all_of_it),
		TEST(a_network_taken_out_before_it_was_written_stays_out),
		TEST(what_was_just_added_is_not_added_again),
		TEST(an_address_seen_again_and_again_is_not_written_each_time),
		TEST(what_does_not_fit_into_the_queue_is_kept_all_the_same),
		TEST(an_event_for_a_set_that_is_none_is_ignored),
		TEST(a_clock_that_is_set_right_loses_nothing),
		TEST(what_has_ended_leaves_the_file_after_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
