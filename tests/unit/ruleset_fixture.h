// SPDX-License-Identifier: BSD-3-Clause
// A policy with room of its own to be built in, for tests of the rules: everything may pass until
// a test says otherwise, and nothing of a rule is asked.
#pragma once

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/rules.h"

enum {
	FIXTURE_RULES = 2048,
	FIXTURE_LISTS = 32,
	FIXTURE_SETS = 128,
	FIXTURE_ELEMENTS = 8,
	FIXTURE_RATES = 16,
	FIXTURE_LOGS = 16,
	ZONE_LAN = 2,
	ZONE_WAN = 3,
	ZONE_IOT = 4,
	INTERFACE_LAN = 5,
	INTERFACE_WAN = 6,
};

struct policy_fixture {
	struct dp_policy policy;
	struct dp_rule rules[FIXTURE_RULES];
	struct dp_list lists[FIXTURE_LISTS];
	struct dp_set sets[FIXTURE_SETS];
	struct ip_prefix prefixes[FIXTURE_SETS][FIXTURE_ELEMENTS];
	struct dp_range ranges[FIXTURE_SETS][FIXTURE_ELEMENTS];
	struct mac_addr macs[FIXTURE_SETS][FIXTURE_ELEMENTS];
	struct dp_rate rates[FIXTURE_RATES];
	struct dp_log logs[FIXTURE_LOGS];
	struct timed_set *timed[DP_TIMED_SETS_MAX];
	struct rate_table *rate_table;
	struct ruleset *ruleset;
	struct rules_state state;
};

static const uint64_t fixture_seeds[2] = {0x243f6a8885a308d3, 0x13198a2e03707344};

static inline struct dp_match_set in_set(uint16_t set)
{
	return (struct dp_match_set){.set = set};
}

static inline struct dp_match_set not_in_set(uint16_t set)
{
	return (struct dp_match_set){.set = set, .is_negated = true};
}

// An empty policy that drops; a rate table and timed sets stay as they are.
static inline void fixture_begin(struct policy_fixture *f)
{
	f->policy = (struct dp_policy){
		.has_firewall = true,
		.hooks = {DP_INDEX_NONE, DP_INDEX_NONE, DP_INDEX_NONE},
		.defaults = {DP_DROP, DP_DROP, DP_DROP},
		.lists = f->lists,
		.rules = f->rules,
		.sets = f->sets,
		.rates = f->rates,
		.logs = f->logs,
	};
	memset(f->policy.zones, DP_ZONE_NONE, sizeof(f->policy.zones));
	f->policy.zones[INTERFACE_LAN] = ZONE_LAN;
	f->policy.zones[INTERFACE_WAN] = ZONE_WAN;
}

static inline struct dp_rule *fixture_rule(struct policy_fixture *f, enum dp_action action)
{
	assert(f->policy.n_rules < FIXTURE_RULES);
	f->rules[f->policy.n_rules] = dp_rule_any(action);
	return &f->rules[f->policy.n_rules++];
}

// A list of all rules from `first` on.
static inline uint16_t fixture_list(struct policy_fixture *f, uint32_t first)
{
	assert(f->policy.n_lists < FIXTURE_LISTS);
	f->lists[f->policy.n_lists] = (struct dp_list){first, f->policy.n_rules - first};
	return (uint16_t)f->policy.n_lists++;
}

static inline uint16_t fixture_set(struct policy_fixture *f, enum dp_set_kind kind)
{
	unsigned i = f->policy.n_sets++;

	assert(i < FIXTURE_SETS);
	f->sets[i] = (struct dp_set){
		.kind = kind,
		.prefixes = f->prefixes[i],
		.ranges = f->ranges[i],
		.macs = f->macs[i],
		.timed = DP_INDEX_NONE,
	};
	return (uint16_t)i;
}

static inline uint16_t fixture_range(
	struct policy_fixture *f, enum dp_set_kind kind, uint32_t first, uint32_t last)
{
	uint16_t set = fixture_set(f, kind);

	f->ranges[set][0] = (struct dp_range){first, last};
	f->sets[set].n_ranges = 1;
	return set;
}

