// SPDX-License-Identifier: BSD-3-Clause
// Millions of flows begun and ended at random where everything collides (few hosts, ports, remotes
// and outside addresses), held against the simplest model there is: all keys in one list for all
// workers, and what each inside and each outside endpoint is to be.
#include "tests/unit/nat_fixture.h"

enum {
	HOSTS = 250, // on the first way the first one is the router itself
	SPORTS = 24,
	REMOTES = 4,
	DPORTS = 2,
	WAYS = 3, // by one address; by a pool; and with ports that stay, by an address of the pool
	PROTOCOLS = 3,
	POOL = 4,
	OUTSIDES = 1 + POOL, // addresses
	FLOWS_MAX = 20000,
	KEYS = 1 << 17,
	CHECK_EVERY = 50000,
};

static const struct run {
	unsigned n_tables;
	uint16_t n_workers;
	uint8_t family;
	bool is_random, keeps_parity, is_full_cone;
	unsigned n_flows; // up to so many, and down again
	unsigned n_steps;
} runs[] = {
	{1, 1, IP_V4, false, false, false, 8000, 400000},
	{1, 1, IP_V6, true, false, true, 6000, 200000},
	{2, 2, IP_V4, false, true, true, 8000, 400000},
	{2, 2, IP_V6, false, false, false, 6000, 200000},
	{4, 4, IP_V4, true, true, true, 16000, 400000},
	{4, 4, IP_V4, false, false, true, 16000, 400000},
	// two buckets a worker, 1008 ports: everything runs out
	{1, 64, IP_V4, false, false, true, 14000, 300000},
	{1, 64, IP_V6, true, true, false, 14000, 100000},
	{4, 64, IP_V4, false, true, true, 16000, 100000},
};

// --- the model ---

struct inside { // an inside endpoint on one way
	struct ip_addr addr;
	uint16_t port_be;
	unsigned n_flows;
	struct ip_addr outside; // of its first flow
	uint16_t outside_port_be;
	bool is_odd; // one of its flows had to share, or to leave as something else
};

struct outside {
	struct inside *holder;
	unsigned n_held; // flows of its holder, which is not odd
	unsigned n_flows;
};

struct live {
	struct worker *w;
	struct flow *flow;
	struct flow_tuple keys[2];
	struct inside *inside; // NULL: not mapped
	struct outside *outside;
	bool holds;
};

enum seen { SEEN_KEPT = 0, SEEN_MOVED, SEEN_AGAIN, SEEN_SHARED, SEEN_REFUSED, SEEN_CALLED, SEENS };

static const struct run *run;
static uint16_t sports[SPORTS];
static struct inside insides[WAYS][HOSTS][SPORTS][PROTOCOLS];
static struct outside outsides[OUTSIDES][65536][PROTOCOLS];
static struct live lives[FLOWS_MAX];
static unsigned n_lives;
static struct flow_tuple keys[KEYS]; // both of every flow of every worker
static bool key_is_used[KEYS];
static unsigned n_seen[SEENS]; // so that a run is known to have met each

static const uint8_t protocols4[PROTOCOLS] = {IPPROTO_UDP, IPPROTO_TCP, IPPROTO_ICMP};
static const uint8_t protocols6[PROTOCOLS] = {IPPROTO_UDP, IPPROTO_TCP, IPPROTO_ICMPV6};

static uint8_t protocol_of(unsigned i)
{
	return run->family == IP_V6 ? protocols6[i] : protocols4[i];
}

static struct ip_addr make_address(uint8_t net, uint8_t host)
{
	if (run->family == IP_V6)
		return (struct ip_addr){.family = IP_V6,
			.v6 = {0x20, 0x01, 0x0d, 0xb8, 0, net, 0, host, [15] = host}};
	return (struct ip_addr){.family = IP_V4, .bytes = {198, 18, net, host}};
}

static struct ip_addr remote_address(unsigned remote)
{
	return make_address(2, (uint8_t)(1 + remote));
}

static struct ip_addr outside_address(unsigned i)
{
	struct ip_addr addr = make_address(3, 0);

	addr.bytes[run->family == IP_V6 ? 15 : 3] = (uint8_t)i;
	return addr;
}

