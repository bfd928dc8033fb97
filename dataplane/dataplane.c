// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dataplane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <rte_malloc.h>
#include <rte_ring_elem.h>

#include "dataplane/address_kind.h"
#include "dataplane/compiled_policy.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/grace.h"
#include "dataplane/helper.h"
#include "dataplane/memory.h"
#include "dataplane/parse.h"
#include "dataplane/recorder.h"
#include "dataplane/rehearsal.h"

enum { STALL_MS = 1000 };

uint64_t dataplane_heap_bytes(const struct dataplane_options *options)
{
	// hash buckets and keys take about as much as the adjacencies; rings and fragment table,
	// of the one who rehearses as well
	return fib_memory_bytes(options->routes4_max, options->routes6_max) +
	       4 * ADJACENCIES_MAX * sizeof(struct adjacency) +
	       (options->n_workers + 1) * ((UINT64_C(2) << 20) + helper_sessions_bytes());
}

uint64_t dataplane_memory_bytes(const struct dataplane_options *options)
{
	uint32_t capacity = options->flow_capacity / RTE_MAX(options->n_workers, 1u);

	return dataplane_heap_bytes(options) + rate_table_bytes(RATE_SOURCES_DEFAULT) +
	       expect_table_bytes() +
	       options->n_workers * (flow_table_bytes(capacity) + sizeof(struct worker) +
					    recorder_bytes(&options->recorder));
}

static struct rte_rcu_qsbr *rcu_new(unsigned n_threads)
{
	size_t bytes = rte_rcu_qsbr_get_memsize(n_threads);
	struct rte_rcu_qsbr *rcu = rte_zmalloc("rcu", bytes, RTE_CACHE_LINE_SIZE);

	if (rcu != NULL && rte_rcu_qsbr_init(rcu, n_threads) != 0) {
		rte_free(rcu);
		return NULL;
	}
	return rcu;
}

static int workers_init(struct dataplane *dp)
{
	uint64_t seeds[2];
	int error;

	if (getrandom(seeds, sizeof(seeds), 0) != sizeof(seeds))
		return -EIO;
	for (unsigned i = 0; i < dp->options.n_workers; i++) {
		error = worker_init(&dp->workers[i], dp, i, seeds);
		if (error != 0)
			return error;
	}
	return 0;
}

// All is open until control says otherwise.
static int policy_init(struct dataplane *dp, struct error *err)
{
	const struct dp_policy open = dp_policy_open();
	uint64_t seeds[2];

	if (getrandom(seeds, sizeof(seeds), 0) != sizeof(seeds))
		return error_set(err, "no random numbers: %s", strerror(errno));
	dp->rates = rate_table_new(RATE_SOURCES_DEFAULT, seeds);
	if (dp->rates == NULL)
		return error_set(err, "no memory for the rates of sources");
	dp->expected = expect_table_new(seeds);
	if (dp->expected == NULL)
		return error_set(err, "no memory for what helpers expect");
	dp->snapshot->policy = compiled_policy_new(dp, &open, err);
	return dp->snapshot->policy != NULL ? 0 : -1;
}

struct dataplane *dataplane_new(const struct dataplane_options *options, struct error *err)
{
	struct dataplane *dp;
	char name[RTE_RING_NAMESIZE];
	int error = -ENOMEM;

	if (options->n_workers == 0 || options->n_workers > DP_WORKERS_MAX) {
		error_set(err, "%u workers: there must be 1 to %d", options->n_workers,
			DP_WORKERS_MAX);
		return NULL;
	}
	if (options->n_cores > options->n_workers) {
		error_set(err, "%u cores for %u workers", options->n_cores, options->n_workers);
		return NULL;
	}
	dp = calloc(1, sizeof(*dp));
	if (dp == NULL)
		goto failed;
	dp->options = *options;
	if (options->n_cores == 0)
		dp->options.n_cores = options->n_workers;
	crew_init(&dp->crew);
	dp->event_fd = -1;
	dp->host.epoll_fd = dp->host.wake_fd = -1;
	dp->epoch = 1;
	dp->snapshot = calloc(1, sizeof(struct snapshot));
	dp->rcu = rcu_new(options->n_workers + 1);
	dp->workers = memory_map(sizeof(struct worker) * options->n_workers);
	// Rings have names; several routers in one process must not meet.
	snprintf(name, sizeof(name), "events_%zx", (size_t)dp);
	dp->events = rte_ring_create_elem(
		name, sizeof(struct dp_event), EVENT_RING_SIZE, SOCKET_ID_ANY, RING_F_SC_DEQ);
	if (dp->snapshot == NULL || dp->rcu == NULL || dp->workers == NULL || dp->events == NULL)
		goto failed;
	dp->start_tsc = rte_rdtsc();
	error = policy_init(dp, err);
	if (error != 0) {
		dataplane_free(dp);
		return NULL;
	}
	snapshot_fill_odd_sources(dp->snapshot);
	error = -ENOMEM;
	error = fib_init(&dp->fib, options->routes4_max, options->routes6_max);
	if (error != 0)
		goto failed;
	dp->fib.rcu = dp->rcu;
	error = adjacency_table_init(&dp->adjacencies, dp->rcu);
	if (error != 0)
		goto failed;
	error = workers_init(dp);
	if (error != 0)
		goto failed;
	error = observers_init(dp);
	if (error != 0)
		goto failed;
	dp->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	error = dp->event_fd < 0 ? -errno : host_init(&dp->host, dp);
	if (error != 0)
		goto failed;
	return dp;

failed:
	error_set(err, "no room for the tables of %u workers and %u flows (%lu MiB): %s",
		options->n_workers, options->flow_capacity,
		(unsigned long)(dataplane_memory_bytes(options) >> 20), strerror(-error));
	dataplane_free(dp);
	return NULL;
}

