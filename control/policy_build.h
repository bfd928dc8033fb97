// SPDX-License-Identifier: BSD-3-Clause
// What the parts of policy.c share while one policy is compiled. Control thread.
#pragma once

#include "control/name_table.h"
#include "control/policy.h"

// What policy_drop_arrays frees.
struct policy_arrays {
	struct dp_rule *rules;
	struct dp_set sets[DP_SETS_MAX];
	struct set_elements elements[DP_SETS_MAX]; // of each set
	struct dp_rate rates[DP_RATES_MAX];
	struct dp_log logs[DP_LOGS_MAX];
	struct dp_nat nats[DP_NATS_MAX];
	uint32_t *rules_before; // of each rule, or NULL
	uint16_t counters_before[DP_COUNTERS_MAX];
};

// Where the sets of equal matches meet: slots are indexes of sets, at most half of them taken.
enum { POLICY_MATCH_SLOTS = 2 * DP_SETS_MAX };

struct policy_build {
	const struct policy_input *in;
	struct policy *policy;
	struct policy_arrays *arrays;
	struct error *err;

	struct name_table zones, sets, lists, counters;
	uint64_t n_elements;			      // of all sets
	uint16_t *named;			      // the policy's `sets`
	const struct cfg_match *matches[DP_SETS_MAX]; // what an unnamed set was made of
	uint16_t slots[POLICY_MATCH_SLOTS];
};

// Each: 0, or -1 with the reason in build->err.
int policy_match(struct policy_build *build, enum cfg_set_kind kind, const struct cfg_match *match,
	struct cfg_place place, struct dp_match_set *out);
int policy_rules(struct policy_build *build);
int policy_nats(struct policy_build *build);

// -1: no interface of that name is there.
int policy_interface_id(const struct policy_build *build, const char *name);

// Says so about this place of the config. Returns -1.
int policy_refuse(struct policy_build *build, struct cfg_place place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