static struct ip_addr host_address(unsigned way, unsigned host)
{
	uint8_t net = way == 2 ? 4 : 1; // who keeps its port has nothing to do with the others

	return way == 0 && host == 0 ? outside_address(0) : make_address(net, (uint8_t)(1 + host));
}

static unsigned outside_index(const struct ip_addr *addr)
{
	return addr->bytes[run->family == IP_V6 ? 15 : 3];
}

static unsigned protocol_index(uint8_t protocol)
{
	return protocol == IPPROTO_UDP ? 0 : protocol == IPPROTO_TCP ? 1 : 2;
}

static struct outside *outside_at(const struct ip_addr *addr, uint16_t port_be, uint8_t protocol)
{
	return &outsides[outside_index(addr)][rte_be_to_cpu_16(port_be)][protocol_index(protocol)];
}

static unsigned key_slot(const struct flow_tuple *key)
{
	uint64_t h = 0xcbf29ce484222325;
	const uint8_t *bytes = (const uint8_t *)key;
	unsigned slot;

	for (unsigned i = 0; i < sizeof(*key); i++)
		h = (h ^ bytes[i]) * 0x100000001b3;
	slot = (unsigned)(h >> 20) % KEYS;
	while (key_is_used[slot] && memcmp(&keys[slot], key, sizeof(*key)) != 0)
		slot = (slot + 1) % KEYS;
	return slot;
}

static bool key_has(const struct flow_tuple *key)
{
	return key_is_used[key_slot(key)];
}

static void key_add(const struct flow_tuple *key)
{
	unsigned slot = key_slot(key);

	assert_false(key_is_used[slot]); // no two live flows share one, on whatever worker
	key_is_used[slot] = true;
	keys[slot] = *key;
}

static void key_remove(const struct flow_tuple *key)
{
	unsigned slot = key_slot(key);

	assert_true(key_is_used[slot]);
	key_is_used[slot] = false;
	for (unsigned next = (slot + 1) % KEYS; key_is_used[next]; next = (next + 1) % KEYS) {
		key_is_used[next] = false;
		slot = key_slot(&keys[next]);
		key_is_used[slot] = true;
		keys[slot] = keys[next];
	}
}

// --- is it right that it got that one? ---

static bool is_free(const struct flow_tuple *packet, const struct ip_addr *addr, uint16_t port,
	bool is_exclusive)
{
	struct flow_tuple reply = flow_tuple_reply(packet);

	reply.dst = *addr;
	nat_reply_set_port(&reply, be(port));
	if (key_has(&reply))
		return false;
	return !is_exclusive || outside_at(addr, be(port), packet->protocol)->n_flows == 0;
}

static bool is_same_range(const struct flow_tuple *packet, uint16_t port)
{
	bool is_low = rte_be_to_cpu_16(packet->sport_be) < 1024;

	return packet->kind != FLOW_KEY_PLAIN || is_low || port >= 1024;
}

// Nothing is free where it would have been better: `bucket` -1 for any of this worker's.
static void assert_none_free(const struct worker *w, const struct flow_tuple *packet,
	const struct ip_addr *addr, int bucket, int parity, bool is_exclusive)
{
	for (uint32_t port = 1; port < 65536; port++) {
		uint8_t b = steering_bucket((uint16_t)port);

		if ((bucket >= 0 ? b != bucket : steering_worker(b, w->n_workers) != w->index) ||
			(parity >= 0 && (int)(port & 1) != parity) ||
			!is_same_range(packet, (uint16_t)port))
			continue;
		assert_false(is_free(packet, addr, (uint16_t)port, is_exclusive));
	}
}

static void check_port(const struct worker *w, const struct flow_tuple *packet,
	const struct flow_tuple *reply, const struct nat_source *source)
{
	uint16_t own = rte_be_to_cpu_16(packet->sport_be);
	uint16_t port = rte_be_to_cpu_16(reply->dport_be);
	struct ip_addr paired = nat_port_address(source, &packet->src, 0);
	int bucket = steering_bucket(own), parity = source->keeps_parity ? own & 1 : -1;
	bool is_id = packet->kind != FLOW_KEY_PLAIN;

	n_seen[port == own ? SEEN_KEPT : SEEN_MOVED]++;
	assert_true(nat_port_pool_has(source, &reply->dst));
	assert_true(is_same_range(packet, port));
	if (port == own && ip_addr_equal(&reply->dst, &paired))
		return;
	if (!source->is_random)
		assert_false(is_free(packet, &paired, own, true));
	if (is_id || own < 1024)
		return; // the same, but for which ports there are
	if (parity >= 0 && (port & 1) != parity)
		assert_none_free(w, packet, &paired, -1, parity, true);
	else if (steering_bucket(port) != bucket || !ip_addr_equal(&reply->dst, &paired))
		assert_none_free(w, packet, &paired, bucket, parity, true);
}

