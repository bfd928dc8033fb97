// SPDX-License-Identifier: BSD-3-Clause
// The network of the cases with as many rules as one likes in place of the twenty.
#pragma once

#include "perf/bench_nat.h"

// nat_network_make without ports. `n_rules` 0: the policy as it is.
int bench_network_with_rules(struct bench_world *world, struct bench_policy *policy,
	uint32_t n_rules, struct error *err);
