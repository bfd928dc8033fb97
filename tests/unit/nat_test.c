// SPDX-License-Identifier: BSD-3-Clause
// Which outside endpoint a flow gets: single cases.
#include "tests/unit/nat_fixture.h"

#include "dataplane/compiled_policy.h"

static int setup(void **state)
{
	open_workers(1, 1);
	return 0;
}

static int teardown(void **state)
{
	for (unsigned i = 0; i < n_tables; i++)
		end_all(&workers[i]);
	close_workers();
	return 0;
}

static uint16_t outside_port(const struct flow *flow)
{
	return rte_be_to_cpu_16(flow_tuple_of(&flow->dir[1]).dport_be);
}

static bool leaves_as(const struct flow *flow, const char *addr, uint16_t port)
{
	struct flow_tuple reply = flow_tuple_of(&flow->dir[1]);
	struct ip_addr want = address(addr);

	return ip_addr_equal(&reply.dst, &want) && reply.dport_be == be(port);
}

// --- single choices ---

#define WAN    "203.0.113.2"
#define HOST   "198.18.0.7"
#define HOST2  "198.18.0.8"
#define REMOTE "198.51.100.10"

static struct nat_source masquerade(void)
{
	return (struct nat_source){.first = address(WAN), .n_addresses = 1};
}

static struct flow *udp(const char *host, uint16_t sport, const char *remote, uint16_t dport,
	const struct nat_source *source)
{
	struct flow_tuple t = tuple(address(host), sport, address(remote), dport, IPPROTO_UDP);

	return begin(&workers[0], &t, source);
}

// RFC 4787 REQ-1.
static void one_endpoint_is_one_endpoint_to_every_remote(void **state)
{
	struct nat_source source = masquerade();
	struct flow *first = udp(HOST, 5000, REMOTE, 53, &source);
	struct flow *taken = udp(HOST2, 5000, REMOTE, 53, &source);
	uint16_t other = outside_port(taken);

	assert_true(leaves_as(first, WAN, 5000));
	assert_int_not_equal(other, 5000);
	assert_int_equal(steering_bucket(other), steering_bucket(5000));
	assert_true(leaves_as(udp(HOST, 5000, "198.51.100.11", 53, &source), WAN, 5000));
	assert_true(leaves_as(udp(HOST2, 5000, "198.51.100.11", 53, &source), WAN, other));
	assert_true(leaves_as(udp(HOST2, 5000, REMOTE, 54, &source), WAN, other));
	// another protocol is another endpoint
	struct flow_tuple tcp = tuple(address(HOST2), 5000, address(REMOTE), 53, IPPROTO_TCP);

	assert_true(leaves_as(begin(&workers[0], &tcp, &source), WAN, 5000));
	assert_int_equal(workers[0].counters[COUNTER_NAT_OVERLOADED], 0);
}

static void a_mapping_lives_as_long_as_any_of_its_flows(void **state)
{
	struct worker *w = &workers[0];
	struct nat_source source = masquerade();
	struct flow *blocker = udp(HOST, 5000, REMOTE, 53, &source);
	struct flow *flows[3];
	uint16_t port;

	for (unsigned i = 0; i < 3; i++)
		flows[i] = udp(HOST2, 5000, REMOTE, (uint16_t)(54 + i), &source);
	port = outside_port(flows[0]);
	end(w, blocker); // its own port is free now, but it is known by another
	end(w, flows[0]);
	assert_int_equal(outside_port(udp(HOST2, 5000, REMOTE, 99, &source)), port);
	end(w, flows[2]);
	end(w, flows[1]);
	assert_int_equal(outside_port(udp(HOST2, 5000, REMOTE, 100, &source)), port);
	end_all(w);
	assert_int_equal(outside_port(udp(HOST2, 5000, REMOTE, 101, &source)), 5000);
}

// Two uplinks: an endpoint for each, though both had to be found by the inside one.
static void an_endpoint_has_one_outside_on_each_way(void **state)
{
	struct nat_source wan = masquerade(), other = masquerade();
	struct flow *a, *b;

	other.first = address("203.0.113.66");
	udp(HOST, 5000, REMOTE, 53, &wan);
	udp(HOST, 5000, REMOTE, 54, &other);
	a = udp(HOST2, 5000, REMOTE, 53, &wan);
	b = udp(HOST2, 5000, REMOTE, 54, &other);
	for (uint16_t port = 60; port < 70; port++) {
		assert_true(leaves_as(udp(HOST2, 5000, REMOTE, port, &wan), WAN, outside_port(a)));
		assert_true(leaves_as(udp(HOST2, 5000, "198.51.100.99", port, &other),
			"203.0.113.66", outside_port(b)));
	}
}

