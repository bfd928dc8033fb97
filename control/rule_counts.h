// SPDX-License-Identifier: BSD-3-Clause
// What rules, named counters and defaults have counted since the start. The workers count for the
// policy in force alone; a rule that the next policy has too, in the same list and with the same
// text, goes on from where it was. Control thread.
#pragma once

#include "control/policy.h"
#include "dataplane/dataplane.h"

struct rule_counts;

// For `next`, which is about to be in force after `before`: all that `counts` has of it and the
// workers have counted. `counts` and `before` are NULL for the first one, and stay the caller's.
// NULL without memory.
struct rule_counts *rule_counts_new(const struct dataplane *dp, const struct rule_counts *counts,
	const struct policy *before, const struct policy *next);
void rule_counts_free(struct rule_counts *counts); // NULL is fine

struct dp_count rule_counts_rule(
	const struct rule_counts *counts, const struct dataplane *dp, unsigned rule);
struct dp_count rule_counts_named(
	const struct rule_counts *counts, const struct dataplane *dp, unsigned counter);
struct dp_count rule_counts_default(
	const struct rule_counts *counts, const struct dataplane *dp, enum dp_hook hook);
