// SPDX-License-Identifier: BSD-3-Clause
// The running router takes another config: all of it or nothing. What was given is in the history
// before it takes effect, and good there once it has. With `confirm_sec` it is on trial for so
// long: unless somebody confirms it, the router goes back by itself, and a daemon that was killed
// meanwhile goes back when it starts (start.h). Control thread.
#pragma once

#include <limits.h>

#include "cfg/diff.h"
#include "control/apply/history.h"
#include "control/apply/plan.h"
#include "control/apply/source.h"
#include "control/router.h"

enum { APPLY_CONFIRM_SEC_MAX = CFG_CONFIRM_SEC_MAX };

struct apply;

// `history` NULL: nothing is kept, and nothing can be on trial; it stays the caller's. `origin` is
// the file that the daemon starts from. `present` is the revision that the router has; 0: none of
// them. NULL: no memory.
struct apply *apply_new(struct router *router, struct history *history, const char *origin,
	int64_t present, uint64_t present_hash);
void apply_free(struct apply *apply); // NULL is fine

struct apply_who {
	int64_t uid;
	const char *program;
	const char *why; // ""
};

struct apply_job;

// What became of it. Zeroed before, apply_outcome_fini after.
struct apply_outcome {
	char file[PATH_MAX];
	struct cfg_errors errors;    // of the file, warnings too
	struct plan *plan;	     // NULL: it did not get so far
	struct config *config;	     // which these speak of; NULL: it is the router's now
	struct cfg_changes changes;  // of a plan
	struct foresight *foresight; // the same: what it ends; NULL: nothing was judged
	bool is_unchanged;	     // the router has it already
	int64_t revision;	     // 0: none was made; confirmed: which
	struct error unkept;	     // why the history does not have it, or has it on trial
	const char *failed_step;     // NULL: nothing was begun
	struct error err;	     // the reason, where there is one
};
void apply_outcome_fini(struct apply_outcome *outcome);

// While the loop goes on: reading, compiling, freeing and telling the history are another thread's.
// One at a time: another one is refused meanwhile. `done`, or NULL, is called at its end, with 0,
// or -1 where the outcome says why and nothing has changed; perhaps before apply_begin returns. A
// plan only looks. NULL: no memory.
typedef void (*apply_done_fn)(void *ctx, const struct apply_outcome *outcome, int rc);
enum apply_asks {
	APPLY_ASKS_PLAN = 0,
	APPLY_ASKS_FILE,
	APPLY_ASKS_BACK,
	APPLY_ASKS_FILES,   // those of sets that have changed, or of `set`; the config stays
	APPLY_ASKS_CONFIRM, // what is on trial stays
};
struct apply_request {
	enum apply_asks what;
	const char *file;
	const char *set;  // or NULL
	int64_t revision; // 0: the one before
	unsigned confirm_sec;
	uint64_t flows_max; // that a plan judges; 0: the usual number
	// Of probation.h: once they have passed, what is on trial stays by itself; otherwise it
	// goes when its time is over, and the log says which failed. 0: somebody has to confirm it.
	// `confirm_name` is what a resolver is asked for; NULL or "": the root.
	unsigned probes;
	const char *confirm_name;
	struct apply_who who;
	apply_done_fn done;
	void *ctx;
};
struct apply_job *apply_begin(struct apply *apply, const struct apply_request *request);
// NULL: something of it is under way. Else as it was told to `done`, until apply_job_leave.
const struct apply_outcome *apply_job_outcome(const struct apply_job *job, int *rc);
const char *apply_job_doing(const struct apply_job *job); // "reading"
// Nobody will look at the config of the outcome again: it may be large, and another thread frees
// it.
void apply_job_told(struct apply *apply, struct apply_job *job);
// Nobody asks for the outcome any more; it goes on, and is freed at its end.
void apply_job_leave(struct apply_job *job);

bool apply_is_busy(const struct apply *apply); // something is under way

struct history *apply_history(const struct apply *apply); // or NULL
struct readings *apply_readings(const struct apply *apply);
int64_t apply_present(const struct apply *apply);
// How often another config came into force: what a plan speaks of is there while this is the same.
uint64_t apply_changes(const struct apply *apply);
// Of what is on trial; 0: nothing is.
int64_t apply_trial(const struct apply *apply, unsigned *left_sec);
