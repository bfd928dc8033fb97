// SPDX-License-Identifier: BSD-3-Clause
// A policy as the workers use it: rules, sets and translations compiled, and what each worker has
// counted under it. Control makes one for every change, publishes it in the snapshot and frees the
// old one when every worker has passed by; workers write nothing but their own counts.
#pragma once

#include <stdatomic.h>

#include "dataplane/dataplane.h"
#include "dataplane/nat_rules.h"
#include "dataplane/rules.h"

struct dataplane;

struct compiled_policy {
	uint32_t serial; // control: given when it comes into force
	bool has_firewall;
	bool tracks; // something keeps state: every packet passes the flow table
	bool picks_up;
	bool changes_destinations; // some translation does, or lets anybody call
	bool has_full_cones;
	bool has_helpers; // some port has one
	struct dp_helper_ports helpers[DP_HELPER_COUNT];
	uint32_t host_flows_max;
	_Atomic uint64_t schedules;  // bits: active ones; control changes them in place
	uint64_t timed_that_give;    // timed sets whose entries' end takes something from somebody
	struct dp_timeouts timeouts; // none is zero
	uint16_t hygiene[DP_INTERFACES_MAX];
	struct ruleset *rules;
	struct set **sets; // those of `rules`
	struct nat_rules *nat;
	unsigned n_workers;
	struct rules_state counts[DP_WORKERS_MAX];
	struct rules_state carried; // control: what it goes on from
};

// Control. Checks all of `policy`. NULL with the reason.
struct compiled_policy *compiled_policy_new(
	struct dataplane *dp, const struct dp_policy *policy, struct error *err);

// Control. Sums over the workers, and over what was there before them.
struct dp_count compiled_policy_rule_count(const struct compiled_policy *policy, uint32_t rule);
struct dp_count compiled_policy_named_count(const struct compiled_policy *policy, unsigned counter);
struct dp_count compiled_policy_default_count(
	const struct compiled_policy *policy, enum dp_hook hook);
// `next`, which was made of `said`, goes on from what `policy` counted. Every worker has left it:
// what it counts until then is nowhere else.
void compiled_policy_carry(const struct compiled_policy *policy, struct compiled_policy *next,
	const struct dp_policy *said);

void compiled_policy_free(struct compiled_policy *policy); // NULL is fine
