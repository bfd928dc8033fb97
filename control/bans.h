// SPDX-License-Identifier: BSD-3-Clause
// What is in the timed sets: told to the workers at once and kept in the state file, so that it is
// there again after a restart. The workers count seconds that are left, the file has the wall
// clock's; where that clock jumps, the two are brought together again. Without the state file
// everything works but for the keeping. Wall clock times are seconds since 1970. Control thread.
#pragma once

#include "cfg/config.h"
#include "control/ban_batch.h"
#include "control/ban_load.h"
#include "control/ban_queue.h"
#include "control/ban_store.h"
#include "control/state_writer.h"
#include "control/timed_sets.h"
#include "dataplane/dataplane.h"

struct bans {
	struct dataplane *dp;
	struct timed_sets sets;
	struct ban_store *store; // NULL: nothing is kept, and neither is there what follows
	struct state_writer *writer;
	struct ban_load *load;
	// What the next commit will have.
	struct ban_asked_list asked;
	struct ban_queue *queue;
	unsigned n_asked; // with those of the commit under way
	// The commit before: the thread's while it is under way.
	struct ban_batch *batch;
	bool is_under_way;
	bool is_turn_due; // it came meanwhile
	int64_t turn_at;
	// What did not fit into the queue, or could not be written, is found again among what the
	// workers have.
	bool is_behind[DP_TIMED_SETS_MAX];
	uint16_t walked_set;
	uint32_t walked;
	bool is_walking;     // the commit under way has a part of it
	bool is_failing;     // something is not written yet that a turn could not write
	unsigned wait_turns; // until the next try
	bool is_purging;
	uint64_t n_refused[DP_TIMED_SETS_MAX], n_refused_logged[DP_TIMED_SETS_MAX];
};

// Makes the sets of the config and fills them from the state file, before the loop runs. `state`
// and its writer stay the caller's and must outlive it; NULL: nothing is kept. 0, or -1 with the
// reason.
int bans_open(struct bans *bans, const struct config *config, sqlite3 *state,
	struct state_writer *writer, struct dataplane *dp, int64_t now, struct error *err);
void bans_close(struct bans *bans, int64_t now); // writes what is queued; zeroed is fine

// Another config takes the place of the first: sets of the same name keep what is in them, others
// are filled from the state file a moment later. 0, or -1 with the reason and nothing has changed;
// timed_sets_revert takes it back.
int bans_follow(struct bans *bans, const struct config *config, int64_t now, struct error *err);

// Somebody asks for it, for `for_sec` or DP_FOREVER, instead of whatever is there. The workers have
// it then, and the state file will; bans_leave is due. NULL with the reason, and nothing changed.
struct ban_asked *bans_add(struct bans *bans, uint16_t timed, const struct ip_prefix *prefix,
	uint32_t for_sec, int64_t now, struct error *err);
// The same for taking out; exactly this prefix.
struct ban_asked *bans_remove(
	struct bans *bans, uint16_t timed, const struct ip_prefix *prefix, struct error *err);
// What became of it. 0: it is on the disk, or `unkept` has why it is not. -EAGAIN: not yet. -1 with
// the reason: what was to be taken out was not in the set. One that is in a larger one stays in it
// by that, and the reason says so.
int bans_outcome(const struct bans *bans, const struct ban_asked *asked, struct error *unkept,
	struct error *err);
void bans_leave(struct ban_asked *asked); // done or not; NULL is fine

// A rule asks for it. Cheap: the state file has it after one of the next turns.
void bans_note(struct bans *bans, uint16_t timed, const struct ip_prefix *prefix, uint32_t for_sec,
	int64_t now);

static inline int64_t bans_ends_at(uint32_t for_sec, int64_t now)
{
	return for_sec == DP_FOREVER ? BAN_FOREVER : now + for_sec;
}

// Whether the workers have something else of that prefix than the state file.
bool bans_is_under_way(const struct bans *bans, uint16_t timed, const struct ip_prefix *prefix);

// --- in bans_keep.c: to the state file ---

// Has the workers' `asked` written: by the next commit, with all that comes until that begins.
void bans_keep(struct bans *bans, struct ban_asked *asked);
// Every 250 ms: has a part of what was noted written, in one commit, unless one is under way.
// Whether there was something.
bool bans_turn(struct bans *bans, int64_t now);
void bans_every_minute(struct bans *bans, int64_t now);
// The wall clock went forward by so much (backward where negative), to `now`.
void bans_clock_jumped(struct bans *bans, int64_t by_sec, int64_t now);
