// SPDX-License-Identifier: BSD-3-Clause
// What rules and named counters have counted outlives their policy: a rule that the next one has
// too, in the same list and with the same text, goes on from where it was, and a counter of the
// same name. The workers' side carries the counts over. Control thread.
#pragma once

#include "control/policy.h"

// Tells in `next`, which is about to be in force after `before`, what goes on from what. `before`
// went through here too; NULL for the first one. 0, or -1 without memory.
int rule_counts_go_on(const struct policy *before, struct policy *next);
// The part of it that takes long, beforehand: the names of its rules. Any thread. 0, or -1 for want
// of memory.
int rule_counts_prepare(struct policy *next);
