// SPDX-License-Identifier: BSD-3-Clause
// What is asked about configs and changes none, such as what differs between two: done by a thread
// of its own while the loop goes on, beside what changes the config (job.h), one after the other in
// the order they were asked. A config that is looked at stays until it is no longer, whatever has
// come into force meanwhile. Control thread.
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "cfg/config.h"

// What is done, as the first member of what it is done with.
struct reading {
	const struct reading_kind *kind;
	// its own
	struct readings *readings; // NULL: those have ended
	enum reading_state { READING_WAITS = 0, READING_RUNS, READING_DONE } state;
	bool is_left;
	TAILQ_ENTRY(reading) place;
};

struct reading_kind {
	// Its turn has come: takes what it needs of the router. False: there is nothing to run.
	bool (*begin)(struct reading *reading);
	// The other thread's; `present` is what was in force at its turn.
	void (*run)(struct reading *reading, const struct config *present);
	void (*free)(struct reading *reading);
};

// So many answers are there at a time, each as large as a config: until their clients have them,
// others wait.
enum { READINGS_HELD_MAX = 8 };

struct readings;

// `present` is where the config in force is found, at any time. NULL: no memory.
struct readings *readings_new(struct event_base *base, struct config *const *present);
void readings_free(struct readings *readings); // waits for the one that runs; NULL is fine

// It is kind->free's from now on, when nobody asks for it any more.
void reading_begin(
	struct readings *readings, const struct reading_kind *kind, struct reading *reading);
bool reading_is_done(const struct reading *reading);
// Nobody asks for it any more: freed now, or when it has run. NULL is fine.
void reading_leave(struct reading *reading);

// Nobody has the config any more: it is freed by the thread. NULL is fine.
void readings_discard(struct readings *readings, struct config *config);
// The config is no longer in force. One that is looked at goes over to the readings, which free it
// later: NULL then; otherwise it is given back.
struct config *readings_release(struct readings *readings, struct config *config);
