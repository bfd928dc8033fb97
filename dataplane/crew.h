// SPDX-License-Identifier: BSD-3-Clause
// The threads, and which of them runs which worker. There are as many workers for life: flows are
// divided among them by a function of their ports, so that no flow ever changes its owner. What
// changes is on how many cores they run: a worker goes from one thread to another between two of
// its turns, with its tables, queues, counters and timers. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/error.h"
#include "dataplane/dataplane.h"

struct thread;

// Twice as many as there are workers: all may move to other cores at once.
enum { CREW_MAX = 2 * DP_WORKERS_MAX, CREW_NOBODY = 255 };

struct crew {
	int cores[CREW_MAX];		// of each thread; -1: there is none
	uint8_t runner[DP_WORKERS_MAX]; // of each worker: the thread, or CREW_NOBODY
	struct thread *threads[CREW_MAX];
};

void crew_init(struct crew *crew); // no thread
// How it is to be with a thread on each of these cores (at least one, and no more than there are
// workers; a core named twice has two): `next` gets cores and runners, no threads. A thread stays
// where its core is named still, a worker with its thread; else it goes to one that has the fewest,
// and in the end none has two more than another.
void crew_arrange(const struct crew *now, const int *cores, unsigned n_cores, unsigned n_workers,
	struct crew *next);

int crew_start(struct dataplane *dp, struct error *err);
void crew_stop(struct dataplane *dp); // joins every thread; safe twice
