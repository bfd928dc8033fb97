// SPDX-License-Identifier: BSD-3-Clause
// Bans on their way to a disk that is slow: the state file's thread is held meanwhile.
#include <errno.h>

#include "tests/unit/bans_fixture.h"
#include "tests/unit/held_writer.h"
#include "tests/unit/loop_statements.h"

static struct ban_asked *ask_ban(const char *text, uint32_t for_sec)
{
	struct ip_prefix address = prefix(text);
	struct error err = {0};
	struct ban_asked *asked = bans_add(&bans, 0, &address, for_sec, NOW, &err);

	if (asked == NULL)
		fail_msg("%s", err.text);
	return asked;
}

static struct ban_asked *ask_unban(const char *text)
{
	struct ip_prefix address = prefix(text);
	struct error err = {0};
	struct ban_asked *asked = bans_remove(&bans, 0, &address, &err);

	if (asked == NULL)
		fail_msg("%s", err.text);
	return asked;
}

static const char *host(unsigned i)
{
	static char text[ADDR_STR_BYTES];

	snprintf(text, sizeof(text), "198.18.%u.%u/32", i >> 8, i & 255);
	return text;
}

// --- what people ask for ---

static void a_ban_holds_at_once_and_is_answered_when_it_is_on_the_disk(void **state)
{
	struct error err, unkept;
	struct ban_asked *asked;

	hold_writer(writer);
	asked = ask_ban("198.51.100.7/32", DAY);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(left(0, "198.51.100.7/32"), DAY);
	assert_int_equal(bans_outcome(&bans, asked, &unkept, &err), -EAGAIN);
	release_writer();
	assert_int_equal(wait_for(asked, &unkept, &err), 0);
	assert_string_equal(unkept.text, "");
}

static void bans_that_come_while_the_disk_is_busy_are_one_commit(void **state)
{
	enum { MANY = 300 };
	struct ban_asked *asked[MANY];
	struct error err, unkept;

	watch_statements(state_db);
	hold_writer(writer);
	for (unsigned i = 0; i < MANY; i++)
		asked[i] = ask_ban(host(i), DAY);
	note(1, "2001:db8::7/128", 600, NOW);
	release_writer();
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(wait_for(asked[i], &unkept, &err), 0);
		assert_string_equal(unkept.text, "");
	}
	assert_int_equal(n_commits, 2); // the first went by itself
	restart(NOW);
	assert_int_equal(recording.timed[0].n, MANY);
	assert_int_equal(left(1, "2001:db8::7/128"), 600); // there was no need for a turn
}

static void one_that_cannot_be_written_takes_its_whole_commit_back(void **state)
{
	struct ban_asked *asked[3];
	struct error err = {0}, unkept;

	assert_int_equal(state_db_run(state_db,
				 "CREATE TEMP TRIGGER broken BEFORE INSERT ON timed_entries "
				 "WHEN NEW.prefix = '198.18.0.2/32' BEGIN "
				 "SELECT RAISE(FAIL, 'a bad sector'); END",
				 &err),
		0);
	hold_writer(writer);
	for (unsigned i = 0; i < 3; i++)
		asked[i] = ask_ban(host(i), DAY); // the first goes by itself
	release_writer();
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(wait_for(asked[i], &unkept, &err), 0);
	assert_int_equal(state_db_run(state_db, "DROP TRIGGER broken", &err), 0);
	restart(NOW);
	assert_int_equal(recording.timed[0].n, 1);
}

static void what_is_asked_of_one_address_is_done_in_its_order(void **state)
{
	struct error err, unkept;
	struct ban_asked *asked[6];

	hold_writer(writer);
	asked[0] = ask_ban("198.51.100.7/32", DAY);
	asked[1] = ask_unban("198.51.100.7/32");
	asked[2] = ask_ban("198.51.100.7/32", 60);
	asked[3] = ask_ban("198.51.100.8/32", DAY);
	asked[4] = ask_ban("198.51.100.8/32", DP_FOREVER);
	asked[5] = ask_unban("198.51.100.8/32");
	release_writer();
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(wait_for(asked[i], &unkept, &err), 0);
	restart(NOW);
	assert_int_equal(left(0, "198.51.100.7/32"), 60);
	assert_int_equal(left(0, "198.51.100.8/32"), -1);
}

