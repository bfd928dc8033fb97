// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/flow_kill.h"

#include <errno.h>
#include <stdlib.h>

#include "dataplane/conntrack.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/decision.h"
#include "dataplane/pipeline.h"
#include "dataplane/reset.h"

// --- the worker ---

// As its sender would have said it: it walks the way of any other packet of the flow. What the
// router itself would send is left to its own stack, which resets what it no longer knows.
static void reset_end(struct worker *w, const struct flow *flow, unsigned d)
{
	uint8_t iface = d == 0 ? flow->state.in_iface : flow->state.out_iface;
	struct rte_mbuf *m;

	if (iface == FLOW_IFACE_HOST || !w->snap->interfaces[iface].is_used)
		return;
	m = reset_of_flow(w, flow, d, &w->snap->interfaces[iface].mac);
	if (m != NULL)
		pipeline_owned(w, iface, &m, 1, true);
}

// Where its answers go, without asking what else has changed meanwhile: that would cut the flow
// before anybody is told.
static void lead_back(struct worker *w, struct flow *flow)
{
	struct flow_dir *dir = &flow->dir[1];
	struct flow_tuple back = flow_tuple_translated(dir);

	if (dir->flags & (FLOW_TO_HOST | FLOW_FROM_HOST))
		return;
	dir->nexthop = decide_way_back(w, flow, &back);
	dir->epoch = w->epoch;
}

// Where it left, the same: the far end is told from the address that it knows, if the interface is
// that of an uplink, whichever is used now.
static void lead_out(struct worker *w, struct flow *flow)
{
	struct flow_dir *dir = &flow->dir[0];
	uint16_t way =
		decide_own_way(w, flow->state.out_iface, flow_tuple_translated(dir).dst.family);

	if (way == NEXTHOP_NONE || (dir->flags & (FLOW_TO_HOST | FLOW_FROM_HOST)))
		return;
	dir->nexthop = way;
	dir->epoch = w->epoch;
}

static struct flow *find(struct worker *w, const struct flow_kill *kill)
{
	struct flow *flow = &w->flows.flows[kill->place];
	struct flow_tuple original;

	if (kill->place >= w->flows.n_touched || flow->state.state == FLOW_FREE)
		return NULL;
	original = flow_tuple_of(&flow->dir[0]);
	return flow_tuple_equal(&original, &kill->original) ? flow : NULL;
}

static bool end(struct worker *w, const struct flow_kill *kill)
{
	struct flow *flow = find(w, kill);

	if (flow == NULL)
		return false;
	if (kill->resets && flow->state.protocol == IPPROTO_TCP) {
		lead_back(w, flow);
		lead_out(w, flow);
		reset_end(w, flow, 1);
		flow = find(w, kill); // a policy or route that has changed may have cut it
		if (flow != NULL)
			reset_end(w, flow, 0);
		flow = find(w, kill);
	}
	if (flow != NULL)
		conntrack_end(w, flow);
	worker_count(w, COUNTER_FLOW_KILLED);
	return true;
}

void flow_kill_run(struct worker *w, struct flow_kills *kills)
{
	uint32_t tail = atomic_load_explicit(&kills->tail, memory_order_relaxed);
	uint32_t n = atomic_load_explicit(&kills->head, memory_order_acquire) - tail;
	uint64_t n_ended = atomic_load_explicit(&kills->n_ended, memory_order_relaxed);

	n = RTE_MIN(n, (uint32_t)FLOW_KILLS_PER_MS);
	for (uint32_t i = 0; i < n; i++)
		n_ended += end(w, &kills->list[(tail + i) % FLOW_KILLS_MAX]);
	atomic_store_explicit(&kills->n_ended, n_ended, memory_order_relaxed);
	atomic_store_explicit(&kills->tail, tail + n, memory_order_release);
}

// --- control ---

static struct flow_kills *kills_of(struct worker *w)
{
	struct flow_kills *kills = atomic_load(&w->kills);

	if (kills != NULL)
		return kills;
	kills = calloc(1, sizeof(*kills));
	atomic_store(&w->kills, kills);
	return kills;
}

static uint32_t waiting_of(const struct flow_kills *kills)
{
	return atomic_load_explicit(&kills->head, memory_order_relaxed) -
	       atomic_load_explicit(&kills->tail, memory_order_acquire);
}

int dataplane_flow_end(struct dataplane *dp, const struct dp_flow *flow, bool resets)
{
	struct worker *w;
	struct flow_kills *kills;
	uint32_t head;

	if (flow->worker >= dp->options.n_workers)
		return -EINVAL;
	w = &dp->workers[flow->worker];
	kills = kills_of(w);
	if (kills == NULL)
		return -ENOMEM;
	if (waiting_of(kills) == FLOW_KILLS_MAX)
		return -EAGAIN;
	head = atomic_load_explicit(&kills->head, memory_order_relaxed);
	kills->list[head % FLOW_KILLS_MAX] = (struct flow_kill){
		.original = {.src = flow->src,
			.dst = flow->dst,
			.sport_be = rte_cpu_to_be_16(flow->sport),
			.dport_be = rte_cpu_to_be_16(flow->dport),
			.protocol = flow->protocol,
			.kind = flow->kind},
		.place = flow->place,
		.resets = resets,
	};
	atomic_store_explicit(&kills->head, head + 1, memory_order_release);
	return 0;
}

bool dataplane_flows_ended(struct dataplane *dp, uint64_t *n)
{
	bool is_done = true;

	*n = 0;
	for (unsigned i = 0; i < dp->options.n_workers; i++) {
		struct worker *w = &dp->workers[i];
		const struct flow_kills *kills = atomic_load(&w->kills);

		if (kills == NULL)
			continue;
		if (waiting_of(kills) > 0) {
			is_done = false;
			worker_wake(w);
		}
		*n += atomic_load_explicit(&kills->n_ended, memory_order_relaxed);
	}
	return is_done;
}
