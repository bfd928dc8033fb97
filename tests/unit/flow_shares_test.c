// SPDX-License-Identifier: BSD-3-Clause
// Who loses when a flow table is full, and who counts as one host.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/flow_hosts.h"

// --- a full table ---

static void who_has_most_is_refused_and_pays_for_others(void **state)
{
	struct flow_table *table = open_table(1024);
	struct flow_host_key hog = host4(1, LAN), other = host4(2, LAN), third = host4(3, LAN);

	fill(table, &other, 100, FLOW_ASSURED);
	fill(table, &hog, 924, FLOW_ASSURED);
	assert_null(begin(table, &hog));
	assert_int_equal(flows_of(table, &hog), 924);
	fill(table, &other, 1, FLOW_ASSURED);
	fill(table, &third, 1, FLOW_ASSURED);
	assert_int_equal(flows_of(table, &hog), 922);
	assert_int_equal(flows_of(table, &other), 101);
	// until nobody has far more than anybody else
	fill(table, &third, 400, FLOW_ASSURED);
	assert_int_equal(flows_of(table, &hog), 522);
	for (struct flow *flow; (flow = begin(table, &other)) != NULL;)
		flow_set_phase(table, flow, FLOW_ASSURED);
	assert_true(flows_of(table, &other) >= 256);
	assert_true(flows_of(table, &hog) >= 256);
	assert_int_equal(table->n_used, 1024);
	close_table(table);
}

static void handshakes_on_their_way_outlive_the_flows_of_a_hog(void **state)
{
	enum { CAPACITY = 4096, HOSTS = 50 };
	struct flow_table *table = open_table(CAPACITY);
	struct flow_host_key hog = host4(1, LAN);
	struct flow *waiting[HOSTS];

	fill(table, &hog, CAPACITY, FLOW_ASSURED);
	for (uint32_t i = 0; i < HOSTS; i++) {
		struct flow_host_key key = host4(100 + i, LAN);

		waiting[i] = begin(table, &key);
		assert_non_null(waiting[i]);
	}
	for (uint32_t i = 0; i < HOSTS; i++)
		assert_int_equal(waiting[i]->state.state, FLOW_UNREPLIED);
	assert_int_equal(flows_of(table, &hog), CAPACITY - HOSTS);
	close_table(table);
}

static void the_idlest_flows_of_a_hog_go_first(void **state)
{
	enum { CAPACITY = 1024 };
	struct flow_table *table = open_table(CAPACITY);
	struct flow_host_key hog = host4(1, LAN), other = host4(2, LAN);
	unsigned n_busy = 0;

	for (uint32_t i = 0; i < CAPACITY; i++) {
		struct flow *flow = begin(table, &hog);

		flow_set_phase(table, flow, FLOW_ASSURED);
		// either direction keeps a flow busy; time has passed its wrap
		flow->dir[0].last_seen_sec = i % 4 == 0 ? 90 : UINT32_MAX - 100;
		flow->dir[1].last_seen_sec = i % 4 == 1 ? 90 : UINT32_MAX - 100;
	}
	fill(table, &other, CAPACITY / 4, FLOW_ASSURED);
	for (uint32_t i = 0; i < CAPACITY; i++) {
		const struct flow *flow = &table->flows[i];

		n_busy += flow->state.state == FLOW_ASSURED && flow_last_seen_sec(flow) == 90;
	}
	assert_int_equal(n_busy, CAPACITY / 2);
	close_table(table);
}

static void greedy_hosts_take_turns(void **state)
{
	struct flow_table *table = open_table(1000);
	struct flow_host_key a = host4(1, LAN), b = host4(2, LAN), c = host4(3, LAN);

	fill(table, &a, 500, FLOW_ASSURED);
	fill(table, &b, 500, FLOW_ASSURED);
	fill(table, &c, 100, FLOW_ASSURED);
	assert_int_equal(flows_of(table, &a), 450);
	assert_int_equal(flows_of(table, &b), 450);
	close_table(table);

	table = open_table(1000);
	fill(table, &a, 500, FLOW_UNREPLIED);
	fill(table, &b, 500, FLOW_UNREPLIED);
	fill(table, &c, 100, FLOW_ASSURED);
	assert_int_equal(flows_of(table, &a), 450);
	assert_int_equal(flows_of(table, &b), 450);
	close_table(table);
}