static void icmp_queries_are_mapped_by_their_identifier(void **state)
{
	struct worker *w = &workers[0];
	struct nat_source source = masquerade();
	struct flow_tuple a = tuple(address(HOST), 77, address(REMOTE), 0, IPPROTO_ICMP);
	struct flow_tuple b = tuple(address(HOST2), 77, address(REMOTE), 0, IPPROTO_ICMP);
	struct nat_choice choice;
	uint16_t id;

	assert_true(leaves_as(begin(w, &a, &source), WAN, 77));
	id = outside_port(begin(w, &b, &source));
	assert_int_not_equal(id, 77);
	assert_int_equal(steering_bucket(id), steering_bucket(77));
	b.dst = address("198.51.100.11"); // RFC 5508 REQ-1
	assert_true(nat_choose(w, &b, &source, &choice));
	assert_int_equal(choice.reply.key.dport_be, be(id));
	assert_int_equal(choice.reply.key.sport_be, be(id));
	assert_int_equal(choice.reply.key.kind, FLOW_KEY_ANSWER);
}

// RFC 4787 REQ-3 and REQ-4.
static void the_ports_range_and_parity_stay(void **state)
{
	struct nat_source source = masquerade();

	source.keeps_parity = true;
	for (unsigned host = 1; host < 100; host++) {
		char text[ADDR_STR_BYTES];
		uint16_t low, odd, even;

		snprintf(text, sizeof(text), "198.18.1.%u", host);
		low = outside_port(udp(text, 123, REMOTE, 123, &source));
		odd = outside_port(udp(text, 5001, REMOTE, 53, &source));
		even = outside_port(udp(text, 5002, REMOTE, 53, &source));
		assert_true(low < 1024 && low > 0 && low % 2 == 1);
		assert_true(odd >= 1024 && odd % 2 == 1);
		assert_true(even >= 1024 && even % 2 == 0);
		if (host <= 4) // as many odd ones below 1024 as there are in a bucket
			assert_int_equal(steering_bucket(low), steering_bucket(123));
		assert_int_equal(steering_bucket(odd), steering_bucket(5001));
	}
	assert_int_equal(workers[0].counters[COUNTER_NAT_OVERLOADED], 0);
}

// One bucket a worker: eight ports below 1024, and one of them may be 0, which is none.
static void below_1024_goes_on_above_where_all_are_taken(void **state)
{
	struct worker *w = &workers[0];
	struct nat_source source = masquerade();
	unsigned n_low = 0;
	uint16_t sport = 1;

	w->n_workers = STEERING_BUCKETS;
	while (steering_bucket(sport) != 0)
		sport++;
	assert_true(sport < 1024);
	for (unsigned host = 1; host <= 100; host++) {
		char text[ADDR_STR_BYTES];
		uint16_t port;

		snprintf(text, sizeof(text), "198.18.1.%u", host);
		port = outside_port(udp(text, sport, REMOTE, 53, &source));
		assert_int_not_equal(port, 0);
		assert_int_equal(steering_bucket(port), 0);
		n_low += port < 1024;
	}
	assert_int_equal(n_low, 7);
	assert_int_equal(w->counters[COUNTER_NAT_OVERLOADED], 0);
}

static void random_ports_are_random_and_still_one_for_all_remotes(void **state)
{
	struct nat_source source = masquerade();
	unsigned n_kept = 0, n_next = 0;
	uint16_t last = 0;

	source.is_random = true;
	for (uint16_t i = 0; i < 200; i++) {
		uint16_t sport = (uint16_t)(20000 + i);
		uint16_t port = outside_port(udp(HOST, sport, REMOTE, 53, &source));

		n_kept += port == sport;
		n_next += port == last + 1;
		last = port;
		assert_int_equal(outside_port(udp(HOST, sport, REMOTE, 54, &source)), port);
	}
	assert_true(n_kept < 10 && n_next < 10);
}

