// SPDX-License-Identifier: BSD-3-Clause
// One pinned thread and the workers whose turns it takes, one after the other. Control gives it
// workers and takes them away while it runs (crew.h): a worker is one thread's at a time, and what
// it owns goes with it. Control makes, starts and ends it.
#pragma once

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/worker.h"

enum { SLEEP_FDS_MAX = 1024 };

struct thread {
	struct dataplane *dp;
	unsigned index; // of the crew's
	int core;
	int wake_fd; // control's, to end its sleep
	pthread_t id;
	bool is_running; // control's
	_Atomic bool must_stop;
	_Atomic uint64_t given; // bits 1 << worker, as control wants it
	_Atomic uint64_t taken; // as it is

	// the thread's own
	struct worker *workers[DP_WORKERS_MAX];
	unsigned n_workers;
	bool is_busy;		 // never sleeps
	bool must_prepare;	 // sleep_fds: it has other workers than before
	uint32_t sleep_serial;	 // of the snapshot that sleep_fds was made of
	unsigned n_sleep_fds;	 // wake_fd, then one of each worker, then the queues
	bool can_be_woken;	 // by every queue of its workers
	uint64_t idle_since_tsc; // its first turn without work; 0: has work
	uint64_t idle_seen_tsc;	 // and the last one
	uint32_t poll_us;	 // how long it goes on without work before it sleeps
	uint32_t naps;		 // since it had work
	struct pollfd sleep_fds[SLEEP_FDS_MAX];
};

// It has no worker and does not run. NULL: no memory, or no file descriptor.
struct thread *thread_new(struct dataplane *dp, unsigned index, int core);
void thread_free(struct thread *t); // NULL is fine; it does not run any more
int thread_start(struct thread *t); // 0 or -errno
void thread_stop(struct thread *t); // it lets go of its workers, and ends; safe twice
// What it has from now on: takes effect at its next turn, and `taken` tells.
void thread_give(struct thread *t, uint64_t workers);

// The thread's own, here for tests that take its steps themselves: has those workers from now on.
void thread_follow(struct thread *t, uint64_t workers);
