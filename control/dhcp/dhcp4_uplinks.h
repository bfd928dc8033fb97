// SPDX-License-Identifier: BSD-3-Clause
// The DHCPv4 clients of the interfaces whose config says `dhcp4`: each has a client's state machine
// (dhcp4_client.h), its sockets on the interface's TAP, and what it was given in the kernel
// (dhcp4_binding.h), among the resolvers (learned_dns.h) and in the state file (dhcp4_memory.h).
// Control thread.
#pragma once

#include <stdbool.h>

#include "control/dhcp/dhcp4_client.h"
#include "control/router.h"

struct dhcp4_uplinks;

// For those of the router's config. NULL with the reason.
struct dhcp4_uplinks *dhcp4_uplinks_new(struct router *router, struct error *err);
// Leases stay with their servers, for the next start. NULL is fine.
void dhcp4_uplinks_free(struct dhcp4_uplinks *uplinks);

// Another config is in force: who is no longer in it gives its lease back, who has another name for
// the server starts anew, all others keep what they have. NULL is fine.
void dhcp4_uplinks_follow(struct dhcp4_uplinks *uplinks, const struct config *config);
// An interface came up or went down. `was_by_hand`: the kernel has taken its routes. NULL is fine.
void dhcp4_uplinks_interface_changed(
	struct dhcp4_uplinks *uplinks, const struct interface *interface, bool was_by_hand);

// The client of that interface, or NULL.
const struct dhcp4_uplink_client *dhcp4_uplinks_find(
	const struct dhcp4_uplinks *uplinks, const char *interface);
// By hand. False: there is none.
bool dhcp4_uplinks_renew(struct dhcp4_uplinks *uplinks, const char *interface);
bool dhcp4_uplinks_release(struct dhcp4_uplinks *uplinks, const char *interface);
