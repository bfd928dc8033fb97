// SPDX-License-Identifier: BSD-3-Clause
// What the kernel has in the place where a route of the config is to go: of the same prefix and
// metric in table main. Control thread.
#pragma once

#include <netlink/route/route.h>

#include "control/interfaces.h"

struct occupant {
	// asked for
	const struct interfaces *interfaces;
	struct ip_prefix to; // host bits are zero
	uint32_t metric;
	uint8_t type; // RTN_*
	// found
	bool is_ours;	// of our protocol and that type, over a TAP of ours if it has a device
	uint8_t scope;	// of ours
	char text[128]; // how a person knows it; "" when nothing is there
};

void occupant_find(struct occupant *occupant);

// Whether a route of the kernel's is to this very prefix. Both are of one family.
bool occupant_is_to(struct rtnl_route *route, const struct ip_prefix *prefix);
