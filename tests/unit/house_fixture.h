// SPDX-License-Identifier: BSD-3-Clause
// A house with a firewall in front of the fixture's dataplane: who includes it has the only one.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/parse.h"
#include "tests/unit/dataplane_fixture.h"

enum { ZONE_WAN = 2, ZONE_LAN = 3, RULES_MAX = 8, SETS_MAX = 8 };

// A house behind one uplink: zones, masquerading, what is not allowed is dropped.
struct house {
	struct dp_policy policy;
	struct dp_nat nats[2];
	struct dp_rule rules[RULES_MAX];
	struct dp_list list;
	struct dp_set sets[SETS_MAX];
	struct dp_range ranges[SETS_MAX];
	struct ip_prefix prefixes[SETS_MAX];
	struct dp_log log;
};

static inline void house_init(struct house *h)
{
	memset(h, 0, sizeof(*h));
	h->nats[0] = fixture_masquerade(FIXTURE_WAN);
	h->policy = fixture_policy(h->nats, 1);
	h->policy.has_firewall = true;
	h->policy.zones[FIXTURE_WAN] = ZONE_WAN;
	h->policy.zones[FIXTURE_LAN] = h->policy.zones[FIXTURE_LAN2] = ZONE_LAN;
	h->policy.defaults[DP_HOOK_INPUT] = h->policy.defaults[DP_HOOK_FORWARD] = DP_DROP;
	h->policy.defaults[DP_HOOK_OUTPUT] = DP_ACCEPT;
	h->policy.lists = &h->list;
	h->policy.n_lists = 1;
	h->policy.rules = h->rules;
	h->policy.sets = h->sets;
	h->policy.logs = &h->log;
	h->policy.n_logs = 1;
	h->log.rate = DP_INDEX_NONE;
	strcpy(h->log.prefix, "house ");
}

static inline struct dp_rule *house_add(
	struct house *h, uint32_t from, uint32_t to, enum dp_action action)
{
	struct dp_rule *rule = &h->rules[h->policy.n_rules++];

	assert_true(h->policy.n_rules <= RULES_MAX);
	*rule = dp_rule_any(action);
	rule->from_zones = from;
	rule->to_zones = to;
	return rule;
}

static inline struct dp_match_set house_numbers(
	struct house *h, enum dp_set_kind kind, uint32_t first, uint32_t last)
{
	uint16_t i = (uint16_t)h->policy.n_sets++;

	assert_true(h->policy.n_sets <= SETS_MAX);
	h->ranges[i] = (struct dp_range){first, last};
	h->sets[i] = (struct dp_set){
		.kind = kind, .ranges = &h->ranges[i], .n_ranges = 1, .timed = DP_INDEX_NONE};
	return (struct dp_match_set){.set = i};
}

// All three hooks ask the same rules.
static inline void house_apply(struct house *h, struct fixture *f)
{
	struct error err;

	h->list = (struct dp_list){0, h->policy.n_rules};
	for (unsigned i = 0; i < DP_HOOK_COUNT; i++)
		h->policy.hooks[i] = 0;
	if (dataplane_policy_set(f->dp, &h->policy, &err) != 0)
		fail_msg("%s", err.text);
}

static inline void house_lan_to_wan(struct house *h, struct fixture *f)
{
	house_init(h);
	house_add(h, 1 << ZONE_LAN, 1 << ZONE_WAN, DP_ACCEPT);
	house_add(h, 1 << ZONE_LAN, 1 << DP_ZONE_ROUTER, DP_ACCEPT);
	house_apply(h, f);
}

static const struct frame out6 = {
	.iface = FIXTURE_LAN,
	.src6 = FIXTURE_PC6,
	.dst6 = FIXTURE_SERVER6,
	.sport = 5000,
	.dport = 443,
	.protocol = IPPROTO_TCP,
	.tcp_flags = RTE_TCP_SYN_FLAG,
};

static inline struct frame answer6(const struct frame *to)
{
	struct frame answer = *to;

	answer.iface = FIXTURE_WAN;
	answer.src6 = to->dst6;
	answer.dst6 = to->src6;
	answer.sport = to->dport;
	answer.dport = to->sport;
	answer.tcp_flags = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG;
	answer.tcp_ack = to->tcp_seq + 1;
	return answer;
}
