// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/thread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include "dataplane/dataplane_internal.h"
#include "dataplane/sleep.h"

// --- which workers it has ---

static void let_go(struct thread *t, struct worker *w)
{
	rte_rcu_qsbr_thread_offline(t->dp->rcu, w->rcu_id);
	rte_rcu_qsbr_thread_unregister(t->dp->rcu, w->rcu_id);
}

static void take_up(struct thread *t, struct worker *w)
{
	rte_rcu_qsbr_thread_register(t->dp->rcu, w->rcu_id);
	rte_rcu_qsbr_thread_online(t->dp->rcu, w->rcu_id);
	t->workers[t->n_workers++] = w;
}

// Between two turns a worker has nothing at hand: what it was given waits in its queues and inbox.
// Whoever sees in `taken` that it has gone sees all that it did here.
void thread_follow(struct thread *t, uint64_t workers)
{
	uint64_t before = atomic_load_explicit(&t->taken, memory_order_relaxed);

	for (uint64_t gone = before & ~workers; gone != 0; gone &= gone - 1)
		let_go(t, &t->dp->workers[__builtin_ctzll(gone)]);
	t->n_workers = 0;
	for (uint64_t all = workers; all != 0; all &= all - 1) {
		struct worker *w = &t->dp->workers[__builtin_ctzll(all)];

		if (before & all & -all)
			t->workers[t->n_workers++] = w;
		else
			take_up(t, w);
	}
	t->must_prepare = true;
	atomic_store_explicit(&t->taken, workers, memory_order_release);
}

// --- its life ---

// Buffers in a cache that nobody uses any more would be missing for ever.
static void flush_cache(struct rte_mempool *pool, void *arg)
{
	rte_mempool_cache_flush(rte_mempool_default_cache(pool, rte_lcore_id()), pool);
}

static bool must_stop(const struct thread *t)
{
	return atomic_load_explicit(&t->must_stop, memory_order_relaxed) ||
	       atomic_load_explicit(&t->dp->must_stop, memory_order_relaxed);
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	struct dataplane *dp = t->dp;
	uint64_t tsc_per_ms = rte_get_tsc_hz() / 1000;

	prctl(PR_SET_TIMERSLACK, 1000); // ns: a short sleep is to be short
	rte_thread_register();		// a mempool cache of its own; it works without
	while (!must_stop(t)) {
		uint64_t given = atomic_load_explicit(&t->given, memory_order_acquire);
		uint64_t now_ms;
		unsigned n = 0;

		if (unlikely(given != atomic_load_explicit(&t->taken, memory_order_relaxed)))
			thread_follow(t, given);
		now_ms = (rte_rdtsc() - dp->start_tsc) / tsc_per_ms;
		for (unsigned i = 0; i < t->n_workers; i++)
			n += worker_turn(t->workers[i], now_ms);
		if (n > 0)
			sleep_idle_over(t);
		else
			sleep_when_idle(t);
	}
	thread_follow(t, 0);
	rte_mempool_walk(flush_cache, NULL);
	rte_thread_unregister();
	return NULL;
}

// --- control ---

struct thread *thread_new(struct dataplane *dp, unsigned index, int core)
{
	struct thread *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->dp = dp;
	t->index = index;
	t->core = core;
	t->is_busy = dp->options.is_busy;
	t->must_prepare = true;
	t->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (t->wake_fd < 0) {
		free(t);
		return NULL;
	}
	return t;
}

void thread_free(struct thread *t)
{
	if (t == NULL)
		return;
	close(t->wake_fd);
	free(t);
}

int thread_start(struct thread *t)
{
	char name[DP_WORKER_NAME_MAX + 1];
	pthread_attr_t attr;
	cpu_set_t set;
	int error;

	if (t->core < 0 || t->core >= CPU_SETSIZE)
		return -EINVAL;
	CPU_ZERO(&set);
	CPU_SET((size_t)t->core, &set);
	pthread_attr_init(&attr);
	error = pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	if (error == 0)
		error = pthread_create(&t->id, &attr, thread_main, t);
	pthread_attr_destroy(&attr);
	if (error != 0)
		return -error;
	snprintf(name, sizeof(name), "worker-%u", t->index);
	pthread_setname_np(t->id, name);
	t->is_running = true;
	return 0;
}

// It stays readable, so one that is about to sleep does not.
static void wake(struct thread *t)
{
	uint64_t one = 1;

	if (write(t->wake_fd, &one, sizeof(one)) < 0)
		return; // EAGAIN: it has been woken often enough
}

void thread_stop(struct thread *t)
{
	if (!t->is_running)
		return;
	atomic_store(&t->must_stop, true);
	wake(t);
	pthread_join(t->id, NULL);
	t->is_running = false;
}

void thread_give(struct thread *t, uint64_t workers)
{
	atomic_store_explicit(&t->given, workers, memory_order_release);
	wake(t);
}
