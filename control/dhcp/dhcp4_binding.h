// SPDX-License-Identifier: BSD-3-Clause
// What a DHCPv4 server has given, in the kernel: the address with its end, routes (RFC 3442) under
// a metric, the MTU. Of something new the new comes first, then the old goes: packets lack neither.
// Control thread.
#pragma once

#include "control/dhcp/dhcp4_grant.h"
#include "control/interfaces.h"

// What the operator wants of it.
struct dhcp4_binding_wishes {
	bool uses_routes, uses_mtu;
	uint32_t metric;
};

struct dhcp4_binding {
	bool is_there;
	struct dhcp4_grant grant;
	struct dhcp4_binding_wishes wishes;
	bool has_mtu; // the interface's is the server's
};

// `for_sec`: the rest of its time, ADDRESSES_FOREVER: it has no end. What the kernel refuses is
// logged and left out.
void dhcp4_binding_set(struct dhcp4_binding *binding, const struct interface *interface,
	struct netlink *netlink, const struct dhcp4_grant *grant, uint32_t for_sec,
	const struct dhcp4_binding_wishes *wishes);
// Somebody, or the kernel by itself, may have taken a part of it away.
void dhcp4_binding_repair(struct dhcp4_binding *binding, const struct interface *interface,
	struct netlink *netlink, uint32_t for_sec);
// Takes all of it away.
void dhcp4_binding_clear(
	struct dhcp4_binding *binding, const struct interface *interface, struct netlink *netlink);
