// SPDX-License-Identifier: BSD-3-Clause
// The last address that a DHCPv4 server gave to each interface, in the state file, so that the next
// start asks for the same one (RFC 2131 3.2). Control thread.
#pragma once

#include <sqlite3.h>

#include "cfg/base/addr.h"
#include "cfg/base/error.h"

// Makes the table. 0, or -1 with the reason.
int dhcp4_memory_open(sqlite3 *db, struct error *err);

// `client`: who it was given to, as bytes: another one is not asked for it. `ends_at`: seconds
// since 1970. 0, or -1 with the reason.
int dhcp4_memory_put(sqlite3 *db, const char *interface, const void *client, size_t client_bytes,
	const struct ip_addr *addr, int64_t ends_at, struct error *err);
int dhcp4_memory_forget(sqlite3 *db, const char *interface, struct error *err);
// Of family IP_NONE where there is none, or it has ended by `now`.
struct ip_addr dhcp4_memory_get(
	sqlite3 *db, const char *interface, const void *client, size_t client_bytes, int64_t now);
