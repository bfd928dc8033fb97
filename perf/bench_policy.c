// SPDX-License-Identifier: BSD-3-Clause
#include "perf/bench_policy.h"

#include <netinet/in.h>
#include <string.h>

#include "perf/bench_nat.h"

enum {
	HYGIENE = DP_HYGIENE_TCP_FLAGS | DP_HYGIENE_TCP_MSS | DP_HYGIENE_TCP_NEW |
		  DP_HYGIENE_OWN_SOURCE | DP_HYGIENE_MARTIAN | DP_HYGIENE_LAND |
		  DP_HYGIENE_BROADCAST_SOURCE | DP_HYGIENE_ROUTING_HEADER | DP_HYGIENE_PRIVATE_OUT |
		  DP_HYGIENE_RPF_STRICT,
	SERVICE_PORT = 20000, // nobody in the cases sends to it
};

// Two of three name a service by its port, as most rules do; the third a network, which takes a
// look into its set. Zones rule none of them out.
static void rule_fill(struct bench_policy *p, unsigned i)
{
	struct dp_set *set = &p->sets[i];

	p->rules[i] = dp_rule_any(i % 2 == 0 ? DP_ACCEPT : DP_DROP);
	set->timed = DP_INDEX_NONE;
	if (i % 3 != 2) {
		p->ports[i] = (struct dp_range){SERVICE_PORT + i, SERVICE_PORT + i};
		set->kind = DP_SET_PORTS;
		set->ranges = &p->ports[i];
		set->n_ranges = 1;
		p->rules[i].destination_port.set = (uint16_t)i;
		return;
	}
	p->prefixes[i] =
		(struct ip_prefix){bench_ip4(RTE_IPV4(192u, 168, 0, 0) | (uint32_t)i << 8), 24};
	set->kind = DP_SET_ADDRESSES;
	set->prefixes = &p->prefixes[i];
	set->n_prefixes = 1;
	p->rules[i].source.set = (uint16_t)i;
}

static void nat_fill(struct bench_policy *p, bool has_pool)
{
	p->nat = dp_nat_any(DP_NAT_SOURCE);
	p->nat.family = IP_V4;
	p->nat.interface = WAN;
	if (has_pool)
		p->nat.outside = (struct ip_prefix){bench_ip4(NAT_POOL_NET), NAT_POOL_LEN};
	p->policy.nats = &p->nat;
	p->policy.n_nats = 1;
}

void bench_policy_init(struct bench_policy *p, enum bench_translation translation)
{
	memset(p, 0, sizeof(*p));
	for (unsigned i = 0; i < BENCH_RULES; i++)
		rule_fill(p, i);
	p->sets[BENCH_SET_SPECIAL] =
		(struct dp_set){.kind = DP_SET_ADDRESSES, .timed = DP_INDEX_NONE};
	p->rules[BENCH_RULE_OUT] = dp_rule_any(DP_ACCEPT);
	p->rules[BENCH_RULE_OUT].from_zones = 1u << BENCH_ZONE_LAN;
	p->rules[BENCH_RULE_OUT].to_zones = 1u << BENCH_ZONE_WAN;
	p->list = (struct dp_list){0, BENCH_RULES};
	p->rate = (struct dp_rate){.packets = 10, .per_sec = 1, .burst = 20};
	p->log = (struct dp_log){.prefix = "flood", .rate = DP_INDEX_NONE};
	p->policy = (struct dp_policy){
		.has_firewall = true,
		.zones = {[LAN] = BENCH_ZONE_LAN, [WAN] = BENCH_ZONE_WAN},
		.hygiene = {[LAN] = HYGIENE, [WAN] = HYGIENE},
		.hooks = {0, 0, 0},
		.defaults = {DP_DROP, DP_DROP, DP_DROP},
		.lists = &p->list,
		.n_lists = 1,
		.rules = p->rules,
		.n_rules = BENCH_RULES,
		.sets = p->sets,
		.n_sets = BENCH_SETS,
	};
	if (translation != BENCH_NO_NAT)
		nat_fill(p, translation == BENCH_POOL);
}

void bench_policy_open(struct bench_policy *p)
{
	memset(p, 0, sizeof(*p));
	p->policy = dp_policy_open();
	p->policy.picks_up = true;
	nat_fill(p, false);
}
