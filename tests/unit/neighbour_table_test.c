// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "control/neighbour_table.h"

static struct neighbour_table *table;
static uint64_t now_ms;

static int setup(void **state)
{
	now_ms = 1000000;
	table = neighbour_table_new(1u << 20, 1u << 20);
	return table == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	neighbour_table_free(table);
	return 0;
}

static struct ip_addr host4(uint32_t i)
{
	return (struct ip_addr){
		.family = IP_V4, .bytes = {198, 18 + (i >> 16 & 1), (uint8_t)(i >> 8), (uint8_t)i}};
}

static struct ip_addr host6(uint32_t i)
{
	return (struct ip_addr){.family = IP_V6,
		.v6 = {0x20, 0x01, 0x0d, 0xb8, [13] = i >> 16, [14] = i >> 8, [15] = i}};
}

static const struct mac_addr mac = {{2, 0, 0, 0, 0, 1}};
static const struct mac_addr other_mac = {{2, 0, 0, 0, 0, 2}};

static enum neighbour_verdict want(uint32_t i)
{
	struct ip_addr addr = host4(i);

	return neighbour_table_want(table, 0, &addr, now_ms);
}

static bool learn(uint32_t i)
{
	struct ip_addr addr = host4(i);

	return neighbour_table_learn(table, 0, &addr, &mac, false);
}

static struct neighbour_loss fail_one(uint32_t i)
{
	struct ip_addr addr = host4(i);

	return neighbour_table_fail(table, 0, &addr, now_ms);
}

static void count_one(void *ctx, const struct neighbour *neighbour)
{
	(*(unsigned *)ctx)++;
}

static unsigned expire(void)
{
	unsigned n = 0;

	neighbour_table_expire(table, now_ms, count_one, &n);
	return n;
}

static void a_wanted_neighbour_is_asked_for_once(void **state)
{
	assert_int_equal(want(1), NEIGHBOUR_ASK);
	assert_int_equal(want(1), NEIGHBOUR_WAIT);
	now_ms += 1000;
	assert_int_equal(want(1), NEIGHBOUR_WAIT);
	assert_int_equal(neighbour_table_counters(table)->asked, 1);
}

static void the_answer_is_news_once(void **state)
{
	struct ip_addr addr = host4(1);

	want(1);
	assert_true(learn(1));
	assert_false(learn(1));
	assert_int_equal(want(1), NEIGHBOUR_KNOWN);
	assert_true(neighbour_table_learn(table, 0, &addr, &other_mac, false));
	assert_false(neighbour_table_learn(table, 0, &addr, &other_mac, true)); // only older
	assert_int_equal(neighbour_table_find(table, 0, &addr)->state, NEIGHBOUR_STALE);
}

static void the_same_address_on_two_interfaces_is_two_neighbours(void **state)
{
	struct ip_addr addr = host6(1);

	assert_true(neighbour_table_learn(table, 0, &addr, &mac, false));
	assert_int_equal(neighbour_table_want(table, 1, &addr, now_ms), NEIGHBOUR_ASK);
	assert_int_equal(neighbour_table_want(table, 0, &addr, now_ms), NEIGHBOUR_KNOWN);
}

static void what_stands_behind_an_ipv4_address_does_not_count(void **state)
{
	struct ip_addr addr = host4(1);

	memset(addr.bytes + 4, 0, 12);
	assert_true(neighbour_table_learn(table, 0, &addr, &mac, false));
	memset(addr.bytes + 4, 0x5a, 12);
	assert_int_equal(neighbour_table_want(table, 0, &addr, now_ms), NEIGHBOUR_KNOWN);
}

static void a_failure_is_remembered_for_a_second(void **state)
{
	want(1);
	now_ms += 3000;
	assert_true(fail_one(1).was_our_quest);
	assert_int_equal(want(1), NEIGHBOUR_FAILED_LATELY);
	now_ms += 999;
	expire();
	assert_int_equal(want(1), NEIGHBOUR_FAILED_LATELY);
	now_ms += 1;
	assert_int_equal(want(1), NEIGHBOUR_ASK);
}

static void a_failure_told_again_is_no_second_failure(void **state)
{
	want(1);
	assert_true(fail_one(1).tell_workers);
	assert_false(fail_one(1).tell_workers);
	assert_int_equal(neighbour_table_counters(table)->failed, 1);
	assert_false(fail_one(2).tell_workers); // the kernel's own, of which we never heard
}

// The entry in the kernel is not ours then: the kernel found that its neighbour has gone.
static void a_known_neighbour_that_fails_is_not_our_quest(void **state)
{
	struct neighbour_loss loss;

	learn(1);
	loss = fail_one(1);
	assert_true(loss.tell_workers);
	assert_false(loss.was_our_quest);
}

// `ip neigh flush` looks like that: it must not cost a second of silence.
static void a_known_neighbour_that_fails_may_be_asked_for_at_once(void **state)
{
	learn(1);
	fail_one(1);
	assert_int_equal(want(1), NEIGHBOUR_ASK);
}

static void removing_a_failed_entry_keeps_the_memory_of_it(void **state)
{
	struct ip_addr addr = host4(1);

	want(1);
	fail_one(1);
	assert_false(neighbour_table_forget(table, 0, &addr));
	assert_int_equal(want(1), NEIGHBOUR_FAILED_LATELY);
	learn(2);
	addr = host4(2);
	assert_true(neighbour_table_forget(table, 0, &addr));
	assert_false(neighbour_table_forget(table, 0, &addr));
}