static inline void fixture_add_range(
	struct policy_fixture *f, uint16_t set, uint32_t first, uint32_t last)
{
	assert(f->sets[set].n_ranges < FIXTURE_ELEMENTS);
	f->ranges[set][f->sets[set].n_ranges++] = (struct dp_range){first, last};
}

static inline void fixture_add_prefix(struct policy_fixture *f, uint16_t set, const char *text)
{
	assert(f->sets[set].n_prefixes < FIXTURE_ELEMENTS);
	if (ip_prefix_parse(text, &f->prefixes[set][f->sets[set].n_prefixes++]) != 0)
		abort();
}

static inline uint16_t fixture_addresses(
	struct policy_fixture *f, const char *prefix4, const char *prefix6)
{
	uint16_t set = fixture_set(f, DP_SET_ADDRESSES);

	fixture_add_prefix(f, set, prefix4);
	fixture_add_prefix(f, set, prefix6);
	return set;
}

static inline uint16_t fixture_mac(struct policy_fixture *f, struct mac_addr mac)
{
	uint16_t set = fixture_set(f, DP_SET_MACS);

	f->macs[set][0] = mac;
	f->sets[set].n_macs = 1;
	return set;
}

// What a new ruleset is judged by. False, with the sentence: the policy was refused.
static inline bool fixture_compile(struct policy_fixture *f, struct error *err)
{
	if (f->rate_table == NULL)
		f->rate_table = rate_table_new(4096, fixture_seeds);
	f->ruleset = ruleset_new(&f->policy, f->timed, f->rate_table, err);
	return f->ruleset != NULL && rules_state_init(&f->state, f->ruleset) == 0;
}

static inline void fixture_drop_ruleset(struct policy_fixture *f)
{
	rules_state_fini(&f->state);
	ruleset_free(f->ruleset);
	f->ruleset = NULL;
}

static inline void fixture_fini(struct policy_fixture *f)
{
	fixture_drop_ruleset(f);
	rate_table_free(f->rate_table);
	f->rate_table = NULL;
	for (unsigned i = 0; i < DP_TIMED_SETS_MAX; i++) {
		timed_set_free(f->timed[i]);
		f->timed[i] = NULL;
	}
}

// --- packets ---

static const uint8_t host4[4] = {198, 51, 100, 7}, server4[4] = {203, 0, 113, 9};
static const uint8_t host6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
static const uint8_t server6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};

// A SYN from the LAN to a web server outside.
static inline struct rule_subject syn(uint8_t family)
{
	return (struct rule_subject){
		.family = family,
		.protocol = IPPROTO_TCP,
		.from = ZONE_LAN,
		.to = ZONE_WAN,
		.src = family == IP_V6 ? host6 : host4,
		.dst = family == IP_V6 ? server6 : server4,
		.sport = 40000,
		.dport = 443,
		.has_ports = true,
		.tcp_flags = 0x02,
		.state = DP_STATE_NEW,
		.in_interface = INTERFACE_LAN,
		.out_interface = INTERFACE_WAN,
		.mac = {{2, 0, 0, 0xaa, 0xbb, 7}},
		.has_mac = true,
		.bytes = 60,
	};
}

static inline struct rule_subject udp(uint8_t family)
{
	struct rule_subject s = syn(family);

	s.protocol = IPPROTO_UDP;
	s.tcp_flags = 0;
	return s;
}

static inline struct rule_subject icmp(uint8_t family, uint8_t type, uint8_t code)
{
	struct rule_subject s = syn(family);

	s.protocol = family == IP_V6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	s.tcp_flags = 0;
	s.has_ports = false;
	s.sport = s.dport = 0;
	s.has_icmp = true;
	s.icmp = (uint16_t)(type << 8 | code);
	return s;
}

static inline struct rule_subject esp(uint8_t family)
{
	struct rule_subject s = icmp(family, 0, 0);

	s.protocol = IPPROTO_ESP;
	s.has_icmp = false;
	return s;
}

static inline struct rule_verdict fixture_judge(struct policy_fixture *f, enum dp_hook hook,
	const struct rule_subject *s, const struct rules_now *now)
{
	struct rule_subject subject = *s;
	struct rule_verdict verdict;

	subject.facts = rules_facts(s);
	rules_judge(f->ruleset, &f->state, hook, &subject, now, &verdict);
	return verdict;
}