// RFC 4787 REQ-2, and "paired" across all workers.
static void a_host_keeps_its_address_of_a_pool(void **state)
{
	struct nat_source source = {.first = address("203.0.113.16"), .n_addresses = 16};
	unsigned n_hosts[16] = {0};

	for (unsigned host = 1; host < 200; host++) {
		struct ip_addr seen = {0};
		char text[ADDR_STR_BYTES];

		snprintf(text, sizeof(text), "198.18.1.%u", host);
		for (uint16_t port = 0; port < 20; port++) {
			struct flow *flow =
				udp(text, (uint16_t)(3000 + port * 77), REMOTE, 53, &source);
			struct flow_tuple reply = flow_tuple_of(&flow->dir[1]);

			assert_true(nat_port_pool_has(&source, &reply.dst));
			if (port == 0)
				n_hosts[reply.dst.v4[3] - 16]++;
			else
				assert_true(ip_addr_equal(&seen, &reply.dst));
			seen = reply.dst;
		}
	}
	for (unsigned i = 0; i < 16; i++)
		assert_true(n_hosts[i] > 3);
}

static void a_pool_ends_where_it_ends(void **state)
{
	static const struct {
		const char *first, *addr;
		uint32_t n;
		bool is_in;
	} rows[] = {
		{"203.0.113.16", "203.0.113.16", 1, true},
		{"203.0.113.16", "203.0.113.17", 1, false},
		{"203.0.113.16", "203.0.113.31", 16, true},
		{"203.0.113.16", "203.0.113.32", 16, false},
		{"203.0.113.16", "203.0.113.15", 16, false},
		{"203.0.113.16", "2001:db8::1", 16, false},
		{"2001:db8::ffff", "2001:db8::1:0", 2, true},
		{"2001:db8::ffff", "2001:db8::1:1", 2, false},
		{"2001:db8::", "2001:db8::ffff:fffe", UINT32_MAX, true},
		{"2001:db8::", "2001:db8::1:0:0", UINT32_MAX, false},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct nat_source source = {
			.first = address(rows[i].first), .n_addresses = rows[i].n};
		struct ip_addr addr = address(rows[i].addr);

		assert_int_equal(nat_port_pool_has(&source, &addr), rows[i].is_in);
		for (uint32_t k = 0; k < RTE_MIN(rows[i].n, 100u); k++) {
			struct ip_addr tried = nat_port_address(&source, &addr, k);

			assert_true(nat_port_pool_has(&source, &tried));
		}
	}
}

static void without_ports_the_remote_and_the_pool_tell_hosts_apart(void **state)
{
	struct worker *w = &workers[0];
	struct nat_source source = masquerade();
	struct nat_source pool = {.first = address("203.0.113.16"), .n_addresses = 2};
	struct flow_tuple a = tuple(address(HOST), 0, address(REMOTE), 0, IPPROTO_ESP);
	struct flow_tuple b = tuple(address(HOST2), 0, address(REMOTE), 0, IPPROTO_ESP);
	struct flow_tuple c = tuple(address(HOST2), 0, address(HOST), 0, IPPROTO_ESP);

	assert_non_null(begin(w, &a, &source));
	assert_null(begin(w, &b, &source));
	assert_non_null(begin(w, &c, &source));
	a.protocol = b.protocol = IPPROTO_GRE;
	assert_non_null(begin(w, &a, &pool));
	assert_non_null(begin(w, &b, &pool));
}

static void one_to_one_keeps_its_port_or_has_none(void **state)
{
	struct nat_source source = masquerade(), own = masquerade();

	own.keeps_port = true;
	assert_true(leaves_as(udp(HOST, 5000, REMOTE, 53, &source), WAN, 5000));
	assert_null(udp(HOST2, 5000, REMOTE, 53, &own));
	assert_true(leaves_as(udp(HOST2, 5000, REMOTE, 54, &own), WAN, 5000));
}

// Whose outside endpoint had to be shared has it alone when the other one has gone.
static void what_was_shared_becomes_its_own(void **state)
{
	struct worker *w = &workers[0];
	struct nat_source source = masquerade(), own = masquerade();
	struct flow *first = udp(HOST, 5000, REMOTE, 53, &source);

	own.keeps_port = true;
	assert_true(leaves_as(udp(HOST2, 5000, REMOTE, 54, &own), WAN, 5000));
	end(w, first);
	assert_true(leaves_as(udp(HOST2, 5000, REMOTE, 55, &own), WAN, 5000));
	assert_false(leaves_as(udp(HOST, 5000, REMOTE, 56, &source), WAN, 5000));
}

