// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/expect.h"

enum { NOW = 100, OWNER = 7, OTHER_OWNER = 8 };

static struct expect_table *table;

static int open_table(void **state)
{
	static const uint64_t seeds[2] = {0x1234567890abcdefu, 0xfedcba0987654321u};

	table = expect_table_new(seeds);
	return table != NULL ? 0 : -1;
}

static int close_table(void **state)
{
	expect_table_free(table);
	return 0;
}

static struct ip_addr address(const char *text)
{
	struct ip_addr addr;

	assert_int_equal(ip_addr_parse(text, &addr), 0);
	return addr;
}

// From the server to port 5001 of the router, for the first host inside.
static struct expectation usual(void)
{
	return (struct expectation){
		.src = address("198.51.100.10"),
		.dst = address("203.0.113.2"),
		.dport_be = RTE_BE16(5001),
		.protocol = IPPROTO_TCP,
		.to = address("198.18.0.11"),
		.to_port_be = RTE_BE16(5002),
		.owner = OWNER,
		.control.sent.src = address("198.18.0.11"),
	};
}

static struct flow_tuple packet_of(const struct expectation *expected)
{
	return (struct flow_tuple){
		.src = expected->src,
		.dst = expected->dst,
		.sport_be = RTE_BE16(20),
		.dport_be = expected->dport_be,
		.protocol = expected->protocol,
	};
}

static bool is_taken(const struct flow_tuple *packet, uint32_t now_sec)
{
	struct expectation out;

	return expect_take(table, packet, now_sec, &out);
}

static void what_is_expected_comes_once(void **state)
{
	struct expectation expected = usual(), out;
	struct flow_tuple packet = packet_of(&expected);

	assert_false(is_taken(&packet, NOW));
	assert_true(expect_add(table, &expected, NOW) >= 0);
	assert_true(expect_take(table, &packet, NOW, &out));
	assert_true(ip_addr_equal(&out.to, &expected.to));
	assert_int_equal(out.to_port_be, expected.to_port_be);
	assert_false(is_taken(&packet, NOW));
}

static void to_look_does_not_take(void **state)
{
	struct expectation expected = usual(), out;
	struct flow_tuple packet = packet_of(&expected);

	assert_true(expect_add(table, &expected, NOW) >= 0);
	assert_true(expect_find(table, &packet, NOW, &out));
	assert_true(expect_find(table, &packet, NOW, &out));
	assert_true(ip_addr_equal(&out.to, &expected.to));
	assert_true(is_taken(&packet, NOW));
	assert_false(expect_find(table, &packet, NOW, &out));
}

static void nothing_else_is_let_in_by_it(void **state)
{
	struct expectation expected = usual();
	struct flow_tuple packets[5];

	for (unsigned i = 0; i < 5; i++)
		packets[i] = packet_of(&expected);
	packets[0].src = address("198.51.100.11");
	packets[1].dst = address("203.0.113.3");
	packets[2].dport_be = RTE_BE16(5002);
	packets[3].protocol = IPPROTO_UDP;
	packets[4].src = address("2001:db8::10");
	assert_true(expect_add(table, &expected, NOW) >= 0);
	for (unsigned i = 0; i < 5; i++)
		assert_false(is_taken(&packets[i], NOW));
}

static void it_is_expected_for_a_minute(void **state)
{
	struct expectation expected = usual();
	struct flow_tuple packet = packet_of(&expected);

	assert_true(expect_add(table, &expected, NOW) >= 0);
	assert_false(is_taken(&packet, NOW + EXPECT_SEC));
	assert_true(expect_add(table, &expected, UINT32_MAX - 10) >= 0); // over the clock's end
	assert_true(is_taken(&packet, EXPECT_SEC - 12));
}

static void one_expects_what_another_does_not_already(void **state)
{
	struct expectation expected = usual(), other = usual();

	assert_true(expect_add(table, &expected, NOW) >= 0);
	other.owner = OTHER_OWNER;
	other.to = address("198.18.0.12");
	assert_int_equal(expect_add(table, &other, NOW), -EEXIST);
	assert_true(expect_add(table, &expected, NOW + 50) >= 0); // renewed
	assert_int_equal(expect_add(table, &other, NOW + EXPECT_SEC), -EEXIST);
	assert_true(expect_add(table, &other, NOW + 50 + EXPECT_SEC) >= 0);
}

static void its_owner_may_forget_it(void **state)
{
	struct expectation expected = usual();
	struct flow_tuple packet = packet_of(&expected);
	int place = expect_add(table, &expected, NOW);

	assert_true(place >= 0);
	expect_forget(table, (uint16_t)place, OTHER_OWNER);
	assert_true(is_taken(&packet, NOW));
	expect_forget(table, (uint16_t)place, OWNER); // it is nobody's now
	place = expect_add(table, &expected, NOW);
	expect_forget(table, (uint16_t)place, OWNER);
	assert_false(is_taken(&packet, NOW));
}

