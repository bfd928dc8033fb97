// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include <rte_common.h>

#include "tests/unit/timed_set_fixture.h"

static bool has_text(const struct timed_set *set, const char *text, uint32_t now_sec)
{
	struct ip_addr addr;

	assert_int_equal(ip_addr_parse(text, &addr), 0);
	return has(set, &addr, now_sec);
}

static int add_text(struct timed_set *set, const char *text, uint32_t deadline_sec)
{
	struct ip_prefix p = prefix(text);

	return timed_set_add(set, &p, deadline_sec);
}

static int delete_text(struct timed_set *set, const char *text)
{
	struct ip_prefix p = prefix(text);

	return timed_set_delete(set, &p);
}

static int setup(void **state)
{
	*state = timed_set_new(8, NULL);
	return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	timed_set_free(*state);
	return 0;
}

static void an_address_is_in_until_its_deadline(void **state)
{
	static const struct {
		uint32_t deadline_sec, now_sec;
		bool is_in;
	} rows[] = {
		{100, 0, true},
		{100, 99, true},
		{100, 100, false},
		{100, UINT32_MAX, false},
		{0, 0, false},
		{0x80000000, 0x7fffffff, true},
		{0x80000001, 0, true}, // more than half the clock away
		{0x7fffffff, 0x80000000, false},
		{UINT32_MAX - 1, UINT32_MAX - 2, true},
		{UINT32_MAX - 1, UINT32_MAX - 1, false},
		{TIMED_SET_FOREVER, 0, true},
		{TIMED_SET_FOREVER, UINT32_MAX, true},
	};
	struct timed_set *set = *state;

	for (unsigned r = 0; r < RTE_DIM(rows); r++) {
		assert_int_equal(add_text(set, "198.51.100.7/32", rows[r].deadline_sec), 0);
		if (has_text(set, "198.51.100.7", rows[r].now_sec) != rows[r].is_in)
			fail_msg("row %u", r);
		assert_int_equal(
			timed_set_expire(set, rows[r].now_sec, UINT32_MAX), !rows[r].is_in);
		assert_int_equal(timed_set_count(set), rows[r].is_in);
		delete_text(set, "198.51.100.7/32");
	}
}

static void what_lasts_beyond_the_clock_lasts_for_ever(void **state)
{
	static const struct {
		uint32_t now_sec, for_sec, deadline_sec;
	} rows[] = {
		{100, 86400, 86500},
		{100, 0, 100},
		{UINT32_MAX - 10, 9, UINT32_MAX - 1},
		{UINT32_MAX - 10, 10, TIMED_SET_FOREVER},
		{UINT32_MAX - 10, 11, TIMED_SET_FOREVER},
		{UINT32_MAX, 0, TIMED_SET_FOREVER},
		{0, UINT32_MAX, TIMED_SET_FOREVER},
		{7, UINT32_MAX, TIMED_SET_FOREVER},
	};

	for (unsigned r = 0; r < RTE_DIM(rows); r++)
		assert_int_equal(
			timed_set_deadline(rows[r].now_sec, rows[r].for_sec), rows[r].deadline_sec);
}

static void prefixes_of_all_lengths_cover_what_is_theirs(void **state)
{
	static const struct {
		const char *prefix, *in[2], *out[2];
	} rows[] = {
		{"0.0.0.0/0", {"0.0.0.0", "255.255.255.255"}, {"::", "::1"}},
		{"::/0", {"::", "ffff::1"}, {"0.0.0.0", "255.255.255.255"}},
		{"198.51.100.7/24", {"198.51.100.0", "198.51.100.255"},
			{"198.51.99.255", "198.51.101.0"}},
		{"198.51.100.7/32", {"198.51.100.7", "198.51.100.7"},
			{"198.51.100.6", "198.51.100.8"}},
		{"128.0.0.0/1", {"128.0.0.0", "255.255.255.255"}, {"0.0.0.0", "127.255.255.255"}},
		{"2001:db8::/64", {"2001:db8::", "2001:db8::ffff:ffff:ffff:ffff"},
			{"2001:db8:0:1::", "2001:db7:ffff:ffff::"}},
		{"2001:db8::/63", {"2001:db8::", "2001:db8:0:1::9"},
			{"2001:db8:0:2::", "2001:db7:ffff:ffff::"}},
		{"2001:db8::/65", {"2001:db8::", "2001:db8::7fff:ffff:ffff:ffff"},
			{"2001:db8::8000:0:0:0", "2001:db8:0:1::"}},
		{"2001:db8::7/128", {"2001:db8::7", "2001:db8::7"},
			{"2001:db8::6", "2001:db8:0:0:1::7"}},
		// the bits of an IPv4 address, of the other family
		{"c633:6407::/32", {"c633:6407::", "c633:6407::1"},
			{"198.51.100.7", "c633:6408::"}},
	};
	struct timed_set *set = *state;

	for (unsigned r = 0; r < RTE_DIM(rows); r++) {
		assert_int_equal(add_text(set, rows[r].prefix, 100), 0);
		for (unsigned i = 0; i < 2; i++)
			if (!has_text(set, rows[r].in[i], 7) || has_text(set, rows[r].out[i], 7))
				fail_msg("%s", rows[r].prefix);
		assert_int_equal(delete_text(set, rows[r].prefix), 0);
		for (unsigned i = 0; i < 2; i++)
			assert_false(has_text(set, rows[r].in[i], 7));
	}
}

