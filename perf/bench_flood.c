// SPDX-License-Identifier: BSD-3-Clause
// A scan from the internet: TCP SYNs and UDP from random hosts to random ports of the router's WAN
// address. None belongs to a flow, so each walks the long way and is dropped, by the default or by
// the rule that the case is about. Ten thousand flows are live beside it.
#include <stdlib.h>
#include <string.h>

#include "dataplane/memory.h"
#include "perf/bench_nat.h"

enum {
	FLOOD_FRAMES = 65536,
	LOG_PER_SEC = 10,
	// Of 65,536 sources two are one to a table of rates once in ten runs (rate.c).
	SOURCES_ALIKE = 4,
};

struct flood_world {
	struct nat_world nat; // first
	uint64_t n_counted;   // of the drops, until take_sent was last called
	uint64_t n_before[2]; // dropped by the special rule, by default: before bench_verify
	uint32_t n_sources;
	uint64_t (*due)(const struct flood_world *flood, uint64_t n_offered); // by the special rule
};

// What a case floods with.
struct flood {
	struct bench_policy policy;
	const struct ip_prefix *prefixes; // of the special set, which half of the sources are in
	uint32_t n_prefixes;
	uint32_t n_sources; // that take turns; 0: one for each frame, at random
	uint64_t (*due)(const struct flood_world *flood, uint64_t n_offered);
};

// Every packet of the flood has been dropped by a rule or by default, and nothing was sent.
static unsigned flood_take_sent(struct bench_target *t, struct bench_sent *out)
{
	struct flood_world *flood = (struct flood_world *)t;
	struct worker *w = flood->nat.world.worker;
	uint64_t before = flood->n_counted;

	flood->n_counted = w->counters[COUNTER_DROP_RULE];
	return w->tx_pending == 0 ? (unsigned)(flood->n_counted - before) : 0;
}

// Control reads what rules have to tell.
static void flood_turn(struct bench_target *t)
{
	struct bench_world *world = (struct bench_world *)t;
	struct dp_event event;

	bench_world_turn(t);
	while (dataplane_event_next(world->dp, &event))
		;
}

static void dropped(const struct flood_world *flood, uint64_t n[2])
{
	const struct dataplane *dp = flood->nat.world.dp;
	struct dp_count count;

	dataplane_rule_count(dp, BENCH_RULE_SPECIAL, &count);
	n[0] = count.packets;
	dataplane_default_count(dp, DP_HOOK_INPUT, &count);
	n[1] = count.packets;
}

static uint64_t due_none(const struct flood_world *flood, uint64_t n_offered)
{
	return 0;
}

static uint64_t due_all(const struct flood_world *flood, uint64_t n_offered)
{
	return n_offered;
}

static uint64_t due_members(const struct flood_world *flood, uint64_t n_offered)
{
	const uint32_t *is_member = flood->nat.world.owner_of[0];
	uint64_t n = 0;

	for (uint64_t i = 0; i < n_offered; i++)
		n += is_member[i % FLOOD_FRAMES];
	return n;
}

// Each source's first packet is its last below the rate.
static uint64_t due_after_first(const struct flood_world *flood, uint64_t n_offered)
{
	return n_offered - RTE_MIN(n_offered, (uint64_t)flood->n_sources);
}

static int flood_verify(struct bench_target *t, uint64_t n_offered, struct error *err)
{
	const struct flood_world *flood = (const struct flood_world *)t;
	uint64_t due, n[2];

	dropped(flood, n);
	n[0] -= flood->n_before[0];
	n[1] -= flood->n_before[1];
	if (n[0] + n[1] != n_offered)
		return error_set(err, "%llu packets, %llu dropped by the rule, %llu by default",
			(unsigned long long)n_offered, (unsigned long long)n[0],
			(unsigned long long)n[1]);
	due = flood->due(flood, n_offered);
	return n[0] >= due && n[0] - due <= (flood->n_sources > 0 ? SOURCES_ALIKE : 0)
		       ? 0
		       : error_set(err, "%llu dropped by the rule, not %llu",
				 (unsigned long long)n[0], (unsigned long long)due);
}

static const struct bench_target_ops flood_ops = {
	.rx = bench_world_rx,
	.take_sent = flood_take_sent,
	.turn = flood_turn,
	.verify_counts = flood_verify,
	.describe_drops = bench_world_describe_drops,
	.free = nat_world_free,
};

// Some host of the internet, with a first byte that is odd, or even for members of the set.
static uint32_t internet_addr(uint64_t *seed, bool is_member)
{
	for (;;) {
		uint32_t addr = bench_random(seed);
		uint32_t first = addr >> 24;

		if (first >= 11 && first < 224 && first != 100 && first != 127 && first != 169 &&
			first != 172 && first != 192 && first != 198 && first != 203 &&
			(first % 2 == 0) == is_member)
			return addr;
	}
}

// No two alike: the low half is all their number.
static uint32_t source_addr(uint32_t source)
{
	uint64_t seed = (source + UINT64_C(1)) * 0x9e3779b97f4a7c15;

	return (internet_addr(&seed, false) & ~(FLOOD_FRAMES - UINT32_C(1))) | source;
}

