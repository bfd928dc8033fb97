// SPDX-License-Identifier: BSD-3-Clause
// The last address that a DHCPv4 server gave to each interface, so that the next start asks for the
// same one (RFC 2131 3.2). Read from the state file once, before the loop runs; what changes is
// written by the file's thread, and what fails there is logged. Control thread.
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/base/error.h"
#include "control/dhcp/dhcp4_client_query.h"
#include "control/state_writer.h"

enum { DHCP4_MEMORY_MAX = 256 }; // interfaces; the leases that end last are remembered

struct dhcp4_memory;

// `db` and `writer` stay the caller's and must outlive it. NULL with the reason.
struct dhcp4_memory *dhcp4_memory_open(sqlite3 *db, struct state_writer *writer, struct error *err);
void dhcp4_memory_close(struct dhcp4_memory *memory); // writes what is to be; NULL is fine

// Who it was given to: another one is not asked for it. `ends_at`: seconds since 1970.
void dhcp4_memory_put(struct dhcp4_memory *memory, const char *interface,
	const struct dhcp4_identity *client, const struct ip_addr *addr, int64_t ends_at);
void dhcp4_memory_forget(struct dhcp4_memory *memory, const char *interface);
// Of family IP_NONE where there is none, or it has ended by `now`.
struct ip_addr dhcp4_memory_get(const struct dhcp4_memory *memory, const char *interface,
	const struct dhcp4_identity *client, int64_t now);
