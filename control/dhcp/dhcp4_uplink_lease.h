// SPDX-License-Identifier: BSD-3-Clause
// What becomes of the lease of an uplink's DHCPv4 client: the address and routes in the kernel, the
// name servers, the state file, the hook and the events, and who defends the address on the link
// (RFC 5227 section 2.4). For dhcp4_uplink.c and dhcp4_uplinks.c. Control thread.
#pragma once

#include "control/dhcp/dhcp4_uplink.h"

// What the config wishes of its lease, from the next one on.
void dhcp4_uplink_read_wishes(
	struct dhcp4_uplink *uplink, const struct config *config, const struct cfg_interface *from);
// The lease that it has, as it is wished, into the kernel and to the resolvers.
void dhcp4_uplink_set_binding(struct dhcp4_uplink *uplink);
// Until its end, ADDRESSES_FOREVER where it has none.
uint32_t dhcp4_uplink_left_sec(const struct dhcp4_uplink_client *client, uint64_t now_ms);

// The client's ops of these names (dhcp4_client.h); `ctx` is the uplink.
void dhcp4_uplink_bind(
	void *ctx, const struct dhcp4_grant *lease, const struct dhcp4_grant *before);
void dhcp4_uplink_unbind(void *ctx, const struct dhcp4_grant *lease, const char *why);
