// SPDX-License-Identifier: BSD-3-Clause
// What is in the timed sets: told to the workers at once and kept in the state file, so that it is
// there again after a restart. The workers count seconds that are left, the file has the wall
// clock's; where that clock jumps, the two are brought together again. Without the state file
// everything works but for the keeping. Wall clock times are seconds since 1970. Control thread.
#pragma once

#include "cfg/config.h"
#include "control/ban_queue.h"
#include "control/ban_store.h"
#include "control/timed_sets.h"
#include "dataplane/dataplane.h"

struct bans {
	struct dataplane *dp;
	struct timed_sets sets;
	struct ban_store *store; // NULL: nothing is kept
	struct ban_queue queue;
	// What did not fit into the queue, or could not be written, is found again among what the
	// workers have.
	bool is_behind[DP_TIMED_SETS_MAX];
	uint16_t walked_set;
	uint32_t walked;
	bool is_failing;     // something is not written yet that a turn could not write
	unsigned wait_turns; // until the next try
	uint64_t n_refused[DP_TIMED_SETS_MAX], n_refused_logged[DP_TIMED_SETS_MAX];
};

// Makes the sets of the config and fills them from the state file. `state` stays the caller's and
// must outlive it; NULL: nothing is kept. 0, or -1 with the reason.
int bans_open(struct bans *bans, const struct config *config, sqlite3 *state, struct dataplane *dp,
	int64_t now, struct error *err);
void bans_close(struct bans *bans, int64_t now); // writes what is queued; zeroed is fine

// Another config takes the place of the first: sets of the same name keep what is in them. 0, or -1
// with the reason and nothing has changed; timed_sets_revert takes it back.
int bans_follow(struct bans *bans, const struct config *config, int64_t now, struct error *err);

// Somebody asks for it, for `for_sec` or DP_FOREVER, instead of whatever is there. 0, or -1 with
// the reason and nothing changed. It is on the disk then, or else `unkept` has the reason.
int bans_add(struct bans *bans, uint16_t timed, const struct ip_prefix *prefix, uint32_t for_sec,
	int64_t now, struct error *unkept, struct error *err);
// The same for taking out; exactly this prefix. One that is in a larger one stays in the set by
// that, and the reason says so.
int bans_remove(struct bans *bans, uint16_t timed, const struct ip_prefix *prefix,
	struct error *unkept, struct error *err);

// A rule asks for it. Cheap: the state file has it after one of the next turns.
void bans_note(struct bans *bans, uint16_t timed, const struct ip_prefix *prefix, uint32_t for_sec,
	int64_t now);

// Every 250 ms: writes a part of what was noted, in one commit. Whether there was something.
bool bans_turn(struct bans *bans, int64_t now);
void bans_every_minute(struct bans *bans, int64_t now);
// The wall clock went forward by so much (backward where negative), to `now`.
void bans_clock_jumped(struct bans *bans, int64_t by_sec, int64_t now);
