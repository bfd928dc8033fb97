// SPDX-License-Identifier: BSD-3-Clause
// Which interface something in the config leads to. Pure functions of the config.
#pragma once

#include <stdbool.h>

#include "cfg/config.h"

// The interface a nexthop names or, where it names none, the one whose subnet holds its address.
// NULL: none of the config; its address may come from elsewhere, such as DHCP.
const struct cfg_interface *egress_of_nexthop(
	const struct config *config, const struct cfg_nexthop *nexthop);

bool egress_has_subnet_of(const struct cfg_interface *interface, const struct ip_addr *addr);

// The uplink that leaves by it, or NULL.
const struct cfg_uplink *egress_uplink(const struct config *config, const char *interface);

// An interface leads outside, to the internet, when sources are translated that leave by it or,
// where there is no such interface, when it carries a default route.
bool egress_is_outside(const struct config *config, const char *interface);