static void a_scan_may_ask_64_times_in_100_ms(void **state)
{
	unsigned asked = 0;

	for (uint32_t i = 0; i < 1000; i++)
		asked += want(i) == NEIGHBOUR_ASK;
	assert_int_equal(asked, NEIGHBOURS_ASK_MAX);
	now_ms += 99;
	assert_int_equal(want(2000), NEIGHBOUR_REFUSED);
	now_ms += 1;
	assert_int_equal(want(2000), NEIGHBOUR_ASK);
	assert_int_equal(neighbour_table_counters(table)->refused_rate, 1000 - 64 + 1);
}

static void a_scan_has_256_questions_open_at_most(void **state)
{
	unsigned asked = 0;

	for (uint32_t i = 0; i < 4000; i++, now_ms++)
		asked += want(i) == NEIGHBOUR_ASK;
	assert_int_equal(asked, NEIGHBOURS_RESOLVING_MAX);
	assert_true(neighbour_table_counters(table)->refused_open > 0);
	fail_one(0); // one answer, one question more
	now_ms += 100;
	assert_int_equal(want(5000), NEIGHBOUR_ASK);
	assert_int_equal(want(5001), NEIGHBOUR_REFUSED);
}

// An hour of scanning a /64: the table must not grow, whoever is asked for must go again.
static void a_long_scan_leaves_nothing_behind(void **state)
{
	uint32_t next = 0, oldest = 0;
	unsigned most = 0;

	for (unsigned tick = 0; tick < 36000; tick++, now_ms += 100) {
		for (unsigned i = 0; i < 4; i++) {
			struct ip_addr addr = host6(next);

			next += neighbour_table_want(table, 0, &addr, now_ms) == NEIGHBOUR_ASK;
		}
		for (; tick >= 30 && oldest + 100 < next; oldest++) {
			struct ip_addr addr = host6(oldest);

			neighbour_table_fail(table, 0, &addr, now_ms);
		}
		if (tick % 10 == 0)
			expire();
		most = neighbour_table_count(table) > most ? neighbour_table_count(table) : most;
	}
	assert_true(next > 100000);
	assert_true(most < 512);
}

static void a_question_whose_answer_got_lost_ends_after_5_s(void **state)
{
	want(1);
	now_ms += NEIGHBOURS_RESOLVE_MS - 1;
	assert_int_equal(expire(), 0);
	now_ms += 1;
	assert_int_equal(expire(), 1); // the workers are told
	assert_int_equal(neighbour_table_count(table), 0);
	assert_int_equal(want(1), NEIGHBOUR_ASK);
}

static void a_known_neighbour_never_expires_here(void **state)
{
	learn(1);
	now_ms += 1000000;
	assert_int_equal(expire(), 0);
	assert_int_equal(want(1), NEIGHBOUR_KNOWN);
}

static void nothing_is_asked_beyond_8192_of_a_family(void **state)
{
	struct ip_addr six = host6(1);

	for (uint32_t i = 0; i < NEIGHBOURS_KERNEL_MAX; i++)
		assert_true(learn(i));
	assert_int_equal(want(100000), NEIGHBOUR_REFUSED);
	assert_int_equal(neighbour_table_counters(table)->refused_full, 1);
	assert_int_equal(neighbour_table_want(table, 0, &six, now_ms), NEIGHBOUR_ASK);
	fail_one(0); // room for one
	assert_int_equal(want(100000), NEIGHBOUR_ASK);
	assert_int_equal(want(100001), NEIGHBOUR_REFUSED);
}

static void a_kernel_with_a_small_table_is_asked_for_less(void **state)
{
	neighbour_table_free(table);
	table = neighbour_table_new(10, 1u << 20);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(want(i), NEIGHBOUR_ASK);
	assert_int_equal(want(10), NEIGHBOUR_REFUSED);
}

static void what_the_kernel_learns_by_itself_is_bounded_too(void **state)
{
	for (uint32_t i = 0; i < NEIGHBOURS_TABLE_MAX; i++)
		assert_true(learn(i));
	assert_false(learn(NEIGHBOURS_TABLE_MAX));
	assert_int_equal(neighbour_table_counters(table)->ignored, 1);
	assert_int_equal(neighbour_table_count(table), NEIGHBOURS_TABLE_MAX);
}

static void a_dump_removes_those_it_does_not_tell(void **state)
{
	unsigned n = 0;

	learn(1);
	learn(2);
	want(3);
	neighbour_table_sync_start(table);
	learn(2);
	neighbour_table_sync_end(table, count_one, &n);
	assert_int_equal(n, 1);
	assert_int_equal(want(2), NEIGHBOUR_KNOWN);
	assert_int_equal(want(3), NEIGHBOUR_WAIT); // still open: a dump does not answer it
	assert_int_equal(want(1), NEIGHBOUR_ASK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_wanted_neighbour_is_asked_for_once),
		TEST(the_answer_is_news_once),
		TEST(the_same_address_on_two_interfaces_is_two_neighbours),
		TEST(what_stands_behind_an_ipv4_address_does_not_count),
		TEST(a_failure_is_remembered_for_a_second),
		TEST(a_failure_told_again_is_no_second_failure),
		TEST(a_known_neighbour_that_fails_is_not_our_quest),
		TEST(a_known_neighbour_that_fails_may_be_asked_for_at_once),
		TEST(removing_a_failed_entry_keeps_the_memory_of_it),
		TEST(a_scan_may_ask_64_times_in_100_ms),
		TEST(a_scan_has_256_questions_open_at_most),
		TEST(a_long_scan_leaves_nothing_behind),
		TEST(a_question_whose_answer_got_lost_ends_after_5_s),
		TEST(a_known_neighbour_never_expires_here),
		TEST(nothing_is_asked_beyond_8192_of_a_family),
		TEST(a_kernel_with_a_small_table_is_asked_for_less),
		TEST(what_the_kernel_learns_by_itself_is_bounded_too),
		TEST(a_dump_removes_those_it_does_not_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
