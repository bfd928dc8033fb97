// SPDX-License-Identifier: BSD-3-Clause
// One change of the config on its way: phases, of which those that take long may be another
// thread's while the loop goes on. Nothing of the router changes until the last one, and another
// job is refused meanwhile. For apply.c. Control thread.
#pragma once

#include "control/apply/apply.h"
#include "control/apply/dns_probe.h"
#include "control/apply/steps.h"

enum apply_job_kind {
	APPLY_PLAN = 0,
	APPLY_FILE,
	APPLY_BACK,  // to a revision
	APPLY_FILES, // of sets: the config stays
	APPLY_CONFIRM,
};

struct apply_job {
	struct apply *apply; // NULL: that has ended
	enum apply_job_kind kind;
	int64_t number; // of APPLY_BACK and APPLY_CONFIRM
	int64_t uid;	// -1: the daemon
	char program[64], why[HISTORY_WHY_MAX + 1];
	unsigned confirm_sec, probes;
	uint64_t flows_max;
	char confirm_name[DNS_PROBE_NAME_MAX + 1];
	bool is_lenient;
	char set[CFG_NAME_MAX + 1]; // of APPLY_FILES; "": those that have changed
	apply_done_fn done;	    // or NULL
	void *done_ctx;

	// as far as it is
	unsigned phase;
	int rc;
	int64_t before; // the revision that was in force
	int64_t noted;	// its own, in the history from before it takes effect; 0: none
	int64_t undone; // that was on trial, and is no more; 0: none
	struct source source;
	struct steps_ctx steps;
	struct apply_outcome outcome;
	bool is_done; // the outcome is there
	bool is_over; // nothing of it is under way any more
	bool is_left; // nobody asks for it any more
};

// All phases, while the loop goes on: returns at once.
void job_begin(struct apply_job *job);
// Its turn, that it asked for by apply_wants_turn.
void job_turn(struct apply_job *job);
// What is being done.
const char *job_phase_name(const struct apply_job *job);
// For its end, when it was never begun or apply has ended.
void job_fini(struct apply_job *job);

// Of apply.c.
struct errand *apply_errand(struct apply *apply);
struct router *apply_router(const struct apply *apply);
// It goes on when the loop has gone round. False: no memory.
bool apply_wants_turn(struct apply *apply);
// Is it what the router has?
bool apply_has(const struct apply *apply, uint64_t hash);
const char *apply_origin(const struct apply *apply); // the file that the daemon starts from
// It is in force, or has failed: what follows from that.
void apply_settle(struct apply *apply, struct apply_job *job);
// Nothing is under way any more.
void apply_job_over(struct apply *apply, struct apply_job *job);
