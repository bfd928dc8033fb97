// SPDX-License-Identifier: BSD-3-Clause
// A state file's thread that a test holds up, as a slow disk does: what is posted meanwhile waits.
// Include it in one file of a test.
#pragma once

#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>

#include "control/state_writer.h"

static sem_t held, let_go;
static unsigned n_held_told;

static inline void hold_run(void *ctx)
{
	sem_post(&held);
	sem_wait(&let_go);
}

static inline void hold_done(void *ctx)
{
	n_held_told++;
}

static inline void post_hold(struct state_writer *its)
{
	if (state_writer_post(its, hold_run, hold_done, NULL) != 0)
		abort();
}

// Returns once the thread is held.
static inline void hold_writer(struct state_writer *its)
{
	sem_init(&held, 0, 0);
	sem_init(&let_go, 0, 0);
	post_hold(its);
	sem_wait(&held);
}

// Lets it do what was posted since, and holds it there again; none of it is told by that.
static inline void move_hold(struct state_writer *its)
{
	post_hold(its);
	sem_post(&let_go);
	sem_wait(&held);
}

// Also at the end of a test, which may have failed before it came to that.
static inline void release_writer(void)
{
	sem_post(&let_go);
}
