// SPDX-License-Identifier: BSD-3-Clause
// Is a policy sound? Every index, count and number of it is looked at, so that whoever compiles it
// for the workers need not doubt, and a mistake of control's is a sentence instead of a packet
// judged wrongly. Elements of sets are left to set_new. Control thread.
#pragma once

#include "cfg/base/error.h"
#include "dataplane/policy.h"
#include "dataplane/timed_set.h"

// Rules that one packet may have to be held against, through all the lists it can be sent to: lists
// that jump to lists multiply.
enum { POLICY_STEPS_MAX = 4 * DP_RULES_MAX };

// 0, or -EINVAL with the sentence. `timed` has DP_TIMED_SETS_MAX entries, NULL for none.
int policy_check(const struct dp_policy *policy, struct timed_set *const timed[DP_TIMED_SETS_MAX],
	struct error *err);