static void the_router_loses_nothing_while_it_has_less_than_half(void **state)
{
	static const struct {
		uint32_t n_router, n_host, left; // of the router's after 50 more of another's
		enum flow_phase phase;
	} rows[] = {
		{500, 500, 500, FLOW_ASSURED},
		{500, 500, 500, FLOW_UNREPLIED},
		{990, 10, 940, FLOW_ASSURED},
		{990, 10, 940, FLOW_UNREPLIED},
		{1000, 0, 950, FLOW_ASSURED}, // there is nobody else
		{1000, 0, 950, FLOW_UNREPLIED},
	};

	for (unsigned r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct flow_table *table = open_table(1000);
		struct flow_host_key one = host4(1, LAN), other = host4(2, LAN);

		fill(table, &router, rows[r].n_router, rows[r].phase);
		fill(table, &one, rows[r].n_host, rows[r].phase);
		fill(table, &other, 50, FLOW_ASSURED);
		assert_int_equal(flows_of(table, &router), rows[r].left);
		assert_int_equal(flows_of(table, &other), 50);
		close_table(table);
	}
}

// --- who is one host ---

static void a_host_is_an_address_or_a_network_on_its_interface(void **state)
{
	const struct {
		struct flow_host_key a, b;
		bool is_one;
	} rows[] = {
		{host4(1, LAN), host4(1, LAN), true},
		{host4(1, LAN), host4(2, LAN), false},
		{host4(1, LAN), host4(1, LAN2), false},
		{host6(1, 1, LAN), host6(1, 2, LAN), true},
		{host6(1, 1, LAN), host6(2, 1, LAN), false},
		{host6(1, 1, LAN), host6(1, 1, LAN2), false},
		{host4(0xb80d0120, LAN), host6(0, 0, LAN), false}, // the same bytes
		{host4(1, WAN), host6(2, 3, WAN), true},	   // from outside: whoever
		{host4(1, WAN), host4(1, LAN), false},
		{host4(0, LAN), router, false},
		{router, router, true},
	};

	for (unsigned r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct flow_table *table = open_table(64);
		struct flow *a = begin(table, &rows[r].a), *b = begin(table, &rows[r].b);

		assert_int_equal(a->state.host == b->state.host, rows[r].is_one);
		assert_int_equal(flows_of(table, &rows[r].a), rows[r].is_one ? 2 : 1);
		close_table(table);
	}
}

// --- outside ---

static struct flow *call(
	struct flow_table *table, uint32_t address, enum flow_phase phase, uint32_t last_seen_sec)
{
	struct flow_host_key key = host4(address, WAN);
	struct flow *flow = begin(table, &key);

	if (flow == NULL)
		return NULL;
	flow->dir[0].key4.src_be = address;
	flow->dir[0].last_seen_sec = flow->dir[1].last_seen_sec = last_seen_sec;
	flow_set_phase(table, flow, phase);
	return flow;
}

// One who completes handshakes at a published port until the table is full, and a friend outside
// who has been silent for longer than any of these.
static void a_caller_who_fills_the_table_pays_for_the_house_and_not_his_neighbour(void **state)
{
	enum { CAPACITY = 4096, FRIEND = 7, FOE = 8 };

	for (unsigned i = 0; i < 2; i++) {
		struct flow_table *table = open_table(CAPACITY);
		enum flow_phase phase = i == 0 ? FLOW_TCP_ESTABLISHED : FLOW_ASSURED;
		struct flow *friend = call(table, FRIEND, phase, 100);
		struct flow_host_key house = host4(1, LAN), outside = host4(1, WAN);
		uint32_t of_friend;

		while (table->n_used < CAPACITY)
			assert_non_null(call(table, FOE, phase, 5000));
		of_friend = friend->state.host;
		for (unsigned k = 0; k < 1000; k++) {
			struct flow *fresh = begin(table, &house);

			assert_non_null(fresh);
			flow_set_phase(table, fresh, FLOW_ASSURED);
			assert_int_equal(friend->state.state, phase);
			assert_int_equal(friend->state.host, of_friend);
		}
		assert_int_equal(flows_of(table, &outside), CAPACITY - 1000);
		close_table(table);
	}
}

