// SPDX-License-Identifier: BSD-3-Clause
// The policy of the cases: everything that a careful owner has on. Zones with a default of drop,
// twenty rules of which the last lets the LAN out and none of the others ever matches, every
// hygiene check, strict reverse path.
#pragma once

#include "dataplane/policy.h"

enum {
	BENCH_RULES = 20,
	BENCH_RULE_SPECIAL = BENCH_RULES - 2, // replaced by cases that want another one
	BENCH_RULE_OUT = BENCH_RULES - 1,
	BENCH_SETS = BENCH_RULES + 1,	 // one of each rule, and one for the special one
	BENCH_SET_SPECIAL = BENCH_RULES, // empty
	BENCH_ZONE_LAN = 2,
	BENCH_ZONE_WAN = 3,
};

// What it does beside filtering.
enum bench_translation {
	BENCH_NO_NAT = 0,
	BENCH_MASQUERADE, // to the WAN's own address
	BENCH_POOL,	  // to one of a /18: an address for nearly every host
};

// Points into itself: not to be copied. Used up by dataplane_policy_set.
struct bench_policy {
	struct dp_policy policy;
	struct dp_rule rules[BENCH_RULES];
	struct dp_list list;
	struct dp_set sets[BENCH_SETS];
	struct ip_prefix prefixes[BENCH_RULES];
	struct dp_range ports[BENCH_RULES];
	struct dp_nat nat;
	struct dp_rate rate;
	struct dp_log log;
};

void bench_policy_init(struct bench_policy *p, enum bench_translation translation);
// No firewall and no hygiene: only the translation.
void bench_policy_open(struct bench_policy *p);
