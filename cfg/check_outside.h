// SPDX-License-Identifier: BSD-3-Clause
// Which interfaces lead to the internet, and which zone each is in: what many doubts begin with.
// Part of the checks (cfg/check.h). Control thread.
#pragma once

#include "cfg/check.h"

// Looks at them all, once; the rest is for after it.
void outside_prepare(struct check *check);

uint64_t outside_bit(const struct check *check, const struct cfg_interface *interface);

// Sources are translated on it, or a default route goes by it.
bool outside_is_way(const struct check *check, const struct cfg_interface *interface);
// The same by its name, which is an interface's.
bool outside_is_way_named(const struct check *check, const char *interface);
// Any that does, or NULL.
const struct cfg_interface *outside_example(const struct check *check);

// The name of the zone that the interface is in, CFG_ZONE_NONE where it is in none.
const char *outside_zone(const struct check *check, const struct cfg_interface *interface);

// The interface that the next hop is on by what the file says, or NULL.
const struct cfg_interface *outside_nexthop_interface(
	const struct check *check, const struct cfg_nexthop *nexthop);

// By RFC 1918 or RFC 4193.
bool outside_is_private(const struct ip_addr *addr);

bool outside_has_name(const struct cfg_names *names, const char *name);
bool outside_has_subnet(const struct cfg_interface *interface, const struct ip_addr *addr);
