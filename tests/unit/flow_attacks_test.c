// SPDX-License-Identifier: BSD-3-Clause
// Whole attacks on a flow table: what is refused, and what lives on.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/flow_hosts.h"

static struct flow_host_key one_host(uint32_t i)
{
	return host4(0x01000001, LAN);
}

static struct flow_host_key five_hundred_hosts(uint32_t i)
{
	return host4(0x01000001 + i % 500, LAN);
}

static struct flow_host_key a_host_each(uint32_t i)
{
	return host4(0x01000001 + i, LAN);
}

static struct flow_host_key a_network_each(uint32_t i)
{
	return host6(0x01000001 + i, i, LAN);
}

static struct flow_host_key one_ip6_network(uint32_t i)
{
	return host6(0x01000001, i, LAN);
}

static struct flow_host_key the_internet(uint32_t i)
{
	return i % 2 == 0 ? host4(0x01000001 + i, WAN) : host6(0x01000001 + i, i, WAN);
}

static struct flow_host_key the_router(uint32_t i)
{
	return router;
}

enum { HOUSE = 5, OPEN = 20 };

// Five hosts of the house have established flows, one of them only a single one.
static void settle(struct flow_table *table, struct flow *open[HOUSE][OPEN])
{
	for (uint32_t h = 0; h < HOUSE; h++) {
		struct flow_host_key key = h == 4 ? host6(77, h, LAN2) : host4(h + 1, LAN2);

		for (unsigned i = 0; i < (h == 0 ? 1 : OPEN); i++) {
			open[h][i] = begin(table, &key);
			flow_set_phase(table, open[h][i], FLOW_ASSURED);
			open[h][i]->state.mark = 1 + h * OPEN + i; // knows it again
		}
	}
}

static void assert_settled(struct flow *open[HOUSE][OPEN])
{
	for (uint32_t h = 0; h < HOUSE; h++)
		for (unsigned i = 0; i < (h == 0 ? 1 : OPEN); i++) {
			assert_int_equal(open[h][i]->state.state, FLOW_ASSURED);
			assert_int_equal(open[h][i]->state.mark, 1 + h * OPEN + i);
		}
}

struct attack {
	struct flow_host_key (*key)(uint32_t i);
	enum flow_phase phase; // that the attacker's flows get to at once
};

// Flows `from` and the `n - 1` after it; gives the number of the next.
static uint32_t attack(
	struct flow_table *table, const struct attack *attack, uint32_t from, uint32_t n)
{
	for (uint32_t i = from; i < from + n; i++) {
		struct flow_host_key key = attack->key(i);
		struct flow *flow = begin(table, &key);

		if (flow != NULL && attack->phase != FLOW_UNREPLIED)
			flow_set_phase(table, flow, attack->phase);
	}
	return from + n;
}

static void whoever_attacks_the_house_lives_on(void **state)
{
	enum { CAPACITY = 20000, IN_FLIGHT = 50 };
	static const struct attack rows[] = {
		{one_host, FLOW_UNREPLIED},
		{one_host, FLOW_TCP_CLOSED},
		{one_host, FLOW_ASSURED},
		{five_hundred_hosts, FLOW_UNREPLIED},
		{five_hundred_hosts, FLOW_TCP_CLOSED},
		{five_hundred_hosts, FLOW_ASSURED},
		{a_host_each, FLOW_UNREPLIED},
		{a_host_each, FLOW_TCP_CLOSED},
		{a_host_each, FLOW_ASSURED},
		{a_network_each, FLOW_UNREPLIED},
		{a_network_each, FLOW_ASSURED},
		{one_ip6_network, FLOW_UNREPLIED},
		{one_ip6_network, FLOW_ASSURED},
		{the_internet, FLOW_UNREPLIED},
		{the_internet, FLOW_ASSURED},
		{the_router, FLOW_UNREPLIED},
		{the_router, FLOW_ASSURED},
	};

	for (unsigned r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct flow_table *table = open_table(CAPACITY);
		struct flow *open[HOUSE][OPEN];
		uint32_t n = 0;

		settle(table, open);
		for (unsigned round = 0; round < 200; round++) {
			struct flow_host_key house = host4(round % 4 + 1, LAN2);
			struct flow *fresh;

			n = attack(table, &rows[r], n, round == 0 ? 2 * CAPACITY : 500);
			assert_int_equal(table->n_used, CAPACITY);
			assert_settled(open);
			// and who lives there begins as ever: an answer may take a while
			fresh = begin(table, &house);
			assert_non_null(fresh);
			fresh->state.mark = 4711;
			n = attack(table, &rows[r], n, IN_FLIGHT);
			assert_int_equal(fresh->state.mark, 4711);
			flow_set_phase(table, fresh, FLOW_ASSURED);
			flow_remove(table, fresh);
		}
		close_table(table);
	}
}

static void what_nobody_answers_goes_before_what_the_busiest_host_has_open(void **state)
{
	enum { CAPACITY = 20000, BUSY = 12000 };
	struct flow_host_key (*const scans[])(uint32_t i) = {one_host, five_hundred_hosts,
		a_host_each, a_network_each, one_ip6_network, the_internet};

	for (unsigned r = 0; r < sizeof(scans) / sizeof(scans[0]); r++) {
		struct flow_table *table = open_table(CAPACITY);
		struct flow_host_key busy = host4(1, LAN2);

		fill(table, &busy, BUSY, FLOW_ASSURED);
		for (uint32_t n = 0; n < 3 * CAPACITY; n++) {
			struct flow_host_key key = scans[r](n);

			assert_non_null(begin(table, &key));
		}
		assert_int_equal(flows_of(table, &busy), BUSY);
		close_table(table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_attacks_the_house_lives_on),
		cmocka_unit_test(what_nobody_answers_goes_before_what_the_busiest_host_has_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
