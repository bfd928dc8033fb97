// SPDX-License-Identifier: BSD-3-Clause
// How many neighbours the kernel's tables hold (arp(7): gc_thresh1 to 3 of net.ipv4.neigh.default,
// the same for IPv6). The tables are the machine's: all network namespaces share their room, and
// only the first one may change it. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/netlink.h"

struct neighbour_limit {
	uint32_t max; // neighbours the router may ask for, NEIGHBOURS_KERNEL_MAX at most
	bool is_raised;
	uint32_t thresh2_before, thresh3_before; // when raised
};

struct neighbour_limits {
	struct neighbour_limit ip4, ip6;
};

// Raises what is too low, if this process may; else says what to set, and fills in what holds.
void neighbour_limits_raise(struct neighbour_limits *limits, struct netlink *netlink);
// What was raised, unless somebody has changed it since. Zeroed limits are fine.
void neighbour_limits_give_back(struct neighbour_limits *limits, struct netlink *netlink);