static void a_shorter_prefix_still_holds_when_a_longer_one_has_ended(void **state)
{
	struct timed_set *set = *state;

	add_text(set, "198.51.100.7/32", 10);
	add_text(set, "198.51.100.0/24", 20);
	assert_true(has_text(set, "198.51.100.7", 10));
	assert_int_equal(timed_set_expire(set, 10, UINT32_MAX), 1);
	assert_true(has_text(set, "198.51.100.7", 19));
	assert_false(has_text(set, "198.51.100.7", 20));
}

static void adding_again_never_shortens_but_replacing_does(void **state)
{
	struct timed_set *set = *state;
	const struct ip_prefix p = prefix("198.51.100.7/32");

	assert_int_equal(timed_set_add(set, &p, 100), 0);
	assert_int_equal(timed_set_add(set, &p, 50), 0);
	assert_true(has(set, &p.addr, 99));
	assert_int_equal(timed_set_add(set, &p, 200), 0);
	assert_true(has(set, &p.addr, 199));
	assert_int_equal(timed_set_replace(set, &p, 50), 0);
	assert_false(has(set, &p.addr, 50));
	assert_int_equal(timed_set_add(set, &p, TIMED_SET_FOREVER), 0);
	assert_int_equal(timed_set_add(set, &p, 300), 0);
	assert_true(has(set, &p.addr, UINT32_MAX));
	assert_int_equal(timed_set_count(set), 1);
}

static void a_full_set_refuses_and_keeps_what_it_has(void **state)
{
	struct timed_set *set = *state;
	struct ip_prefix p = prefix("198.51.100.0/32");

	for (unsigned i = 0; i < 8; i++, p.addr.v4[3]++)
		assert_int_equal(timed_set_add(set, &p, 100 + i), 0);
	assert_int_equal(timed_set_add(set, &p, 100), -ENOSPC);
	assert_int_equal(timed_set_replace(set, &p, 100), -ENOSPC);
	assert_int_equal(add_text(set, "198.51.100.3/32", 500), 0); // is there already
	assert_false(has(set, &p.addr, 7));
	assert_int_equal(timed_set_count(set), 8);
	assert_int_equal(timed_set_expire(set, 101, UINT32_MAX), 2);
	assert_int_equal(timed_set_add(set, &p, 100), 0);
	assert_int_equal(timed_set_count(set), 7);
}

static void what_is_no_prefix_or_not_there_is_an_error(void **state)
{
	struct timed_set *set = *state;
	const struct ip_prefix wrong[] = {
		{.addr.family = IP_V4, .len = 33},
		{.addr.family = IP_V6, .len = 129},
		{.addr.family = IP_NONE},
		{.addr.family = 7, .len = 8},
	};

	for (unsigned i = 0; i < RTE_DIM(wrong); i++) {
		assert_int_equal(timed_set_add(set, &wrong[i], 100), -EINVAL);
		assert_int_equal(timed_set_delete(set, &wrong[i]), -EINVAL);
	}
	add_text(set, "198.51.100.0/24", 100);
	assert_int_equal(delete_text(set, "198.51.100.0/25"), -ENOENT);
	assert_int_equal(delete_text(set, "c633:6400::/24"), -ENOENT);
	assert_int_equal(delete_text(set, "198.51.100.99/24"), 0); // host bits
	assert_int_equal(delete_text(set, "198.51.100.0/24"), -ENOENT);
	assert_null(timed_set_new(0, NULL));
	assert_null(timed_set_new(TIMED_SET_CAPACITY_MAX + 1, NULL));
	timed_set_free(NULL);
}