// --- steps ---

static void add_live(struct worker *w, struct flow *flow, struct inside *inside,
	struct outside *outside, bool holds)
{
	struct live *live = &lives[n_lives++];

	*live = (struct live){w, flow, .inside = inside, .outside = outside, .holds = holds};
	live->keys[0] = flow_tuple_of(&flow->dir[0]);
	live->keys[1] = flow_tuple_of(&flow->dir[1]);
	key_add(&live->keys[0]);
	key_add(&live->keys[1]);
	if (inside == NULL)
		return;
	inside->n_flows++;
	outside->n_flows++;
	if (holds) {
		assert_true(outside->n_held == 0 || outside->holder == inside);
		outside->holder = inside;
		outside->n_held++;
	}
}

static struct nat_source source_of(unsigned way)
{
	return (struct nat_source){
		.first = outside_address(way == 0 ? 0 : 1),
		.n_addresses = way == 1 ? POOL : 1,
		.keeps_port = way == 2,
		.is_random = run->is_random,
		.keeps_parity = run->keeps_parity,
		.is_full_cone = run->is_full_cone,
	};
}

static struct worker *worker_of(uint16_t port)
{
	return &workers[steering_worker(steering_bucket(port), run->n_workers)];
}

static void check_all_taken(const struct worker *w, const struct flow_tuple *packet,
	const struct nat_source *source, bool is_exclusive)
{
	if (packet->kind != FLOW_KEY_PLAIN || random_below(16) != 0) // slow
		return;
	for (uint32_t i = 0; i < source->n_addresses; i++) {
		struct ip_addr addr = nat_port_address(source, &packet->src, i);

		assert_none_free(w, packet, &addr, -1, -1, is_exclusive);
	}
}

static bool had_to_change(const struct inside *inside, const struct flow_tuple *packet)
{
	struct flow_tuple reply = flow_tuple_reply(packet);

	reply.dst = inside->outside;
	nat_reply_set_port(&reply, inside->outside_port_be);
	return key_has(&reply);
}

static void begin_outward(void)
{
	unsigned way = random_below(WAYS), host = random_below(HOSTS), sport = random_below(SPORTS);
	unsigned protocol = random_below(PROTOCOLS);
	struct nat_source source = source_of(way);
	struct inside *inside = &insides[way][host][sport][protocol];
	struct flow_tuple packet =
		tuple(host_address(way, host), sports[sport], remote_address(random_below(REMOTES)),
			(uint16_t)(53 + random_below(DPORTS)), protocol_of(protocol));
	struct worker *w = worker_of(sports[sport]);
	uint64_t shared_before = w->counters[COUNTER_NAT_OVERLOADED];
	uint64_t over_before = w->counters[COUNTER_NAT_OVER_SHARE];
	bool is_shared, is_over;
	struct outside *outside;
	struct flow_tuple reply;
	struct flow *flow;

	w->now_ms += NAT_VAIN_MS; // every search is made
	if (key_has(&packet) || w->flows.n_used == w->flows.capacity)
		return;
	flow = begin(w, &packet, &source);
	is_over = w->counters[COUNTER_NAT_OVER_SHARE] != over_before;
	is_shared = w->counters[COUNTER_NAT_OVERLOADED] != shared_before;
	if (flow == NULL) {
		n_seen[SEEN_REFUSED]++;
		if (way == 2)
			assert_false(is_free(&packet, &source.first, sports[sport], false));
		else if (!is_over)
			check_all_taken(w, &packet, &source, false);
		return;
	}
	reply = flow_tuple_of(&flow->dir[1]);
	outside = outside_at(&reply.dst, reply.dport_be, packet.protocol);
	assert_ptr_equal(worker_of(rte_be_to_cpu_16(reply.dport_be)), w);
	if (inside->n_flows == 0)
		*inside = (struct inside){.addr = packet.src,
			.port_be = packet.sport_be,
			.outside = reply.dst,
			.outside_port_be = reply.dport_be,
			.is_odd = is_shared || way == 2};
	else if (is_shared)
		assert_true(inside->is_odd || had_to_change(inside, &packet));
	if (is_shared) {
		n_seen[SEEN_SHARED]++;
		if (inside->n_flows == 0 && !is_over)
			check_all_taken(w, &packet, &source, true);
		inside->is_odd = true;
	} else if (way == 2) {
		assert_int_equal(reply.dport_be, packet.sport_be);
	} else if (inside->n_flows == 0) {
		check_port(w, &packet, &reply, &source);
	} else if (!inside->is_odd) { // one endpoint to every remote
		assert_true(ip_addr_equal(&reply.dst, &inside->outside));
		assert_int_equal(reply.dport_be, inside->outside_port_be);
		n_seen[SEEN_AGAIN]++;
	}
	add_live(w, flow, inside, outside, !inside->is_odd);
}