static void without_an_address_nothing_leaves(void **state)
{
	struct nat_source source = masquerade();

	source.n_addresses = 0;
	assert_null(udp(HOST, 5000, REMOTE, 53, &source));
}

// What the router itself sends keeps its address, and its port if it can.
static void the_routers_own_sockets_have_endpoints_too(void **state)
{
	struct nat_source source = masquerade();

	assert_true(leaves_as(udp(WAN, 5000, REMOTE, 53, &source), WAN, 5000));
	assert_int_not_equal(outside_port(udp(HOST, 5000, REMOTE, 99, &source)), 5000);
	assert_true(leaves_as(udp(HOST, 6000, REMOTE, 53, &source), WAN, 6000));
	assert_int_not_equal(outside_port(udp(WAN, 6000, REMOTE, 53, &source)), 6000);
}

// --- filtering ---

// RFC 4787 REQ-8: whoever knows the endpoint may call, and as long as they talk it stays.
static void anybody_reaches_a_full_cone_and_nobody_else(void **state)
{
	struct worker *w = &workers[0];
	struct nat_source source = masquerade(), none = {.n_addresses = 1, .is_none = true};
	struct flow_tuple call =
		tuple(address("198.51.100.77"), 9, address(WAN), 5000, IPPROTO_UDP);
	struct flow_tuple inward = call;
	struct flow_endpoint inside;
	struct flow *flow, *called;

	flow = udp(HOST, 5000, REMOTE, 53, &source);
	assert_null(nat_find_mapping(w, &call, &inside));
	end(w, flow);
	source.is_full_cone = true;
	flow = udp(HOST, 5000, REMOTE, 53, &source);
	assert_ptr_equal(nat_find_mapping(w, &call, &inside), flow);
	assert_int_equal(inside.port_be, be(5000));
	inward.dst = inside.addr;
	inward.dport_be = inside.port_be;
	none.first = inward.src;
	called = begin_translated(w, &call, &inward, &none);
	assert_non_null(called);
	end(w, flow); // the one that was called keeps the mapping
	call.src = address("198.51.100.78");
	assert_ptr_equal(nat_find_mapping(w, &call, &inside), called);
	assert_true(leaves_as(udp(HOST, 5000, "198.51.100.79", 1, &source), WAN, 5000));
	assert_int_not_equal(outside_port(udp(HOST2, 5000, REMOTE, 1, &source)), 5000);
}

static void reopen_with_many(void)
{
	end_all(&workers[0]);
	close_workers();
	open_workers(TABLES_MAX, TABLES_MAX);
	dp.workers = workers;
}

// The worker of 5000 holds the mapping, another one's host calls.
static void a_full_cone_is_called_from_each_worker_as_long_as_it_is_there(void **state)
{
	static struct compiled_policy policy = {.has_full_cones = true};
	static const struct snapshot snap = {.policy = &policy};
	struct nat_source cone = masquerade(), plain = masquerade();
	struct flow_tuple first = tuple(address(HOST), 5000, address(REMOTE), 53, IPPROTO_UDP);
	struct flow_tuple second = tuple(address(HOST), 5000, address(REMOTE), 54, IPPROTO_UDP);
	struct flow_tuple call = tuple(address(HOST2), 7, address(WAN), 5000, IPPROTO_UDP);
	struct worker *holder;
	struct flow *flow, *heir;
	struct flow_endpoint inside;

	reopen_with_many();
	holder = &workers[steering_worker(steering_bucket(5000), TABLES_MAX)];
	cone.is_full_cone = true;
	flow = begin(holder, &first, &cone);
	heir = begin(holder, &second, &plain);
	for (unsigned step = 0; step < 5; step++) {
		bool is_there = step != 2 && step != 4;

		for (unsigned i = 0; i < TABLES_MAX; i++) {
			workers[i].snap = &snap;
			assert_int_equal(nat_find_called(&workers[i], &call, &inside), is_there);
			if (is_there)
				assert_true(inside.port_be == be(5000) &&
					    ip_addr_equal(&inside.addr, &first.src));
		}
		if (step == 0) { // the next one takes over and is a cone too
			end(holder, heir);
			heir = begin(holder, &second, &cone);
			end(holder, flow);
		} else if (step == 1) { // the last of it has gone
			end(holder, heir);
		} else if (step == 2) {
			flow = begin(holder, &first, &cone);
			heir = begin(holder, &second, &plain);
		} else if (step == 3) { // what takes over lets nobody in
			end(holder, flow);
		}
	}
	policy.has_full_cones = false;
	end(holder, heir);
	assert_non_null(begin(holder, &first, &cone));
	for (unsigned i = 0; i < TABLES_MAX; i++) // nobody is asked where none is wanted
		assert_false(nat_find_called(&workers[i], &call, &inside));
}