// A set of one has one chain: nothing but the comparison keeps its keys apart.
static void families_and_lengths_are_told_apart(void **state)
{
	static const char *const others[] = {
		"0.0.0.0/0", "::/1", "0.0.0.0/2", "::/128", "128.0.0.0/1", "::1/128"};
	struct timed_set *set = timed_set_new(1, NULL);

	assert_int_equal(add_text(set, "0.0.0.0/1", 100), 0);
	for (unsigned i = 0; i < RTE_DIM(others); i++) {
		assert_int_equal(delete_text(set, others[i]), -ENOENT);
		assert_int_equal(add_text(set, others[i], 100), -ENOSPC);
	}
	assert_int_equal(add_text(set, "0.0.0.0/1", 100), 0);
	timed_set_free(set);
}

static void the_sweep_goes_on_where_its_budget_ended(void **state)
{
	struct timed_set *set = *state;
	struct ip_prefix p = prefix("198.51.100.0/32");

	for (unsigned i = 0; i < 8; i++, p.addr.v4[3]++)
		timed_set_add(set, &p, i % 2 ? 10 : 20);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(timed_set_expire(set, 10, 2), 1);
		assert_int_equal(timed_set_count(set), 7 - i);
	}
	assert_int_equal(timed_set_expire(set, 10, UINT32_MAX), 0);
	assert_int_equal(timed_set_expire(set, 20, UINT32_MAX), 4);
	assert_int_equal(timed_set_expire(set, 20, 0), 0);
}

static void a_walk_meets_what_stays_once_whatever_else_changes(void **state)
{
	struct timed_set *set = *state;
	struct ip_prefix p;
	uint32_t cursor = 0, deadline_sec;
	unsigned n_stay = 0, n_seen = 0;

	assert_false(timed_set_next(set, &cursor, &p, &deadline_sec));
	add_text(set, "198.51.100.1/32", 101);
	add_text(set, "198.51.100.2/32", 102);
	add_text(set, "2001:db8::/64", 103);
	add_text(set, "0.0.0.0/0", 104);
	add_text(set, "2001:db8::1/128", TIMED_SET_FOREVER);
	for (cursor = 0; timed_set_next(set, &cursor, &p, &deadline_sec); n_seen++) {
		char text[ADDR_STR_BYTES];
		static const char *const stay[] = {
			"198.51.100.1/32", "2001:db8::/64", "2001:db8::1/128"};
		static const uint32_t deadlines[] = {101, 103, TIMED_SET_FOREVER};

		ip_prefix_str(&p, text);
		for (unsigned i = 0; i < RTE_DIM(stay); i++)
			if (strcmp(text, stay[i]) == 0) {
				assert_int_equal(deadline_sec, deadlines[i]);
				n_stay++;
			}
		delete_text(set, "198.51.100.2/32");
		delete_text(set, "0.0.0.0/0");
		add_text(set, "203.0.113.0/24", 100);
	}
	assert_int_equal(n_stay, 3);
	assert_in_range(n_seen, 3, 6);
	for (cursor = 0; timed_set_next(set, &cursor, &p, &deadline_sec);)
		assert_int_equal(timed_set_delete(set, &p), 0);
	assert_int_equal(timed_set_count(set), 0);
	cursor = 0;
	assert_false(timed_set_next(set, &cursor, &p, &deadline_sec));
	assert_false(has_text(set, "198.51.100.1", 0));
}

int main(void)
{
#define EIGHT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		EIGHT(an_address_is_in_until_its_deadline),
		cmocka_unit_test(what_lasts_beyond_the_clock_lasts_for_ever),
		EIGHT(prefixes_of_all_lengths_cover_what_is_theirs),
		EIGHT(a_shorter_prefix_still_holds_when_a_longer_one_has_ended),
		EIGHT(adding_again_never_shortens_but_replacing_does),
		EIGHT(a_full_set_refuses_and_keeps_what_it_has),
		EIGHT(what_is_no_prefix_or_not_there_is_an_error),
		cmocka_unit_test(families_and_lengths_are_told_apart),
		EIGHT(the_sweep_goes_on_where_its_budget_ended),
		EIGHT(a_walk_meets_what_stays_once_whatever_else_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
