// SPDX-License-Identifier: BSD-3-Clause
// What an operator's program is told of leases: those that the server gives, and those that an
// uplink has been given. Control thread.
#pragma once

#include "control/dhcp/dhcp4_grant.h"
#include "control/dhcp/dhcp4_server.h"
#include "control/hooks.h"

// Arguments: what (`add`, `old` for a renewal, `del`), MAC, address, name; the rest, and what it
// was exactly, in the environment. The subnet has a `hook`, the event a lease.
void dhcp4_hook_call_server(struct hook_call *call, enum dhcp4_event event,
	const struct dhcp4_scope *scope, const struct dhcp4_lease *lease, uint32_t left_sec);

// Arguments: what (`bound`, `renewed`, `changed`, `lost`), interface, address with its length.
void dhcp4_hook_call_uplink(struct hook_call *call, const char *program, const char *what,
	const char *interface, const struct dhcp4_grant *grant);