// Many callers are still one host to the house, and never take its entries.
static void a_crowd_outside_pays_before_the_busiest_of_the_house(void **state)
{
	enum { CAPACITY = 65536, BUSY = 3000 };
	struct flow_table *table = open_table(CAPACITY);
	struct flow_host_key busy = host4(1, LAN);
	uint32_t address = 10;

	fill(table, &busy, BUSY, FLOW_ASSURED);
	while (table->n_used < CAPACITY)
		assert_non_null(call(table, address++, FLOW_TCP_ESTABLISHED, 1));
	assert_in_range(table->shares.n_callers, 1, table->shares.n_hosts_max / 2);
	for (uint32_t h = 2; h < 1500; h++) {
		struct flow_host_key house = host4(h, LAN);

		flow_set_phase(table, begin(table, &house), FLOW_ASSURED);
		assert_int_equal(flows_of(table, &house), 1); // an entry of its own
	}
	assert_int_equal(flows_of(table, &busy), BUSY);
	close_table(table);
}

static void without_an_entry_of_its_own_a_host_is_one_of_the_others_of_its_interface(void **state)
{
	enum { CAPACITY = 65536, HOSTS = CAPACITY / FLOWS_PER_HOST };
	struct flow_table *table = open_table(CAPACITY);
	struct flow_host_key late = host4(HOSTS + 1, LAN), later = host4(HOSTS + 2, LAN),
			     elsewhere = host4(HOSTS + 3, LAN2), first = host4(1, LAN);
	struct flow_host_key others = {.kind = FLOW_HOST_OTHERS, .iface = LAN};
	struct flow *flows[3];

	for (uint32_t i = 1; i <= HOSTS; i++) {
		struct flow_host_key key = host4(i, LAN);

		fill(table, &key, 1, FLOW_ASSURED);
		assert_int_equal(flows_of(table, &key), 1);
	}
	flows[0] = begin(table, &late);
	flows[1] = begin(table, &later);
	flows[2] = begin(table, &elsewhere);
	assert_int_equal(flows[0]->state.host, flow_host_find(table, &others));
	assert_int_equal(flows[0]->state.host, flows[1]->state.host);
	assert_int_not_equal(flows[0]->state.host, flows[2]->state.host);
	assert_int_equal(flow_host_find(table, &late), FLOW_HOST_UNKNOWN);

	// an entry that comes free goes to the next one who asks
	flow_remove(table, &table->flows[0]);
	assert_int_equal(flow_host_find(table, &first), FLOW_HOST_UNKNOWN);
	fill(table, &late, 1, FLOW_ASSURED);
	assert_int_equal(flows_of(table, &late), 1);
	assert_int_equal(flows_of(table, &others), 2); // those that began earlier stay there
	close_table(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_most_is_refused_and_pays_for_others),
		cmocka_unit_test(handshakes_on_their_way_outlive_the_flows_of_a_hog),
		cmocka_unit_test(the_idlest_flows_of_a_hog_go_first),
		cmocka_unit_test(greedy_hosts_take_turns),
		cmocka_unit_test(the_router_loses_nothing_while_it_has_less_than_half),
		cmocka_unit_test(a_host_is_an_address_or_a_network_on_its_interface),
		cmocka_unit_test(
			without_an_entry_of_its_own_a_host_is_one_of_the_others_of_its_interface),
		cmocka_unit_test(
			a_caller_who_fills_the_table_pays_for_the_house_and_not_his_neighbour),
		cmocka_unit_test(a_crowd_outside_pays_before_the_busiest_of_the_house),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
