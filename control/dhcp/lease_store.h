// SPDX-License-Identifier: BSD-3-Clause
// Leases on the disk, in a SQLite file of their own beside the state file: a thread writes what is
// queued, all of it in one commit, and tells when that is durable (WAL, synchronous FULL, the log
// in room of its own: state_log.h). So the control loop never waits for a disk, and nobody else's
// writes wait behind thousands of leases. What cannot be written is tried again each second, in its
// order. Control thread, but for that one.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/error.h"
#include "control/dhcp/dhcp4_lease.h"

enum { LEASE_STORE_QUEUE_MAX = 16384 };

struct lease_row {
	struct dhcp4_lease lease; // without its links and `ends_ms`
	int64_t ends_at;	  // seconds since 1970
};

struct lease_store;

// NULL with the reason.
struct lease_store *lease_store_open(const char *path, struct error *err);
void lease_store_close(struct lease_store *store); // writes what is queued; NULL is fine

// Calls `fn` for each, before the first is put. 0, or -1 with the reason.
typedef void (*lease_store_fn)(void *ctx, const struct lease_row *row);
int lease_store_each(struct lease_store *store, lease_store_fn fn, void *ctx, struct error *err);

// A copy of the row replaces the one of its address; of a free one without a client it is deleted.
// Its number, which counts from 1; 0: the queue is full.
uint64_t lease_store_put(struct lease_store *store, const struct lease_row *row);
// Readable when there is news; lease_store_committed takes it.
int lease_store_fd(const struct lease_store *store);
// The number up to which everything is durable. `err` has the reason where the last try failed,
// else an empty text.
uint64_t lease_store_committed(struct lease_store *store, struct error *err);
