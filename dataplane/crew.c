// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/crew.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include <rte_pause.h>

#include "dataplane/dataplane_internal.h"
#include "dataplane/thread.h"

enum { CREW_SPINS = 1000 }; // as grace.h's: one that shares our core is let go first

void crew_init(struct crew *crew)
{
	memset(crew, 0, sizeof(*crew));
	memset(crew->runner, CREW_NOBODY, sizeof(crew->runner));
	for (unsigned i = 0; i < CREW_MAX; i++)
		crew->cores[i] = -1;
}

// --- who runs where ---

// A thread of that core that is there and not yet spoken for, or a free place.
static unsigned place_for(const struct crew *now, const struct crew *next, int core)
{
	unsigned place = 0;

	while (place < CREW_MAX - 1 && (now->cores[place] != core || next->cores[place] >= 0))
		place++;
	return place;
}

static void arrange_threads(
	const struct crew *now, const int *cores, unsigned n_cores, struct crew *next)
{
	bool has_place[CREW_MAX] = {false};

	for (unsigned i = 0; i < n_cores; i++) {
		unsigned place = place_for(now, next, cores[i]);

		has_place[i] = now->cores[place] == cores[i] && next->cores[place] < 0;
		if (has_place[i])
			next->cores[place] = cores[i];
	}
	for (unsigned i = 0; i < n_cores; i++)
		if (!has_place[i])
			next->cores[place_for(now, next, -1)] = cores[i];
}

// The first with the fewest workers, or the last with the most.
static uint8_t emptiest(const struct crew *crew, const unsigned *n)
{
	uint8_t best = CREW_NOBODY;

	for (uint8_t i = 0; i < CREW_MAX; i++)
		if (crew->cores[i] >= 0 && (best == CREW_NOBODY || n[i] < n[best]))
			best = i;
	return best;
}

static uint8_t fullest(const struct crew *crew, const unsigned *n)
{
	uint8_t best = CREW_NOBODY;

	for (uint8_t i = 0; i < CREW_MAX; i++)
		if (crew->cores[i] >= 0 && (best == CREW_NOBODY || n[i] >= n[best]))
			best = i;
	return best;
}

static void arrange_workers(const struct crew *now, unsigned n_workers, struct crew *next)
{
	unsigned n[CREW_MAX] = {0};

	for (unsigned i = 0; i < n_workers; i++) {
		uint8_t runner = now->runner[i];

		if (runner != CREW_NOBODY && now->cores[runner] == next->cores[runner]) {
			next->runner[i] = runner;
			n[runner]++;
		}
	}
	for (unsigned i = 0; i < n_workers; i++)
		if (next->runner[i] == CREW_NOBODY) {
			next->runner[i] = emptiest(next, n);
			n[next->runner[i]]++;
		}
	while (n[fullest(next, n)] > n[emptiest(next, n)] + 1) {
		uint8_t from = fullest(next, n), to = emptiest(next, n);
		unsigned last = n_workers - 1;

		while (next->runner[last] != from)
			last--;
		next->runner[last] = to;
		n[from]--;
		n[to]++;
	}
}

void crew_arrange(const struct crew *now, const int *cores, unsigned n_cores, unsigned n_workers,
	struct crew *next)
{
	crew_init(next);
	arrange_threads(now, cores, n_cores, next);
	arrange_workers(now, n_workers, next);
}

// --- threads ---

static void end_thread(struct crew *crew, unsigned i)
{
	thread_stop(crew->threads[i]);
	thread_free(crew->threads[i]);
	crew->threads[i] = NULL;
}

// The threads that `next` has and the crew has not, with nothing to do. 0, or -1 and none of them.
static int begin_threads(struct dataplane *dp, struct crew *next, struct error *err)
{
	for (unsigned i = 0; i < CREW_MAX; i++) {
		int error = -ENOMEM;

		next->threads[i] = next->cores[i] >= 0 ? dp->crew.threads[i] : NULL;
		if (next->cores[i] < 0 || next->threads[i] != NULL)
			continue;
		next->threads[i] = thread_new(dp, i, next->cores[i]);
		if (next->threads[i] != NULL)
			error = thread_start(next->threads[i]);
		if (error == 0)
			continue;
		error_set(err, "cannot start a thread for workers on core %d: %s", next->cores[i],
			strerror(-error));
		thread_free(next->threads[i]);
		while (i-- > 0)
			if (next->threads[i] != NULL && dp->crew.threads[i] == NULL)
				end_thread(next, i);
		return -1;
	}
	return 0;
}

static void wait_until(struct thread *t, uint64_t mask, uint64_t is)
{
	for (unsigned n = 0; (atomic_load_explicit(&t->taken, memory_order_acquire) & mask) != is;
		n++) {
		if (n < CREW_SPINS)
			rte_pause();
		else
			sched_yield();
	}
}

// It misses no more than the turn that it goes.
static void move(struct dataplane *dp, unsigned worker, struct thread *from, struct thread *to)
{
	uint64_t bit = UINT64_C(1) << worker;

	if (from != NULL) {
		thread_give(from, atomic_load(&from->given) & ~bit);
		wait_until(from, bit, 0);
	}
	atomic_store(&dp->workers[worker].core, to->core);
	thread_give(to, atomic_load(&to->given) | bit);
	wait_until(to, bit, bit);
}

// One at a time, so that all the others go on meanwhile.
static void move_workers(struct dataplane *dp, const struct crew *next)
{
	for (unsigned i = 0; i < dp->options.n_workers; i++) {
		uint8_t from = dp->crew.runner[i], to = next->runner[i];

		if (from != to)
			move(dp, i, from == CREW_NOBODY ? NULL : dp->crew.threads[from],
				next->threads[to]);
	}
}

static int change(struct dataplane *dp, const int *cores, unsigned n, struct error *err)
{
	struct crew next;

	crew_arrange(&dp->crew, cores, n, dp->options.n_workers, &next);
	if (begin_threads(dp, &next, err) != 0)
		return -1;
	move_workers(dp, &next);
	for (unsigned i = 0; i < CREW_MAX; i++)
		if (dp->crew.threads[i] != NULL && next.threads[i] == NULL)
			end_thread(&dp->crew, i);
	dp->crew = next;
	return 0;
}

int crew_start(struct dataplane *dp, struct error *err)
{
	if (change(dp, dp->options.cores, dp->options.n_cores, err) != 0)
		return -1;
	for (unsigned i = 0; i < dp->options.n_workers; i++)
		dp->workers[i].is_running = true;
	return 0;
}

void crew_stop(struct dataplane *dp)
{
	for (unsigned i = 0; i < CREW_MAX; i++)
		if (dp->crew.threads[i] != NULL)
			end_thread(&dp->crew, i);
	crew_init(&dp->crew);
	for (unsigned i = 0; dp->workers != NULL && i < dp->options.n_workers; i++)
		dp->workers[i].is_running = false;
}

int dataplane_cores_set(struct dataplane *dp, const int *cores, unsigned n, struct error *err)
{
	if (n == 0 || n > dp->options.n_workers)
		return error_set(err, "%u cores: there must be 1 to %u, as many as workers", n,
			dp->options.n_workers);
	if (dp->is_started && change(dp, cores, n, err) != 0)
		return -1;
	memcpy(dp->options.cores, cores, n * sizeof(*cores));
	dp->options.n_cores = n;
	return 0;
}
