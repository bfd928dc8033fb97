// SPDX-License-Identifier: BSD-3-Clause
// Who loses when a flow table is full: whole attacks, and a million random operations against a
// model that counts everything anew each time.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/flow_tables.h"
#include "tests/unit/random.h"

enum { LAN = 1, WAN = 2, LAN2 = 3 };

static struct flow_host_key host4(uint32_t n, uint8_t iface)
{
	struct ip_addr addr = {.family = IP_V4};

	memcpy(addr.v4, &n, sizeof(n));
	return flow_host_key_of(&addr, iface, iface == WAN);
}

static struct flow_host_key host6(uint32_t network, uint32_t n, uint8_t iface)
{
	struct ip_addr addr = {.family = IP_V6, .v6 = {0x20, 0x01, 0x0d, 0xb8}};

	memcpy(addr.v6 + 4, &network, sizeof(network));
	memcpy(addr.v6 + 12, &n, sizeof(n));
	return flow_host_key_of(&addr, iface, iface == WAN);
}

static const struct flow_host_key router = {.kind = FLOW_HOST_ROUTER};

static uint32_t flows_of(const struct flow_table *table, const struct flow_host_key *key)
{
	uint32_t host = flow_host_find(table, key);

	return host != FLOW_HOST_UNKNOWN ? table->shares.hosts[host].n[FLOW_RANK_ALL] : 0;
}

// A flow as it begins, or NULL: refused.
static struct flow *begin(struct flow_table *table, const struct flow_host_key *key)
{
	struct flow *flow = flow_alloc(table);

	if (flow == NULL) {
		struct flow *victim = flow_victim(table, flow_host_find(table, key));

		if (victim == NULL)
			return NULL;
		flow_remove(table, victim);
		flow = flow_alloc(table);
	}
	flow->state.host = flow_host_open(table, key);
	flow_set_phase(table, flow, FLOW_UNREPLIED);
	return flow;
}

// --- attacks ---

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
static unsigned settle(struct flow_table *table, struct flow *open[HOUSE][OPEN])
{
	unsigned n = 0;

	for (uint32_t h = 0; h < HOUSE; h++) {
		struct flow_host_key key = h == 4 ? host6(77, h, LAN2) : host4(h + 1, LAN2);

		for (unsigned i = 0; i < (h == 0 ? 1 : OPEN); i++, n++) {
			open[h][i] = begin(table, &key);
			flow_set_phase(table, open[h][i], FLOW_ASSURED);
			open[h][i]->state.mark = 1 + h * OPEN + i; // knows it again
		}
	}
	return n;
}

static void assert_settled(struct flow *open[HOUSE][OPEN])
{
	for (uint32_t h = 0; h < HOUSE; h++)
		for (unsigned i = 0; i < (h == 0 ? 1 : OPEN); i++) {
			assert_int_equal(open[h][i]->state.state, FLOW_ASSURED);
			assert_int_equal(open[h][i]->state.mark, 1 + h * OPEN + i);
		}
}

static void whoever_attacks_the_house_lives_on(void **state)
{
	enum { CAPACITY = 20000, IN_FLIGHT = 50 };
	static const struct {
		struct flow_host_key (*key)(uint32_t i);
		enum flow_phase phase; // that the attacker's flows get to at once
	} rows[] = {
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

			for (unsigned i = 0; i < (round == 0 ? 2 * CAPACITY : 500); i++) {
				struct flow_host_key key = rows[r].key(n++);
				struct flow *flow = begin(table, &key);

				if (flow != NULL && rows[r].phase != FLOW_UNREPLIED)
					flow_set_phase(table, flow, rows[r].phase);
			}
			assert_int_equal(table->n_used, CAPACITY);
			assert_settled(open);
			// and who lives there begins as ever: an answer may take a while
			fresh = begin(table, &house);
			assert_non_null(fresh);
			fresh->state.mark = 4711;
			for (unsigned i = 0; i < IN_FLIGHT; i++) {
				struct flow_host_key key = rows[r].key(n++);
				struct flow *flow = begin(table, &key);

				if (flow != NULL && rows[r].phase != FLOW_UNREPLIED)
					flow_set_phase(table, flow, rows[r].phase);
			}
			assert_int_equal(fresh->state.mark, 4711);
			flow_set_phase(table, fresh, FLOW_ASSURED);
			flow_remove(table, fresh);
		}
		close_table(table);
	}
}