// As between two interfaces that both lead outside: the worker is found by the other port.
static void no_two_workers_give_out_one_port(void **state)
{
	struct nat_source source = masquerade();
	struct flow_tuple t = tuple(address(HOST), 5000, address(REMOTE), 53, IPPROTO_UDP);
	uint16_t seen[TABLES_MAX];

	reopen_with_many();
	for (unsigned i = 0; i < TABLES_MAX; i++) {
		struct flow_tuple again = t;

		t.src.bytes[3]++;
		seen[i] = outside_port(begin(&workers[i], &t, &source));
		assert_int_equal(steering_worker(steering_bucket(seen[i]), TABLES_MAX), i);
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(seen[i], seen[k]);
		again.src = t.src;
		again.dport_be = be(54);
		assert_int_equal(outside_port(begin(&workers[i], &again, &source)), seen[i]);
	}
	assert_int_equal(seen[steering_worker(steering_bucket(5000), TABLES_MAX)], 5000);
}

// It is its socket's, which knows no other: also where its flow begins at another worker.
static void the_routers_own_port_stays_at_each_worker(void **state)
{
	struct nat_source source = masquerade();

	reopen_with_many();
	for (unsigned i = 0; i < TABLES_MAX; i++) {
		struct flow_tuple own =
			tuple(address(WAN), 5000, address(REMOTE), (uint16_t)(53 + i), IPPROTO_UDP);

		assert_int_equal(outside_port(begin(&workers[i], &own, &source)), 5000);
	}
}

static void nobody_calls_the_routers_own_sockets(void **state)
{
	static struct compiled_policy policy = {.has_full_cones = true};
	static const struct snapshot snap = {.policy = &policy};
	struct nat_source cone = masquerade();
	struct flow_tuple own = tuple(address(WAN), 5000, address(REMOTE), 53, IPPROTO_UDP);
	struct flow_tuple call = tuple(address(HOST2), 7, address(WAN), 5000, IPPROTO_UDP);
	struct flow_endpoint inside;

	reopen_with_many();
	cone.is_full_cone = true;
	assert_non_null(
		begin(&workers[steering_worker(steering_bucket(5000), TABLES_MAX)], &own, &cone));
	for (unsigned i = 0; i < TABLES_MAX; i++) {
		workers[i].snap = &snap;
		assert_false(nat_find_called(&workers[i], &call, &inside));
	}
}

// --- exhaustion ---

static bool next_event(struct dp_event *event)
{
	return rte_ring_sc_dequeue_elem(dp.events, event, sizeof(*event)) == 0;
}

// 64 workers: two buckets, 1008 ports of each address.
static void a_greedy_host_leaves_room_for_others(void **state)
{
	struct worker *w = &workers[0];
	struct nat_source source = masquerade();
	struct dp_event event;
	unsigned n_own = 0;

	w->n_workers = 64;
	for (uint32_t port = 1024; port < 65536; port++) {
		if (steering_worker(steering_bucket((uint16_t)port), 64) != 0)
			continue;
		n_own += udp(HOST, (uint16_t)port, REMOTE, 53, &source) != NULL;
	}
	assert_int_equal(n_own, 505); // as many as were left, and one
	assert_true(next_event(&event));
	assert_int_equal(event.kind, DP_EVENT_NAT_OVER_SHARE);
	assert_true(ip_addr_equal(
		&event.addr, &(struct ip_addr){.family = IP_V4, .v4 = {198, 18, 0, 7}}));
	assert_false(next_event(&event)); // once
	assert_int_equal(w->counters[COUNTER_NAT_OVER_SHARE], 1008 - 505);
	assert_int_equal(w->counters[COUNTER_NAT_OVERLOADED], 0);
	for (uint16_t i = 0; i < 250; i++)
		assert_non_null(udp(HOST2, (uint16_t)(2000 + i), REMOTE, 53, &source));
	// towards others the greedy one shares what it has
	assert_non_null(udp(HOST, 64, "198.51.100.11", 53, &source));
}

