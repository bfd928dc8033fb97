// SPDX-License-Identifier: BSD-3-Clause
// Keeps the leases of the DHCPv4 server on the disk (lease_store.h), and holds each answer back
// until what it says is there: a client never has what a power cut makes the server forget. Both
// the answers that wait and the time that they may wait are bounded. Control thread.
#pragma once

#include <event2/event.h>

#include "control/dhcp/dhcp4_server.h"

struct dhcp4_keeper;

typedef void (*dhcp4_keeper_send_fn)(void *ctx, const struct dhcp4_reply *reply);

// In `path`, from where `server` gets back what is kept; where that cannot be, or where `path` is
// NULL, nothing is kept and answers go out at once. `send` gets an answer whose time has come. NULL
// without memory.
struct dhcp4_keeper *dhcp4_keeper_new(struct event_base *base, const char *path,
	struct dhcp4_server *server, dhcp4_keeper_send_fn send, void *ctx);
// Writes what is queued; answers that wait are dropped. NULL is fine.
void dhcp4_keeper_free(struct dhcp4_keeper *keeper);

// The lease as it is now, and the answer that goes out after that, or NULL.
void dhcp4_keeper_put(struct dhcp4_keeper *keeper, const struct dhcp4_lease *lease,
	const struct dhcp4_reply *reply);
