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

// Returns once the thread is held.
static inline void hold_writer(struct state_writer *its)
{
	sem_init(&held, 0, 0);
	sem_init(&let_go, 0, 0);
	if (state_writer_post(its, hold_run, hold_done, NULL) != 0)
		abort();
	sem_wait(&held);
}

static inline void release_writer(void)
{
	sem_post(&let_go);
}