static void every_port_is_shared_before_anybody_is_refused(void **state)
{
	struct worker *w = &workers[0];
	struct nat_source source = masquerade();
	struct dp_event event;
	uint32_t n = 0;

	w->n_workers = 64;
	for (unsigned host = 0; host < 1008; host++) {
		struct ip_addr addr = {
			.family = IP_V4, .v4 = {198, 18, (uint8_t)(host >> 8), (uint8_t)host}};
		struct flow_tuple t = tuple(addr, 2048, address(REMOTE), 53, IPPROTO_UDP);

		n += begin(w, &t, &source) != NULL;
	}
	assert_int_equal(n, 1008);
	assert_int_equal(w->counters[COUNTER_NAT_OVERLOADED], 0);
	assert_null(udp("198.18.200.1", 2048, REMOTE, 53, &source));
	assert_true(next_event(&event));
	assert_int_equal(event.kind, DP_EVENT_NAT_NO_PORT);
	assert_non_null(udp("198.18.200.1", 2048, REMOTE, 54, &source));
	assert_int_equal(w->counters[COUNTER_NAT_OVERLOADED], 1);
	assert_int_equal(w->counters[COUNTER_NAT_OVER_SHARE], 0);
}

// One search in vain is enough for a while, however many ask for it; then it is tried again.
static void a_search_in_vain_is_not_repeated_at_once(void **state)
{
	struct worker *w = &workers[0];
	struct nat_source source = masquerade();
	struct flow *some = NULL;
	uint64_t random;

	w->n_workers = 64;
	for (unsigned host = 0; host < 1008; host++) {
		struct ip_addr addr = {
			.family = IP_V4, .v4 = {198, 18, (uint8_t)(host >> 8), (uint8_t)host}};
		struct flow_tuple t = tuple(addr, 2048, address(REMOTE), 53, IPPROTO_UDP);

		some = begin(w, &t, &source);
	}
	assert_null(udp("198.18.200.1", 2048, REMOTE, 53, &source));
	end(w, some);
	random = w->random;
	assert_null(udp("198.18.200.1", 2048, REMOTE, 53, &source));
	assert_int_equal(w->random, random); // nothing was searched
	w->now_ms += NAT_VAIN_MS;
	assert_non_null(udp("198.18.200.1", 2048, REMOTE, 53, &source));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_endpoint_is_one_endpoint_to_every_remote),
		TEST(a_mapping_lives_as_long_as_any_of_its_flows),
		TEST(an_endpoint_has_one_outside_on_each_way),
		TEST(icmp_queries_are_mapped_by_their_identifier),
		TEST(the_ports_range_and_parity_stay),
		TEST(below_1024_goes_on_above_where_all_are_taken),
		TEST(random_ports_are_random_and_still_one_for_all_remotes),
		TEST(a_host_keeps_its_address_of_a_pool),
		TEST(a_pool_ends_where_it_ends),
		TEST(without_ports_the_remote_and_the_pool_tell_hosts_apart),
		TEST(one_to_one_keeps_its_port_or_has_none),
		TEST(what_was_shared_becomes_its_own),
		TEST(without_an_address_nothing_leaves),
		TEST(the_routers_own_sockets_have_endpoints_too),
		TEST(anybody_reaches_a_full_cone_and_nobody_else),
		TEST(a_full_cone_is_called_from_each_worker_as_long_as_it_is_there),
		TEST(no_two_workers_give_out_one_port),
		TEST(the_routers_own_port_stays_at_each_worker),
		TEST(nobody_calls_the_routers_own_sockets),
		TEST(a_greedy_host_leaves_room_for_others),
		TEST(every_port_is_shared_before_anybody_is_refused),
		TEST(a_search_in_vain_is_not_repeated_at_once),
	};

	if (!fixture_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