static void a_host_expects_only_so_much(void **state)
{
	static const struct {
		const char *host, *same, *other;
	} rows[] = {
		{"198.18.0.11", "198.18.0.11", "198.18.0.12"},
		{"2001:db8:1::7", "2001:db8:1::8", "2001:db8:2::7"},
	};

	for (unsigned i = 0; i < 2; i++) {
		struct expectation expected = usual();
		uint16_t n;

		expected.control.sent.src = address(rows[i].host);
		expected.owner = OWNER + i;
		for (n = 0; n < EXPECT_PER_HOST; n++) {
			expected.dport_be = rte_cpu_to_be_16((uint16_t)(2000 + 100 * i + n));
			assert_true(expect_add(table, &expected, NOW) >= 0);
		}
		expected.dport_be = rte_cpu_to_be_16((uint16_t)(2000 + 100 * i + n));
		expected.control.sent.src = address(rows[i].same);
		assert_int_equal(expect_add(table, &expected, NOW), -EDQUOT);
		expected.control.sent.src = address(rows[i].other);
		assert_true(expect_add(table, &expected, NOW) >= 0);
	}
}

static void what_is_late_counts_no_more(void **state)
{
	struct expectation expected = usual();

	for (unsigned round = 0; round < 2; round++)
		for (uint16_t n = 0; n < EXPECT_PER_HOST; n++) {
			expected.dport_be = rte_cpu_to_be_16((uint16_t)(2000 + 100 * round + n));
			assert_true(expect_add(table, &expected, NOW + round * EXPECT_SEC) >= 0);
		}
}

static void callers_from_outside_have_a_share(void **state)
{
	struct expectation expected = usual();
	uint32_t n = 0;

	expected.is_from_outside = true;
	for (uint32_t i = 0; i < EXPECT_MAX; i++) {
		int place;

		expected.control.sent.src.v4[2] = (uint8_t)(i >> 8);
		expected.control.sent.src.v4[3] = (uint8_t)i;
		expected.dport_be = rte_cpu_to_be_16((uint16_t)(1024 + i));
		place = expect_add(table, &expected, NOW);
		assert_true(place >= 0 || place == -EDQUOT || place == -ENOSPC);
		n += place >= 0;
	}
	assert_int_equal(n, EXPECT_OUTSIDE);
	expected.is_from_outside = false;
	expected.dport_be = RTE_BE16(1000);
	assert_true(expect_add(table, &expected, NOW) >= 0);
}

// --- several workers ---

enum { THREADS = 4, ROUNDS = 20000, SEVERAL = 16 };

struct taker {
	pthread_t thread;
	uint16_t index;
	uint32_t n_added, n_taken;
};

// Each adds some of its own, and takes whatever is there.
static void *add_and_take(void *arg)
{
	struct expectation expected = usual();
	struct taker *taker = arg;

	expected.owner = OWNER + taker->index;
	expected.control.sent.src.v4[3] = (uint8_t)taker->index;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct flow_tuple packet;

		expected.dport_be = rte_cpu_to_be_16((uint16_t)(2000 + i % SEVERAL));
		packet = packet_of(&expected);
		taker->n_added +=
			i % THREADS == taker->index && expect_add(table, &expected, NOW) >= 0;
		taker->n_taken += is_taken(&packet, NOW);
	}
	return NULL;
}

static void of_several_workers_one_takes_it(void **state)
{
	struct taker takers[THREADS] = {0};
	uint32_t n_added = 0, n_taken = 0;

	for (uint16_t i = 0; i < THREADS; i++) {
		takers[i].index = i;
		assert_int_equal(
			pthread_create(&takers[i].thread, NULL, add_and_take, &takers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(takers[i].thread, NULL);
		n_added += takers[i].n_added;
		n_taken += takers[i].n_taken;
	}
	for (uint16_t i = 0; i < SEVERAL; i++) {
		struct expectation expected = usual();
		struct flow_tuple packet;

		expected.dport_be = rte_cpu_to_be_16((uint16_t)(2000 + i));
		packet = packet_of(&expected);
		n_taken += is_taken(&packet, NOW);
	}
	assert_true(n_added > ROUNDS / 2);
	assert_int_equal(n_taken, n_added);
}

static void a_full_table_takes_no_more_until_some_are_late(void **state)
{
	struct expectation expected = usual();
	uint32_t n = 0;
	int place;

	for (uint32_t i = 0; i < 20 * EXPECT_MAX; i++) {
		expected.control.sent.src.v4[2] = (uint8_t)(i >> 8);
		expected.control.sent.src.v4[3] = (uint8_t)i;
		expected.dport_be = rte_cpu_to_be_16((uint16_t)(1024 + i));
		place = expect_add(table, &expected, NOW);
		assert_true(place >= 0 || place == -ENOSPC);
		n += place >= 0;
	}
	assert_int_equal(n, EXPECT_MAX);
	assert_int_equal(expect_add(table, &expected, NOW), -ENOSPC);
	assert_true(expect_add(table, &expected, NOW + EXPECT_SEC) >= 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_table, close_table)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_expected_comes_once),
		TEST(to_look_does_not_take),
		TEST(nothing_else_is_let_in_by_it),
		TEST(it_is_expected_for_a_minute),
		TEST(one_expects_what_another_does_not_already),
		TEST(its_owner_may_forget_it),
		TEST(a_host_expects_only_so_much),
		TEST(what_is_late_counts_no_more),
		TEST(callers_from_outside_have_a_share),
		TEST(of_several_workers_one_takes_it),
		TEST(a_full_table_takes_no_more_until_some_are_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
