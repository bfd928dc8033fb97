// SPDX-License-Identifier: BSD-3-Clause
// The DHCPv4 server on the loop: sockets of the interfaces, which may come and go; leases on the
// disk; answers that wait for them. Needs nothing of the dataplane. Control thread.
#pragma once

#include <event2/event.h>

#include "cfg/config.h"
#include "control/dhcp/dhcp4_server.h"
#include "control/hooks.h"

struct dhcp4_service;

// An event of the server's, as it happens. `lease` is NULL for DHCP4_POOL_FULL.
typedef void (*dhcp4_tell_fn)(void *ctx, enum dhcp4_event event, const struct dhcp4_scope *scope,
	const struct dhcp4_lease *lease);

// Leases are kept in `path`; NULL: nowhere. What cannot be kept is said in the log, and clients are
// served all the same. The config is borrowed. NULL with the reason.
struct dhcp4_service *dhcp4_service_new(struct event_base *base, const struct config *config,
	const char *path, dhcp4_tell_fn tell, void *ctx, struct error *err);
void dhcp4_service_free(struct dhcp4_service *service); // NULL is fine

// Another config takes the place of the first, which may end then. Leases stay.
void dhcp4_service_follow(struct dhcp4_service *service, const struct config *config);

const struct dhcp4_server *dhcp4_service_server(const struct dhcp4_service *service);
void dhcp4_service_count_hooks(const struct dhcp4_service *service, struct hook_counts *counts);

// Where leases are kept beside that state file. The caller frees it; NULL without memory.
char *dhcp4_service_path(const char *state_file);
