// SPDX-License-Identifier: BSD-3-Clause
// The routes of uplinks in the kernel, whence the workers have them: the default route that is
// used, changed in one step; one for each uplink by which what is bound to it goes out; and rules
// by which what the router says from an uplink's address leaves by that uplink. Control thread.
#pragma once

#include "control/netlink.h"
#include "control/uplink/uplink_choice.h"

#include "cfg/base/addr.h"

struct uplink_way {
	int ifindex;
	struct ip_addr via; // IP_NONE: the internet is on the link
	uint32_t shares;
};

// In the place of the one before, or of none. Without ways it goes. 0 or libnl's error.
int uplink_routes_use(
	struct netlink *netlink, uint8_t family, const struct uplink_way *ways, unsigned n);

// That of uplink `number`: in a table of its own and, with `is_spare`, in the main one behind all
// others. NULL: it goes.
int uplink_routes_own(struct netlink *netlink, uint8_t family, unsigned number,
	const struct uplink_way *way, bool is_spare);

// What is from this address leaves by the table of uplink `number`, unless a route says more of its
// destination than where the internet is.
int uplink_routes_rule(
	struct netlink *netlink, unsigned number, const struct ip_addr *from, bool is_wanted);
// What a killed instance left behind; not while another one lives in this network namespace.
void uplink_routes_remove_leftovers(struct netlink *netlink);