static int scan_make(struct flood_world *flood, const struct flood *what, struct error *err)
{
	const struct mac_addr gateway = bench_mac_of_host(NAT_GATEWAY_HOST);
	const struct mac_addr router = bench_mac_of_interface(WAN);
	struct bench_world *world = &flood->nat.world;
	uint64_t seed = 362436069362436069;

	if (bench_world_add_stream(world, WAN, FRAME4_BYTES, FLOOD_FRAMES, err) < 0)
		return -1;
	for (uint32_t i = 0; i < FLOOD_FRAMES; i++) {
		bool is_member = what->n_prefixes > 0 && (bench_random(&seed) & 1) != 0;
		struct frame4_tuple tuple = {
			.src = internet_addr(&seed, false),
			.dst = NAT_PUBLIC_ADDR,
			.sport = (uint16_t)(1024 + bench_random(&seed) % 60000),
			.dport = (uint16_t)(1 + bench_random(&seed) % 1023),
			.protocol = bench_random(&seed) & 1 ? IPPROTO_TCP : IPPROTO_UDP,
			.tcp_flags = RTE_TCP_SYN_FLAG,
			.ttl = FRAME_TTL,
		};

		if (is_member) {
			const struct ip_prefix *in =
				&what->prefixes[bench_random(&seed) % what->n_prefixes];
			uint32_t net_be;

			memcpy(&net_be, in->addr.v4, sizeof(net_be));
			tuple.src = rte_be_to_cpu_32(net_be) |
				    (in->len < 32 ? bench_random(&seed) >> in->len : 0);
		}
		if (what->n_sources > 0)
			tuple.src = source_addr(i % what->n_sources);
		world->owner_of[0][i] = is_member;
		frame4_write(&world->target.streams[0].frames[i], &gateway, &router, &tuple);
	}
	return 0;
}

static struct bench_target *make(
	const struct bench_case *c, const struct flood *what, struct error *err)
{
	struct flood_world *flood = (struct flood_world *)nat_world_new(
		sizeof(*flood), c->n_flows, c->n_flows, 1, BENCH_MASQUERADE, err);

	if (flood == NULL)
		return NULL;
	flood->due = what->due;
	flood->n_sources = what->n_sources;
	if (nat_network_make(&flood->nat.world, NULL, NULL, &what->policy, err) < 0 ||
		nat_world_begin(&flood->nat, err) < 0 || scan_make(flood, what, err) < 0) {
		nat_world_free(&flood->nat.world.target);
		return NULL;
	}
	flood->nat.world.target.ops = &flood_ops;
	flood->nat.world.target.is_sink = true;
	dropped(flood, flood->n_before);
	return &flood->nat.world.target;
}

struct bench_target *bench_drop_flood_make(const struct bench_case *c, struct error *err)
{
	struct flood what = {.due = due_none};

	bench_policy_init(&what.policy, BENCH_MASQUERADE);
	return make(c, &what, err);
}

// The special rule, for what comes from the WAN.
static struct dp_rule *special_rule(struct bench_policy *policy)
{
	struct dp_rule *rule = &policy->rules[BENCH_RULE_SPECIAL];

	bench_policy_init(policy, BENCH_MASQUERADE);
	*rule = policy->rules[BENCH_RULE_OUT];
	rule->from_zones = 1u << BENCH_ZONE_WAN;
	rule->to_zones = 0;
	rule->action = DP_DROP;
	return rule;
}

struct bench_target *bench_log_flood_make(const struct bench_case *c, struct error *err)
{
	struct flood what = {.due = due_all};
	struct bench_policy *policy = &what.policy;

	special_rule(policy)->log = 0;
	policy->log.rate = 0;
	policy->rate = (struct dp_rate){.packets = LOG_PER_SEC, .per_sec = 1, .burst = LOG_PER_SEC};
	policy->policy.logs = &policy->log;
	policy->policy.n_logs = 1;
	policy->policy.rates = &policy->rate;
	policy->policy.n_rates = 1;
	return make(c, &what, err);
}

// What is above its source's rate is dropped by the rule, what is below by default. Of sources that
// are counted every packet but the first is above; without a count nobody is, for the sources are
// far more than come twice in what one may send at once.
struct bench_target *bench_rate_flood_make(const struct bench_case *c, struct error *err)
{
	struct flood what = {.n_sources = c->n_routes, .due = due_none};
	struct bench_policy *policy = &what.policy;
	struct dp_rule *rule = special_rule(policy);

	rule->rate = 0;
	rule->is_above_rate = true;
	if (what.n_sources > 0) {
		what.due = due_after_first;
		policy->rate = (struct dp_rate){.packets = 1, .per_sec = 86400, .burst = 1};
	}
	policy->rate.is_per_source = true;
	policy->policy.rates = &policy->rate;
	policy->policy.n_rates = 1;
	return make(c, &what, err);
}

// Hosts and a few networks, as lists of bad ones are.
struct bench_target *bench_set_flood_make(const struct bench_case *c, struct error *err)
{
	struct flood what = {.n_prefixes = c->n_routes, .due = due_members};
	uint64_t bytes = c->n_routes * sizeof(struct ip_prefix);
	struct ip_prefix *prefixes = memory_map(bytes);
	struct dp_set *set = &what.policy.sets[BENCH_SET_SPECIAL];
	struct bench_target *t = NULL;
	uint64_t seed = 88172645463325252;

	if (prefixes == NULL) {
		error_set(err, "no memory for %u prefixes", c->n_routes);
		return NULL;
	}
	for (uint32_t i = 0; i < c->n_routes; i++) {
		uint8_t len = bench_random(&seed) % 4 == 0 ? 24 : 32;
		uint32_t addr = internet_addr(&seed, true) & UINT32_MAX << (32 - len);

		prefixes[i] = (struct ip_prefix){bench_ip4(addr), len};
	}
	special_rule(&what.policy)->source.set = BENCH_SET_SPECIAL;
	set->prefixes = what.prefixes = prefixes;
	set->n_prefixes = c->n_routes;
	t = make(c, &what, err);
	memory_unmap(prefixes, bytes);
	return t;
}
