// SPDX-License-Identifier: BSD-3-Clause
// Each rule names a host of the LAN, a network of the internet and a service, all of them such as
// the packets come from and go to, but for the service, which nobody asks for: a packet's host
// and network leave some of the rules to ask, none matches, and the last lets it out.
#include "perf/bench_many_rules.h"

#include <stdlib.h>

enum {
	NETWORKS = 256, // the /24 of all remotes' /16
	SERVICES = 40,
	SERVICE_PORT = 20000,
	SET_NETWORK = NAT_LAN_HOSTS, // the first of each kind
	SET_SERVICE = SET_NETWORK + NETWORKS,
	SETS = SET_SERVICE + SERVICES,
};

struct many_rules {
	struct dp_rule *rules;
	struct dp_set sets[SETS];
	struct ip_prefix prefixes[SET_SERVICE];
	struct dp_range ports[SERVICES];
};

static void sets_fill(struct many_rules *many)
{
	for (unsigned i = 0; i < SETS; i++)
		many->sets[i] = (struct dp_set){.timed = DP_INDEX_NONE};
	for (unsigned i = 0; i < SET_SERVICE; i++) {
		bool is_host = i < SET_NETWORK;

		many->prefixes[i] = (struct ip_prefix){
			bench_ip4(is_host ? NAT_LAN_NET + 2 + i
					  : NAT_REMOTE_NET | (i - SET_NETWORK) << 8),
			is_host ? 32 : 24};
		many->sets[i].kind = DP_SET_ADDRESSES;
		many->sets[i].prefixes = &many->prefixes[i];
		many->sets[i].n_prefixes = 1;
	}
	for (unsigned i = 0; i < SERVICES; i++) {
		struct dp_set *set = &many->sets[SET_SERVICE + i];

		many->ports[i] = (struct dp_range){
			(uint16_t)(SERVICE_PORT + i), (uint16_t)(SERVICE_PORT + i)};
		set->kind = DP_SET_PORTS;
		set->ranges = &many->ports[i];
		set->n_ranges = 1;
	}
}

// In place of the policy's own.
static void rules_fill(struct many_rules *many, struct bench_policy *p, uint32_t n)
{
	for (uint32_t i = 0; i < n - 1; i++) {
		struct dp_rule *rule = &many->rules[i];

		*rule = dp_rule_any(i % 2 == 0 ? DP_ACCEPT : DP_DROP);
		rule->source.set = (uint16_t)(i % NAT_LAN_HOSTS);
		rule->destination.set = (uint16_t)(SET_NETWORK + i * 7 % NETWORKS);
		rule->destination_port.set = (uint16_t)(SET_SERVICE + i % SERVICES);
	}
	many->rules[n - 1] = p->rules[BENCH_RULE_OUT];
	p->list.n = n;
	p->policy.rules = many->rules;
	p->policy.n_rules = n;
	p->policy.sets = many->sets;
	p->policy.n_sets = SETS;
}

int bench_network_with_rules(
	struct bench_world *world, struct bench_policy *policy, uint32_t n_rules, struct error *err)
{
	static struct many_rules many;
	int rc;

	if (n_rules == 0)
		return nat_network_make(world, NULL, NULL, policy, err);
	many.rules = calloc(n_rules, sizeof(many.rules[0]));
	if (many.rules == NULL)
		return error_set(err, "no memory for %u rules", n_rules);
	sets_fill(&many);
	rules_fill(&many, policy, n_rules);
	rc = nat_network_make(world, NULL, NULL, policy, err);
	free(many.rules);
	return rc;
}