static void what_rules_add_stands_in_the_order_with_what_is_asked(void **state)
{
	hold_writer(writer);
	note(0, "198.51.100.7/32", DAY, NOW);
	bans_leave(ask_ban("198.51.100.7/32", 60)); // shorter, and later
	bans_leave(ask_ban("198.51.100.8/32", 60));
	note(0, "198.51.100.8/32", DAY, NOW); // longer, and later
	bans_leave(ask_unban("198.51.100.9/32"));
	note(0, "198.51.100.9/32", DAY, NOW);
	note(0, "198.51.100.10/32", DAY, NOW);
	bans_leave(ask_unban("198.51.100.10/32"));
	bans_turn(&bans, NOW);
	release_writer();
	state_writer_wait(writer);
	restart(NOW);
	assert_int_equal(left(0, "198.51.100.7/32"), 60);
	assert_int_equal(left(0, "198.51.100.8/32"), DAY);
	assert_int_equal(left(0, "198.51.100.9/32"), DAY);
	assert_int_equal(left(0, "198.51.100.10/32"), -1);
}

static void a_turn_that_comes_while_the_disk_is_busy_is_made_up_for(void **state)
{
	watch_statements(state_db);
	hold_writer(writer);
	bans_leave(ask_ban("198.51.100.7/32", DAY));
	note(0, "198.51.100.8/32", DAY, NOW);
	assert_false(bans_turn(&bans, NOW));
	release_writer();
	state_writer_wait(writer);
	assert_int_equal(n_commits, 2);
	assert_int_equal(bans.queue->n, 0);
}

static void what_only_the_file_has_can_be_taken_out_once(void **state)
{
	struct ban_asked *first, *second;
	struct error err = {0}, unkept;

	ban(0, "198.51.100.7/32", DAY, NOW);
	recording.timed[0].n = 0; // as where there was no room
	hold_writer(writer);
	first = ask_unban("198.51.100.7/32");
	second = ask_unban("198.51.100.7/32");
	release_writer();
	assert_int_equal(wait_for(first, &unkept, &err), 0);
	assert_int_equal(wait_for(second, &unkept, &err), -1);
	assert_string_equal(err.text, "198.51.100.7/32 is not in the set banned");
	restart(NOW);
	assert_int_equal(recording.timed[0].n, 0);
}

static void more_than_may_wait_are_refused_with_nothing_changed(void **state)
{
	struct ip_prefix one_more = prefix("198.51.100.7/32");
	struct error err = {0};

	hold_writer(writer);
	for (unsigned i = 0; i < BAN_ASKED_MAX; i++)
		bans_leave(ask_ban(host(i), DAY)); // nobody waits for the answer
	assert_null(bans_add(&bans, 0, &one_more, DAY, NOW, &err));
	assert_non_null(strstr(err.text, "wait for the disk"));
	assert_null(bans_remove(&bans, 0, &one_more, &err));
	assert_int_equal(left(0, "198.51.100.7/32"), -1);
	release_writer();
	state_writer_wait(writer);
	ban(0, "198.51.100.7/32", DAY, NOW);
	restart(NOW);
	assert_int_equal(recording.timed[0].n, BAN_ASKED_MAX + 1);
}

static void the_end_writes_all_that_is_under_way(void **state)
{
	hold_writer(writer);
	bans_leave(ask_ban("198.51.100.7/32", DAY));
	bans_leave(ask_ban("198.51.100.8/32", DAY));
	note(0, "198.51.100.9/32", DAY, NOW);
	for (unsigned i = 0; i < 2 * BAN_QUEUE_MAX; i++)
		note(0, host(i), DAY, NOW);
	release_writer();
	restart(NOW);
	assert_int_equal(recording.timed[0].n, 3 + 2 * BAN_QUEUE_MAX);
}

// --- from the file, while the loop runs ---

static void follow(const char *text)
{
	struct config *before = config;
	struct error err = {0};

	config = parse(text);
	if (bans_follow(&bans, config, NOW, &err) != 0)
		fail_msg("%s", err.text);
	config_free(before);
}

// The set `banned` is what another config brings, as the first of its numbers that is free: 1.
static void begin_without_banned(void)
{
	close_bans(NOW);
	open_bans("sets: {slow: {addresses: [], timeout: 10s}}\n", NOW);
}

static void a_set_that_another_config_brings_is_filled_by_parts(void **state)
{
	enum { MANY = 2 * BAN_LOAD_ROWS + 10 };

	for (unsigned i = 0; i < MANY; i++)
		bans_note(&bans, 0, &(struct ip_prefix){prefix(host(i)).addr, 32}, DAY, NOW);
	begin_without_banned();
	sqlite3_exec(state_db,
		"INSERT INTO timed_entries VALUES ('banned', 'no address', 1, 1),"
		"('banned', x'00ff', 1, 1), ('banned', printf('%.99c', 'z'), 1, 1)",
		NULL, NULL, NULL);
	watch_statements(state_db);
	follow(sets);
	assert_int_equal(recording.timed[1].n, 0);
	state_writer_wait(writer);
	assert_int_equal(recording.timed[1].n, MANY);
	assert_int_equal(left(1, host(MANY - 1)), DAY);
	assert_int_equal(n_loop_statements, 0);
}

