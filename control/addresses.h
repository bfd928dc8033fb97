// SPDX-License-Identifier: BSD-3-Clause
// Addresses of our interfaces: the config's are installed into the kernel, and whatever the
// kernel then has on a TAP, whoever put it there, goes to the workers. Control thread.
#pragma once

#include "control/interfaces.h"

// Gives the kernel what the config says. Addresses that are there stay as they are. IPv6 ones
// undergo duplicate address detection (RFC 4862 5.4) while the router already runs.
int addresses_install(
	const struct interface *interface, struct netlink *netlink, struct error *err);

// One of them; taking out one that is not there is no fault.
int addresses_add(const struct interface *interface, struct netlink *netlink,
	const struct ip_prefix *prefix, struct error *err);
// The same with an end, after which the kernel takes it away; of one that is there, the end is
// another now. ADDRESSES_FOREVER: it has none.
#define ADDRESSES_FOREVER UINT32_MAX
int addresses_add_for(const struct interface *interface, struct netlink *netlink,
	const struct ip_prefix *prefix, uint32_t for_sec, struct error *err);
int addresses_remove(const struct interface *interface, struct netlink *netlink,
	const struct ip_prefix *prefix, struct error *err);

// Neither being tested for uniqueness nor found to be someone else's.
bool addresses_is_usable(const struct interface_address *address);

// For netlink: RTM_NEWADDR and RTM_DELADDR.
struct netlink_handler addresses_handler(struct interfaces *interfaces);