// Somebody calls: an endpoint that lets everybody in, or one that a rule forwards.
static void begin_inward(void)
{
	struct nat_source none = {.n_addresses = 1, .is_none = true};
	const struct live *some = &lives[random_below(RTE_MAX(n_lives, 1u))];
	struct flow_endpoint called = {.addr = host_address(1, 1 + random_below(HOSTS - 1)),
		.port_be = be(sports[random_below(SPORTS)])};
	struct flow_tuple original, packet, reply;
	struct inside *inside = NULL;
	struct outside *outside;
	struct flow_endpoint mapped;
	struct flow *flow, *mapping;
	struct worker *w;

	if (n_lives == 0 || some->outside == NULL || !protocol_has_ports(some->keys[1].protocol))
		return;
	original =
		tuple(remote_address(random_below(REMOTES)), (uint16_t)(53 + random_below(DPORTS)),
			some->keys[1].dst, 1, some->keys[1].protocol);
	original.dport_be = some->flow->state.flags & FLOW_IS_CALLED ? some->keys[0].dport_be
								     : some->keys[1].dport_be;
	if (some->flow->state.flags & FLOW_IS_CALLED)
		original.dst = some->keys[0].dst;
	outside = outside_at(&original.dst, original.dport_be, original.protocol);
	w = worker_of(rte_be_to_cpu_16(original.dport_be));
	if (key_has(&original) || w->flows.n_used == w->flows.capacity)
		return;
	mapping = nat_find_mapping(w, &original, &mapped);
	if (outside->n_held > 0) {
		// nobody is let in to the router itself
		assert_int_equal(mapping != NULL,
			run->is_full_cone && !ip_addr_equal(&outside->holder->addr, &original.dst));
		if (mapping != NULL) {
			assert_true(ip_addr_equal(&mapped.addr, &outside->holder->addr));
			assert_int_equal(mapped.port_be, outside->holder->port_be);
			called = mapped;
			inside = outside->holder;
		}
	} else if (mapping != NULL) {
		return; // of one that shares: let nobody rely on it
	}
	if (inside == NULL)
		called.port_be = original.dport_be; // on the same worker both ways
	packet = original;
	packet.dst = called.addr;
	packet.dport_be = called.port_be;
	none.first = packet.src;
	reply = flow_tuple_reply(&packet);
	flow = key_has(&reply) ? NULL : begin_translated(w, &original, &packet, &none);
	if (flow == NULL) {
		assert_true(key_has(&reply));
		assert_false(nat_choose(w, &packet, &none, &(struct nat_choice){0}));
		return;
	}
	n_seen[SEEN_CALLED] += inside != NULL;
	assert_int_equal((flow->state.flags & FLOW_IS_MAPPED) != 0, inside != NULL);
	add_live(w, flow, inside, inside != NULL ? outside : NULL, inside != NULL);
}