static void what_is_asked_meanwhile_is_not_undone_by_what_the_file_had(void **state)
{
	struct ip_prefix shorter = prefix("198.51.100.7/32"), gone = prefix("198.51.100.8/32");
	struct error err;

	ban(0, "198.51.100.7/32", DAY, NOW);
	ban(0, "198.51.100.8/32", DAY, NOW);
	ban(0, "198.51.100.9/32", DAY, NOW);
	ban(0, "198.51.100.10/32", 60, NOW);
	begin_without_banned();
	hold_writer(writer);
	follow(sets);
	bans_leave(bans_add(&bans, 1, &shorter, 60, NOW, &err));
	bans_leave(bans_remove(&bans, 1, &gone, &err));
	note(1, "198.51.100.10/32", DAY, NOW);
	release_writer();
	state_writer_wait(writer);
	assert_int_equal(left(1, "198.51.100.7/32"), 60);
	assert_int_equal(left(1, "198.51.100.8/32"), -1);
	assert_int_equal(left(1, "198.51.100.9/32"), DAY);
	assert_int_equal(left(1, "198.51.100.10/32"), DAY);
}

static void a_clock_that_is_set_while_the_disk_is_busy_loses_nothing(void **state)
{
	const int64_t by = -1000 * (int64_t)DAY;

	hold_writer(writer);
	bans_leave(ask_ban("198.51.100.1/32", DAY)); // under way
	bans_leave(ask_ban("198.51.100.2/32", DAY)); // not yet
	note(0, "198.51.100.3/32", DAY, NOW);
	bans_clock_jumped(&bans, by, NOW + by);
	bans_clock_jumped(&bans, -by, NOW);
	bans_clock_jumped(&bans, by - 500, NOW + by - 500);
	release_writer();
	state_writer_wait(writer);
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(left(0, "198.51.100.1/32"), DAY);
		assert_int_equal(left(0, "198.51.100.2/32"), DAY);
		assert_int_equal(left(0, "198.51.100.3/32"), DAY);
		if (round == 0)
			restart(NOW + by - 500);
	}
}

static void what_was_read_by_another_clock_is_not_taken(void **state)
{
	const int64_t by = 1000 * (int64_t)DAY;

	ban(0, "198.51.100.1/32", DAY, NOW);
	hold_writer(writer);
	bans_clock_jumped(&bans, 60, NOW + 60); // all is read again
	bans_clock_jumped(&bans, by, NOW + 60 + by);
	move_hold(writer);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(left(0, "198.51.100.1/32"), DAY); // it has not ended long ago
	release_writer();
	state_writer_wait(writer);
	assert_int_equal(left(0, "198.51.100.1/32"), DAY);
}

// --- and never on the loop ---

static void nothing_is_read_or_written_on_the_loop(void **state)
{
	ban(0, "198.51.100.1/32", DAY, NOW);
	watch_statements(state_db);
	bans_leave(ask_ban("198.51.100.2/32", DAY));
	bans_leave(ask_unban("198.51.100.1/32"));
	state_writer_wait(writer);
	note(0, "198.51.100.3/32", DAY, NOW);
	assert_true(turn(NOW));
	bans.is_behind[0] = true;
	assert_true(turn(NOW));
	bans_every_minute(&bans, NOW + 2 * DAY);
	bans_clock_jumped(&bans, 60, NOW + 60);
	follow("sets: {banned: {addresses: [], timeout: 1d}, new: {addresses: [], timeout: 1d}}\n");
	state_writer_wait(writer);
	assert_int_equal(n_loop_statements, 0);
	assert_true(n_commits >= 5);
}

static int end(void **state)
{
	release_writer();
	return teardown(state);
}

int main(void)
{
#define HELD(function) cmocka_unit_test_setup_teardown(function, setup, end)
	const struct CMUnitTest tests[] = {
		HELD(a_ban_holds_at_once_and_is_answered_when_it_is_on_the_disk),
		HELD(bans_that_come_while_the_disk_is_busy_are_one_commit),
		HELD(one_that_cannot_be_written_takes_its_whole_commit_back),
		HELD(what_is_asked_of_one_address_is_done_in_its_order),
		HELD(what_rules_add_stands_in_the_order_with_what_is_asked),
		HELD(a_turn_that_comes_while_the_disk_is_busy_is_made_up_for),
		HELD(what_only_the_file_has_can_be_taken_out_once),
		HELD(more_than_may_wait_are_refused_with_nothing_changed),
		HELD(the_end_writes_all_that_is_under_way),
		HELD(a_set_that_another_config_brings_is_filled_by_parts),
		HELD(what_is_asked_meanwhile_is_not_undone_by_what_the_file_had),
		HELD(a_clock_that_is_set_while_the_disk_is_busy_loses_nothing),
		HELD(what_was_read_by_another_clock_is_not_taken),
		HELD(nothing_is_read_or_written_on_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
