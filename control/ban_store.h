// SPDX-License-Identifier: BSD-3-Clause
// Entries of timed sets in the state file: set, prefix, and when it ends by the wall clock, in
// seconds since 1970. What a commit has taken survives a power cut. The state file's thread, and
// control before that runs.
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/base/error.h"

#define BAN_FOREVER INT64_MAX

struct ban_store;

// `db` stays the caller's and must outlive it. NULL with the reason.
struct ban_store *ban_store_open(sqlite3 *db, struct error *err);
void ban_store_close(struct ban_store *store); // NULL is fine

// Everything below: 0 or -1 with the reason. Outside begin and commit each is a commit by itself.
// Between the two, and in each, nobody else gets to the file.
int ban_store_begin(struct ban_store *store, struct error *err);  // failed: nothing is begun
int ban_store_commit(struct ban_store *store, struct error *err); // failed: rolled back
void ban_store_rollback(struct ban_store *store); // instead of a commit: nothing of it is kept

// With `replaces` it ends then; otherwise only if that is more than `slack_sec` later than it
// would: an address that is seen again and again does not wear the disk.
struct ban_entry {
	const char *set;
	struct ip_prefix prefix; // host bits are ignored
	int64_t ends_at;
};
int ban_store_put(struct ban_store *store, const struct ban_entry *entry, bool replaces,
	uint32_t slack_sec, struct error *err);
int ban_store_delete(struct ban_store *store, const char *set, const struct ip_prefix *prefix,
	bool *was_there, struct error *err);

// A part of a set, ended or not: what comes behind the cursor, which moves on; zeroed it is at the
// beginning. At the end there is nothing.
struct ban_cursor {
	char text[ADDR_STR_BYTES]; // of the last one
	int n;			   // bytes of it
	bool is_at_end;
};
struct ban_row {
	struct ip_prefix prefix;
	int64_t ends_at;
};
int ban_store_read(struct ban_store *store, const char *set, struct ban_cursor *cursor,
	struct ban_row *rows, unsigned rows_max, unsigned *n, struct error *err);

// The wall clock went forward by so much: what this run has written was by the wrong clock.
int ban_store_shift(struct ban_store *store, int64_t by_sec, struct error *err);

// Removes at most `limit` of those that ended before `before`.
int ban_store_purge(struct ban_store *store, int64_t before, unsigned limit, struct error *err);