static void end_some(void)
{
	unsigned i = random_below(n_lives);
	struct live *live = &lives[i];

	key_remove(&live->keys[0]);
	key_remove(&live->keys[1]);
	if (live->inside != NULL) {
		live->inside->n_flows--;
		live->outside->n_flows--;
		live->outside->n_held -= live->holds;
	}
	end(live->w, live->flow);
	*live = lives[--n_lives];
}

// --- all of it, now and then ---

static void check_ring(const struct live *live)
{
	const struct flow *flows = live->w->flows.flows, *flow = live->flow;
	unsigned n_external = 0, n_internal = 0, n = 0;
	uint32_t at = flow_index(&live->w->flows, flow);

	do {
		const struct flow *member = &flows[at];

		assert_true(member->state.flags & FLOW_IS_MAPPED);
		assert_int_equal(flows[member->state.endpoint_next].state.endpoint_prev, at);
		n_external += (member->state.flags & FLOW_HAS_EXTERNAL) != 0;
		n_internal += (member->state.flags & FLOW_HAS_INTERNAL) != 0;
		assert_true(++n <= live->outside->n_flows);
		at = member->state.endpoint_next;
	} while (at != flow_index(&live->w->flows, flow));
	assert_true(n_external <= 1 && n_internal <= 1 && n_external + n_internal > 0);
	if (live->holds) {
		assert_int_equal(n_external, 1);
		assert_true(n >= live->outside->n_held);
	}
}

static void check_all(void)
{
	for (unsigned i = 0; i < n_lives; i++) {
		const struct live *live = &lives[i];

		for (unsigned d = 0; d < 2; d++)
			assert_ptr_equal(
				flow_find(&live->w->flows, &live->keys[d]), &live->flow->dir[d]);
		if (live->inside != NULL)
			check_ring(live);
		else
			assert_false(live->flow->state.flags & FLOW_IS_MAPPED);
	}
}

static bool sport_is_fit(unsigned i, uint16_t port)
{
	uint8_t bucket = steering_bucket(port);

	for (unsigned k = 0; k < i; k++)
		if (sports[k] == port)
			return false;
	if (i >= 2 && i < SPORTS / 2) // half of them crowd in one bucket
		return bucket == steering_bucket(sports[0]);
	return steering_worker(bucket, run->n_workers) < run->n_tables;
}

static void choose_sports(void)
{
	for (unsigned i = 0; i < SPORTS; i++)
		do
			sports[i] = (uint16_t)(i < 2 ? 1 + random_below(1023)
						     : 1024 + random_below(64512));
		while (!sport_is_fit(i, sports[i]));
}

static void random_flows_agree_with_a_model(void **state)
{
	run = *state;
	memset(n_seen, 0, sizeof(n_seen));
	open_workers(run->n_tables, run->n_workers);
	choose_sports();
	for (unsigned step = 0, grows = 1; step < run->n_steps; step++) {
		unsigned dice = random_below(100);

		if (n_lives >= run->n_flows)
			grows = 0;
		else if (n_lives < 100)
			grows = 1;
		if (dice < (grows ? 20u : 60u) && n_lives > 0)
			end_some();
		else if (dice >= 90)
			begin_inward();
		else
			begin_outward();
		if (step % CHECK_EVERY == 0)
			check_all();
	}
	check_all();
	print_message("kept %u moved %u again %u shared %u refused %u called %u\n",
		n_seen[SEEN_KEPT], n_seen[SEEN_MOVED], n_seen[SEEN_AGAIN], n_seen[SEEN_SHARED],
		n_seen[SEEN_REFUSED], n_seen[SEEN_CALLED]);
	assert_true(n_seen[SEEN_MOVED] > 1000 && n_seen[SEEN_AGAIN] > 1000);
	assert_true(n_seen[SEEN_SHARED] > 0 || run->n_workers < 64);
	assert_int_equal(n_seen[SEEN_CALLED] > 0, run->is_full_cone);
	while (n_lives > 0)
		end_some();
	close_workers();
}

int main(void)
{
	struct CMUnitTest tests[RTE_DIM(runs)];

	for (unsigned i = 0; i < RTE_DIM(runs); i++)
		tests[i] = (struct CMUnitTest){
			.name = "random_flows_agree_with_a_model",
			.test_func = random_flows_agree_with_a_model,
			.initial_state = (void *)(uintptr_t)&runs[i],
		};
	if (!fixture_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
