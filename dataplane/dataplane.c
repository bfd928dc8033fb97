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
#include "dataplane/dataplane_internal.h"
#include "dataplane/memory.h"
#include "dataplane/parse.h"

enum { STALL_MS = 1000 };

uint64_t dataplane_heap_bytes(const struct dataplane_options *options)
{
	// hash buckets and keys take about as much as the adjacencies; rings and fragment table
	return fib_memory_bytes(options->routes4_max, options->routes6_max) +
	       4 * ADJACENCIES_MAX * sizeof(struct adjacency) +
	       options->n_workers * (UINT64_C(2) << 20);
}

uint64_t dataplane_memory_bytes(const struct dataplane_options *options)
{
	uint32_t capacity = options->flow_capacity / RTE_MAX(options->n_workers, 1u);

	return dataplane_heap_bytes(options) +
	       options->n_workers * (flow_table_bytes(capacity) + sizeof(struct worker));
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

static void snapshot_fill_odd_sources(struct snapshot *snap)
{
	memset(snap->odd_sources4, 0, sizeof(snap->odd_sources4));
	memset(snap->odd_sources6, 0, sizeof(snap->odd_sources6));
	for (uint32_t first = 0; first < 256; first++)
		snap->odd_sources4[0][first] =
			ip4_source_is_bad(first) || first == IP4_LINK_LOCAL_FIRST;
	for (unsigned i = 0; i < DP_INTERFACES_MAX; i++) {
		const struct interface *iface = &snap->interfaces[i];

		for (unsigned k = 0; iface->is_used && k < iface->n_addresses; k++) {
			const struct ip_addr *addr = &iface->addresses[k].addr;

			if (addr->family == IP_V6)
				snap->odd_sources6[source_byte6(addr->v6)] = 1;
			else
				snap->odd_sources4[1][addr->v4[3]] = 1;
		}
	}
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
	dp = calloc(1, sizeof(*dp));
	if (dp == NULL)
		goto failed;
	dp->options = *options;
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
	snapshot_fill_odd_sources(dp->snapshot);
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
	free(dp->snapshot);
	free(dp);
}

int dataplane_start(struct dataplane *dp, struct error *err)
{
	int error = host_start(&dp->host);

	if (error != 0)
		return error_set(err, "cannot start the host thread: %s", strerror(-error));
	for (unsigned i = 0; i < dp->options.n_workers; i++) {
		error = worker_start(&dp->workers[i]);
		if (error != 0) {
			dataplane_stop(dp);
			return error_set(err, "cannot start worker %u on core %d: %s", i,
				dp->options.cores[i], strerror(-error));
		}
	}
	dp->is_started = true;
	return 0;
}

void dataplane_stop(struct dataplane *dp)
{
	atomic_store(&dp->must_stop, true);
	if (dp->workers != NULL)
		for (unsigned i = 0; i < dp->options.n_workers; i++)
			worker_wake(&dp->workers[i]);
	if (dp->workers != NULL)
		for (unsigned i = 0; i < dp->options.n_workers; i++)
			worker_join(&dp->workers[i]);
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

void dataplane_next_epoch(struct dataplane *dp)
{
	atomic_fetch_add_explicit(&dp->epoch, 1, memory_order_release);
}

void dataplane_synchronize(struct dataplane *dp)
{
	rte_rcu_qsbr_synchronize(dp->rcu, RTE_QSBR_THRID_INVALID);
}

// --- the snapshot ---

static struct snapshot *snapshot_copy(struct dataplane *dp)
{
	struct snapshot *copy = malloc(sizeof(*copy));

	if (copy != NULL)
		*copy = *atomic_load(&dp->snapshot);
	return copy;
}

// What follows from the rest, so that a worker need not work it out.
static void snapshot_derive(struct snapshot *snap)
{
	snap->n_ids = 0;
	snap->tracks = snap->policy.n_masquerades > 0;
	for (unsigned i = 0; i < DP_INTERFACES_MAX; i++) {
		snap->interfaces[i].is_masqueraded = false;
		if (snap->interfaces[i].is_used)
			snap->ids[snap->n_ids++] = (uint8_t)i;
	}
	for (unsigned i = 0; i < snap->policy.n_masquerades; i++)
		snap->interfaces[snap->policy.masquerades[i].interface].is_masqueraded = true;
}

static void snapshot_publish(struct dataplane *dp, struct snapshot *snap)
{
	struct snapshot *old;

	snap->serial++;
	snapshot_derive(snap);
	old = atomic_exchange(&dp->snapshot, snap);
	dataplane_next_epoch(dp);
	dataplane_synchronize(dp);
	for (unsigned i = 0; i < dp->options.n_workers; i++) {
		dataplane_worker(dp, i);
		worker_wake(&dp->workers[i]); // its sleep depends on the interfaces there are
	}
	free(old);
}

static bool interface_exists(const struct dataplane *dp, int id)
{
	return id >= 0 && id < DP_INTERFACES_MAX && dp->snapshot->interfaces[id].is_used;
}

static void interface_fill(
	struct interface *iface, const struct dp_interface *from, unsigned n_workers)
{
	uint8_t start[8] = {0};

	memset(iface, 0, sizeof(*iface));
	snprintf(iface->name, sizeof(iface->name), "%s", from->name);
	iface->is_used = iface->is_up = true;
	iface->is_outside = from->is_outside;
	iface->mtu = from->mtu;
	iface->dpdk_port = UINT16_MAX;
	iface->port = from->port;
	if (from->port != NULL) {
		const struct port_info *info = port_info(from->port);

		iface->dpdk_port = info->dpdk_port;
		iface->n_rxq = info->n_rxq;
		iface->n_txq = info->n_txq;
		// bucket and worker agree only where each worker has its queue
		iface->steers_by_rss = info->steers_by_rss && info->n_rxq == n_workers;
	}
	memcpy(iface->mac.addr_bytes, from->mac.bytes, sizeof(from->mac.bytes));
	memcpy(start, from->mac.bytes, sizeof(from->mac.bytes));
	memcpy(&iface->mac_word, start, sizeof(start));
	iface->mac_word <<= 16;
}

int dataplane_interface_add(struct dataplane *dp, const struct dp_interface *iface)
{
	struct snapshot *snap = snapshot_copy(dp);
	int id = 0;

	if (snap == NULL)
		return -ENOMEM;
	while (id < DP_INTERFACES_MAX && snap->interfaces[id].is_used)
		id++;
	if (id == DP_INTERFACES_MAX) {
		free(snap);
		return -ENOSPC;
	}
	interface_fill(&snap->interfaces[id], iface, dp->options.n_workers);
	if (iface->tap_fd >= 0) {
		int error = host_add_tap(&dp->host, (uint8_t)id, iface->tap_fd);

		if (error != 0) {
			free(snap);
			return error;
		}
	}
	snapshot_publish(dp, snap);
	return id;
}

// A copy in which interface `id` may be changed; NULL and -errno when there is none.
static struct snapshot *snapshot_for_interface(struct dataplane *dp, int id, int *error)
{
	struct snapshot *snap = interface_exists(dp, id) ? snapshot_copy(dp) : NULL;

	if (snap == NULL)
		*error = interface_exists(dp, id) ? -ENOMEM : -ENOENT;
	return snap;
}

int dataplane_interface_remove(struct dataplane *dp, int id)
{
	int error = 0;
	struct snapshot *snap = snapshot_for_interface(dp, id, &error);

	if (snap == NULL)
		return error;
	memset(&snap->interfaces[id], 0, sizeof(snap->interfaces[id]));
	host_remove_tap(&dp->host, (uint8_t)id);
	snapshot_publish(dp, snap);
	for (uint16_t i = 0; i < ADJACENCIES_MAX; i++) {
		struct adjacency *adj = &dp->adjacencies.entries[i];

		if (adjacency_state(adj) != ADJACENCY_FREE && adj->iface == id)
			dataplane_neighbour_delete(dp, id, &adj->addr);
	}
	return 0;
}

int dataplane_interface_set_link(struct dataplane *dp, int id, bool is_up)
{
	int error = 0;
	struct snapshot *snap = snapshot_for_interface(dp, id, &error);

	if (snap == NULL)
		return error;
	snap->interfaces[id].is_up = is_up;
	snapshot_publish(dp, snap);
	return 0;
}

int dataplane_interface_set_mtu(struct dataplane *dp, int id, uint16_t mtu)
{
	int error = 0;
	struct snapshot *snap = snapshot_for_interface(dp, id, &error);

	if (snap == NULL)
		return error;
	snap->interfaces[id].mtu = mtu;
	for (unsigned i = 0; i < ADJACENCIES_MAX; i++)
		if (dp->adjacencies.entries[i].iface == id)
			dp->adjacencies.entries[i].mtu = mtu;
	snapshot_publish(dp, snap);
	return 0;
}

// The first of each family is the primary one. A link-local address is no answer to anybody
// beyond its link.
static void interface_fill_addresses(
	struct interface *iface, const struct ip_prefix *addresses, unsigned n)
{
	iface->primary4_be = 0;
	iface->has_primary6 = false;
	iface->n_addresses = n;
	memset(iface->primary6, 0, sizeof(iface->primary6));
	for (unsigned i = 0; i < n; i++) {
		const struct ip_addr *addr = &addresses[i].addr;

		iface->addresses[i] = addresses[i];
		if (addr->family == IP_V4 && iface->primary4_be == 0)
			memcpy(&iface->primary4_be, addr->v4, 4);
		if (addr->family == IP_V6 && !iface->has_primary6 && !ip_addr_is_link_local(addr)) {
			memcpy(iface->primary6, addr->v6, 16);
			iface->has_primary6 = true;
		}
	}
}

int dataplane_interface_set_addresses(
	struct dataplane *dp, int id, const struct ip_prefix *addresses, unsigned n)
{
	int error = 0;
	struct snapshot *snap;

	if (n > DP_INTERFACE_ADDRESSES_MAX)
		return -E2BIG;
	snap = snapshot_for_interface(dp, id, &error);
	if (snap == NULL)
		return error;
	interface_fill_addresses(&snap->interfaces[id], addresses, n);
	snapshot_fill_odd_sources(snap);
	snapshot_publish(dp, snap);
	return 0;
}

int dataplane_policy_set(struct dataplane *dp, const struct dp_policy *policy)
{
	struct snapshot *snap;

	if (policy->n_masquerades > DP_MASQUERADES_MAX)
		return -E2BIG;
	for (unsigned i = 0; i < policy->n_masquerades; i++)
		if (!interface_exists(dp, policy->masquerades[i].interface) ||
			policy->masquerades[i].n_sources > DP_MASQUERADE_SOURCES_MAX)
			return -EINVAL;
	snap = snapshot_copy(dp);
	if (snap == NULL)
		return -ENOMEM;
	snap->policy = *policy;
	snapshot_publish(dp, snap);
	return 0;
}

// --- events ---

void dataplane_raise(struct dataplane *dp, const struct dp_event *event)
{
	uint64_t one = 1;

	if (rte_ring_mp_enqueue_elem(dp->events, (void *)(uintptr_t)event, sizeof(*event)) == 0 &&
		write(dp->event_fd, &one, sizeof(one)) < 0)
		return; // EAGAIN: it is readable already
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
		struct dp_worker_news news = {.worker = i};

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