void dataplane_free(struct dataplane *dp)
{
	if (dp == NULL)
		return;
	dataplane_stop(dp);
	observers_free(dp);
	rehearsal_free(dp->rehearsal);
	host_fini(&dp->host);
	if (dp->event_fd >= 0)
		close(dp->event_fd);
	if (dp->workers != NULL)
		for (unsigned i = 0; i < dp->options.n_workers; i++)
			worker_fini(&dp->workers[i]);
	adjacency_table_fini(&dp->adjacencies);
	fib_fini(&dp->fib);
	rte_ring_free(dp->events);
	memory_unmap(dp->workers, sizeof(struct worker) * dp->options.n_workers);
	rte_free(dp->rcu);
	if (dp->snapshot != NULL)
		compiled_policy_free(dp->snapshot->policy);
	for (unsigned i = 0; i < DP_TIMED_SETS_MAX; i++)
		timed_set_free(dp->timed[i]);
	rate_table_free(dp->rates);
	expect_table_free(dp->expected);
	free(dp->snapshot);
	free(dp);
}

int dataplane_start(struct dataplane *dp, struct error *err)
{
	int error = host_start(&dp->host);

	if (error != 0)
		return error_set(err, "cannot start the host thread: %s", strerror(-error));
	if (crew_start(dp, err) != 0) {
		dataplane_stop(dp);
		return -1;
	}
	dp->is_started = true;
	return 0;
}

void dataplane_stop(struct dataplane *dp)
{
	atomic_store(&dp->must_stop, true);
	crew_stop(dp);
	host_join(&dp->host);
	dp->is_started = false;
}

struct worker *dataplane_worker(struct dataplane *dp, unsigned index)
{
	struct worker *w = &dp->workers[index];

	if (!w->is_running)
		worker_refresh(w);
	return w;
}

uint32_t dataplane_now_sec(const struct dataplane *dp)
{
	return (uint32_t)((rte_rdtsc() - dp->start_tsc) / rte_get_tsc_hz());
}

void dataplane_next_epoch(struct dataplane *dp)
{
	atomic_fetch_add_explicit(&dp->epoch, 1, memory_order_release);
}

void dataplane_synchronize(struct dataplane *dp)
{
	uint64_t token = rte_rcu_qsbr_start(dp->rcu);

	if (grace_spin(dp->rcu, token))
		return;
	host_hurry(&dp->host);
	grace_wait(dp->rcu, token);
	host_ease(&dp->host);
}

// --- events ---

void dataplane_raise(struct worker *w, const struct dp_event *event)
{
	uint64_t one = 1;

	if (rte_ring_mp_enqueue_elem(w->dp->events, (void *)(uintptr_t)event, sizeof(*event)) != 0)
		worker_count(w, COUNTER_EVENT_LOST);
	else if (write(w->dp->event_fd, &one, sizeof(one)) < 0)
		return; // EAGAIN: it is readable already
}

void dataplane_raise_minor(struct worker *w, const struct dp_event *event)
{
	if (rte_ring_free_count(w->dp->events) <= EVENT_RING_SIZE / 2 ||
		!token_take(&w->minor_budget))
		worker_count(w, COUNTER_EVENT_LOST);
	else
		dataplane_raise(w, event);
}

int dataplane_event_fd(const struct dataplane *dp)
{
	return dp->event_fd;
}

bool dataplane_event_next(struct dataplane *dp, struct dp_event *out)
{
	uint64_t count;

	if (rte_ring_sc_dequeue_elem(dp->events, out, sizeof(*out)) == 0)
		return true;
	if (read(dp->event_fd, &count, sizeof(count)) < 0)
		return false;
	// one more may have come between the empty ring and the read
	return rte_ring_sc_dequeue_elem(dp->events, out, sizeof(*out)) == 0;
}

void dataplane_watch(struct dataplane *dp, uint64_t now_ms, dp_worker_fn fn, void *ctx)
{
	for (unsigned i = 0; i < dp->options.n_workers; i++) {
		struct worker *w = &dp->workers[i];
		uint64_t heartbeat = atomic_load_explicit(&w->heartbeat, memory_order_relaxed);
		struct dp_worker_news news = {.worker = i, .core = atomic_load(&w->core)};

		if (!w->is_running)
			continue;
		if (w->watched_ms != 0)
			news.stalled_ms = (uint32_t)(now_ms - w->watched_ms);
		if (heartbeat != w->watched_heartbeat || w->watched_ms == 0) {
			w->watched_heartbeat = heartbeat;
			w->watched_ms = now_ms;
		} else {
			news.is_stalled = news.stalled_ms >= STALL_MS;
			if (!news.is_stalled)
				continue;
		}
		if (news.is_stalled == w->is_stalled)
			continue;
		w->is_stalled = news.is_stalled;
		fn(ctx, &news);
	}
}