// --- a full table ---

static void fill(struct flow_table *table, const struct flow_host_key *key, uint32_t n,
	enum flow_phase phase)
{
	for (uint32_t i = 0; i < n; i++) {
		struct flow *flow = begin(table, key);

		assert_non_null(flow);
		flow_set_phase(table, flow, phase);
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

// --- the model ---

enum { M_CAPACITY = 512, M_HOSTS = 40, M_CALLERS = 16, M_OPERATIONS = 1000000 };

struct model {
	struct flow_table *table;
	struct flow_host_key keys[M_HOSTS]; // the first is the router's
	struct {
		bool is_live;
		unsigned host;
		enum flow_phase phase;
		uint64_t age; // when it came into its phase
	} flows[M_CAPACITY];
	uint32_t n_all[M_HOSTS], n_spare[M_HOSTS];
	uint64_t now;
};

static bool is_spare(enum flow_phase phase)
{
	return phase == FLOW_UNREPLIED || phase == FLOW_TCP_CLOSED;
}

static void model_count(struct model *m)
{
	memset(m->n_all, 0, sizeof(m->n_all));
	memset(m->n_spare, 0, sizeof(m->n_spare));
	for (unsigned i = 0; i < M_CAPACITY; i++) {
		m->n_all[m->flows[i].host] += m->flows[i].is_live;
		m->n_spare[m->flows[i].host] += m->flows[i].is_live && is_spare(m->flows[i].phase);
	}
}

static int log2_of(uint32_t n)
{
	int c = -1;

	for (; n > 0; n /= 2)
		c++;
	return c;
}

static int top_class(const uint32_t *n)
{
	uint32_t most = 0;

	for (unsigned h = 1; h < M_HOSTS; h++)
		most = RTE_MAX(most, n[h]);
	return log2_of(most);
}

// Index, or -1.
static int model_oldest_spare(const struct model *m, unsigned host)
{
	int oldest = -1;

	for (int i = 0; i < M_CAPACITY; i++)
		if (m->flows[i].is_live && m->flows[i].host == host &&
			is_spare(m->flows[i].phase) &&
			(oldest < 0 || m->flows[i].age < m->flows[oldest].age))
			oldest = i;
	return oldest;
}

static void assert_victim_is_due(struct model *m, unsigned host, const struct flow *victim)
{
	int v = victim != NULL ? (int)flow_index(m->table, victim) : -1;
	uint32_t all_spare = 0;
	unsigned loser;

	model_count(m);
	for (unsigned h = 1; h < M_HOSTS; h++)
		all_spare += m->n_spare[h];
	loser = v >= 0 ? m->flows[v].host : host;
	if (all_spare > M_CAPACITY / 16) {
		assert_true(loser != 0);
		assert_int_equal(log2_of(m->n_spare[loser]), top_class(m->n_spare));
		assert_int_equal(v, model_oldest_spare(m, loser));
		return;
	}
	if (m->n_all[0] > M_CAPACITY / 2) {
		if (log2_of(m->n_all[host]) < log2_of(m->n_all[0]))
			assert_int_equal(loser, 0);
	} else if (log2_of(m->n_all[host]) < top_class(m->n_all)) {
		assert_true(loser != 0);
		assert_int_equal(log2_of(m->n_all[loser]), top_class(m->n_all));
	} else {
		assert_int_equal(loser, host);
	}
	if (loser == host || m->n_spare[loser] > 0)
		assert_int_equal(v, model_oldest_spare(m, loser));
	else
		assert_true(v >= 0 && m->flows[v].is_live);
}

static void assert_list_is_sound(const struct model *m, unsigned host, enum flow_list list)
{
	const struct flow_table *table = m->table;
	uint32_t index = flow_host_find(table, &m->keys[host]);
	const struct flow_host *of = &table->shares.hosts[index];
	uint32_t i = of->lists[list].first, prev = FLOW_NONE, n = 0;
	uint64_t age = 0;

	for (; i != FLOW_NONE; prev = i, i = table->flows[i].state.age_next, n++) {
		assert_true(m->flows[i].is_live && m->flows[i].host == host);
		assert_int_equal(table->flows[i].state.age_prev, prev);
		assert_int_equal(table->flows[i].state.state, m->flows[i].phase);
		assert_int_equal(is_spare(m->flows[i].phase), list == FLOW_LIST_SPARE);
		if (list == FLOW_LIST_SPARE) {
			assert_true(m->flows[i].age > age);
			age = m->flows[i].age;
		}
	}
	assert_int_equal(of->lists[list].last, prev);
	assert_int_equal(n, list == FLOW_LIST_SPARE
				    ? m->n_spare[host]
				    : m->n_all[host] - m->n_spare[host] - of->n_of_callers);
}

static void assert_ranking_is_sound(
	const struct model *m, enum flow_rank rank, const uint32_t *n_of)
{
	const struct flow_shares *shares = &m->table->shares;
	unsigned n_ranked = 0, n_expected = 0;

	for (int c = 0; c < 32; c++) {
		uint32_t first = shares->ranks[rank].first[c], host = first;

		if ((shares->ranks[rank].classes & UINT32_C(1) << c) == 0)
			continue;
		do {
			const struct flow_host *of = &shares->hosts[host];

			assert_int_equal(log2_of(of->n[rank]), c);
			assert_int_equal(
				shares->hosts[of->rings[rank].next].rings[rank].prev, host);
			host = of->rings[rank].next;
			n_ranked++;
		} while (host != first);
	}
	for (unsigned h = 1; h < M_HOSTS; h++)
		n_expected += n_of[h] > 0;
	assert_int_equal(n_ranked, n_expected);
}

// All that is answered outside, by address.
static void assert_callers_are_sound(const struct model *m)
{
	const struct flow_shares *shares = &m->table->shares;
	uint32_t n_open[M_CALLERS] = {0}, n_all = 0, n_callers = 0;

	for (unsigned i = 0; i < M_CAPACITY; i++)
		if (m->flows[i].is_live && m->flows[i].host == 1 && !is_spare(m->flows[i].phase))
			n_open[m->table->flows[i].dir[0].key4.src_be]++;
	for (uint32_t i = 0; i < M_CALLERS; i++) {
		struct flow_host_key key = host4(i, LAN);
		uint32_t host;

		key.kind = FLOW_HOST_CALLER;
		key.iface = WAN;
		host = flow_host_find(m->table, &key);
		n_all += n_open[i];
		n_callers += n_open[i] > 0;
		assert_int_equal(host != FLOW_HOST_UNKNOWN, n_open[i] > 0);
		if (n_open[i] == 0)
			continue;
		assert_int_equal(shares->hosts[host].n[FLOW_RANK_ALL], n_open[i]);
		assert_true(shares->callers.classes & UINT32_C(1) << log2_of(n_open[i]));
	}
	assert_int_equal(shares->n_callers, n_callers);
	assert_int_equal(shares->hosts[flow_host_find(m->table, &m->keys[1])].n_of_callers, n_all);
}

static void assert_all_is_sound(struct model *m)
{
	const struct flow_shares *shares = &m->table->shares;
	uint32_t n_spare = 0;

	model_count(m);
	for (unsigned h = 0; h < M_HOSTS; h++) {
		uint32_t host = flow_host_find(m->table, &m->keys[h]);

		n_spare += h != 0 ? m->n_spare[h] : 0;
		if (host == FLOW_HOST_UNKNOWN) {
			assert_int_equal(m->n_all[h], 0);
			continue;
		}
		assert_int_equal(shares->hosts[host].n[FLOW_RANK_ALL], m->n_all[h]);
		assert_int_equal(shares->hosts[host].n[FLOW_RANK_SPARE], m->n_spare[h]);
		assert_list_is_sound(m, h, FLOW_LIST_SPARE);
		assert_list_is_sound(m, h, FLOW_LIST_OPEN);
	}
	assert_int_equal(shares->n_spare, n_spare);
	assert_ranking_is_sound(m, FLOW_RANK_ALL, m->n_all);
	assert_ranking_is_sound(m, FLOW_RANK_SPARE, m->n_spare);
	assert_callers_are_sound(m);
}

static void model_end(struct model *m, unsigned i)
{
	flow_remove(m->table, &m->table->flows[i]);
	m->flows[i].is_live = false;
}

// False: refused.
static bool model_begin(struct model *m, unsigned host)
{
	struct flow_table *table = m->table;
	struct flow *flow = flow_alloc(table);

	if (flow == NULL) {
		struct flow *victim = flow_victim(table, flow_host_find(table, &m->keys[host]));

		assert_victim_is_due(m, host, victim);
		if (victim == NULL)
			return false;
		model_end(m, flow_index(table, victim));
		flow = flow_alloc(table);
	}
	flow->state.host = flow_host_open(table, &m->keys[host]);
	flow->dir[0].key4.src_be = (uint32_t)m->now % M_CALLERS;
	flow_set_phase(table, flow, FLOW_UNREPLIED);
	m->flows[flow_index(table, flow)].is_live = true;
	m->flows[flow_index(table, flow)].host = host;
	m->flows[flow_index(table, flow)].phase = FLOW_UNREPLIED;
	m->flows[flow_index(table, flow)].age = m->now;
	return true;
}

static void model_change(struct model *m, unsigned i, enum flow_phase phase)
{
	if (!m->flows[i].is_live)
		return;
	flow_set_phase(m->table, &m->table->flows[i], phase);
	m->flows[i].phase = phase;
	m->flows[i].age = m->now;
}

static void a_million_beginnings_and_ends_agree_with_a_model(void **state)
{
	// of 16 operations: how many begin, are answered, close; the rest end. Of 16 beginnings:
	// how many are of one host of them all.
	static const struct {
		unsigned begins, answers, closes, of_one;
	} seasons[] = {{8, 4, 2, 0}, {12, 2, 1, 8}, {8, 8, 0, 12}, {7, 7, 1, 4}, {2, 2, 2, 0}};
	static struct model m;
	unsigned n_refused = 0, n_full = 0, one = 0;

	memset(&m, 0, sizeof(m));
	m.table = open_table(M_CAPACITY);
	for (uint32_t h = 2; h < M_HOSTS; h++)
		m.keys[h] = h % 3 == 0 ? host6(h, h, LAN) : host4(h, h % 3);
	m.keys[0] = router;
	m.keys[1] = host4(1, WAN);
	for (uint32_t h = 2; h < M_HOSTS; h++)
		if (m.keys[h].kind == FLOW_HOST_OUTSIDE)
			m.keys[h] = host4(h, LAN2);
	for (m.now = 1; m.now <= M_OPERATIONS; m.now++) {
		unsigned season = (unsigned)(m.now / 5000) % 5, dice = random32() % 16;
		unsigned i = random32() % M_CAPACITY;

		if (m.now % 5000 == 0)
			one = random32() % 4 == 0 ? 0 : random32() % M_HOSTS;
		if (dice < seasons[season].begins) {
			bool is_of_one = random32() % 16 < seasons[season].of_one;

			n_full += m.table->n_used == M_CAPACITY;
			n_refused += !model_begin(&m, is_of_one ? one : random32() % M_HOSTS);
			continue;
		}
		dice -= seasons[season].begins;
		if (dice < seasons[season].answers)
			model_change(&m, i, FLOW_ASSURED);
		else if (dice < seasons[season].answers + seasons[season].closes)
			model_change(
				&m, i, random32() % 2 == 0 ? FLOW_TCP_CLOSED : FLOW_TCP_FIN_WAIT);
		else if (m.flows[i].is_live)
			model_end(&m, i);
		if (m.now % 256 == 0)
			assert_all_is_sound(&m);
	}
	assert_true(n_full > 100000);
	assert_true(n_refused > 10000 && n_refused < n_full / 2);
	for (unsigned i = 0; i < M_CAPACITY; i++)
		if (m.flows[i].is_live)
			model_end(&m, i);
	assert_all_is_sound(&m);
	for (uint32_t i = 0; i <= m.table->shares.chain_mask; i++)
		assert_int_equal(m.table->shares.chains[i], 0);
	close_table(m.table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_attacks_the_house_lives_on),
		cmocka_unit_test(what_nobody_answers_goes_before_what_the_busiest_host_has_open),
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
		cmocka_unit_test(a_million_beginnings_and_ends_agree_with_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
