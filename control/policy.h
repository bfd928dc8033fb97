// SPDX-License-Identifier: BSD-3-Clause
// The config's zones, sets, rules and translations as the workers take them: names become numbers.
// Names bind late: what names an interface that is absent has no effect until a policy is compiled
// that finds it. Pure but for memory. Control thread.
#pragma once

#include "cfg/config.h"
#include "control/interfaces.h"
#include "control/schedules.h"
#include "control/set_files.h"
#include "control/timed_sets.h"
#include "dataplane/policy.h"

struct policy_input {
	const struct config *config;
	const struct interfaces *interfaces;
	const struct set_files *files;
	const struct timed_sets *timed;
};

struct policy {
	uint32_t serial;     // the workers', while it is in force
	struct dp_policy dp; // its arrays end with policy_drop_arrays
	const struct config *config;
	const struct cfg_rule **rules; // what each of dp.rules is
	struct dp_list *lists;	       // the hooks' by their number, then the config's
	const struct cfg_nat **nats;   // what each of dp.nats is
	uint16_t *sets;	       // index of each of the config's; DP_INDEX_NONE: nobody asks for it
	const char **counters; // names by number
	unsigned n_counters;
	struct rule_key *keys; // of each rule, or NULL; control/rule_counts.h's
	struct schedule schedules[DP_SCHEDULES_MAX];
	unsigned n_schedules;
	struct policy_arrays *arrays;
};

// The policy, or NULL when the config asks for more than the workers have room for, with its
// place, or for want of memory. What `in` points to must outlive it.
struct policy *policy_new(const struct policy_input *in, struct error *err);
void policy_free(struct policy *policy); // NULL is fine

// The workers have copied what they need: the large part is freed, the names stay.
void policy_drop_arrays(struct policy *policy);

// The list that has the rule.
const char *policy_list_of(const struct policy *policy, uint32_t rule);
// How the list is called: "input", "forward", "output", or its name in the config.
const char *policy_list_name(const struct policy *policy, unsigned list);
