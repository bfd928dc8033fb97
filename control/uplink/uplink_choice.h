// SPDX-License-Identifier: BSD-3-Clause
// Which of the uplinks are used: of those in the best condition the ones of the lowest priority,
// and how flows are shared among them. One that is dead is better than none: never is what may work
// made a blackhole. Pure functions. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/uplink/uplink_health.h"

enum {
	UPLINK_SHARES_MAX = 16
}; // DP_NEXTHOPS_MAX: next hops of one route, each as often as it has shares

struct uplink_candidate {
	bool has_way; // an interface and a next router, of the family in question
	bool is_link_up;
	enum uplink_state state;
	uint32_t priority, weight;
	uint32_t shares; // out: 0 is not used
};

// Fills in the shares of each; how many are used.
unsigned uplink_choose(struct uplink_candidate *list, unsigned n);

// Why it is not used while another one is: "down", "priority", ...; NULL: it is used.
const char *uplink_why_not(const struct uplink_candidate *list, unsigned n, unsigned index);
