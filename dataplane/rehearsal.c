// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/rehearsal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <rte_cycles.h>
#include <rte_ring_elem.h>

#include "dataplane/conntrack.h"
#include "dataplane/fragment.h"
#include "dataplane/hold.h"
#include "dataplane/memory.h"
#include "dataplane/nat.h"
#include "dataplane/pipeline.h"
#include "drivers/port.h"

enum {
	REHEARSAL_FLOWS = 64,
	REHEARSAL_EVENTS = 64, // where they end: nobody reads them
	FLOW_LOOKS = 4,
};

// --- life ---

static int make_view(struct rehearsal *r)
{
	char name[RTE_RING_NAMESIZE];
	uint64_t seeds[2];

	if (getrandom(seeds, sizeof(seeds), 0) != sizeof(seeds))
		return -1;
	snprintf(name, sizeof(name), "rehearse_%zx", (size_t)r);
	memcpy(&r->view, r->dp, sizeof(r->view));
	r->view.events = rte_ring_create_elem(
		name, sizeof(struct dp_event), REHEARSAL_EVENTS, SOCKET_ID_ANY, RING_F_SC_DEQ);
	r->view.expected = expect_table_new(seeds);
	return r->view.events == NULL || r->view.expected == NULL ? -1 : 0;
}

static int make_worker(struct rehearsal *r)
{
	struct dataplane *view = &r->view;

	view->options.flow_capacity = REHEARSAL_FLOWS * view->options.n_workers;
	r->w = memory_map(sizeof(struct worker));
	// the same seeds: the others' tables are asked by hashes
	return r->w == NULL ? -1 : worker_init(r->w, view, 0, r->dp->workers[0].flows.seeds);
}

static struct rehearsal *rehearsal_new(struct dataplane *dp)
{
	struct rehearsal *r = aligned_alloc(
		RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(sizeof(*r), (size_t)RTE_CACHE_LINE_SIZE));

	if (r == NULL)
		return NULL;
	memset(r, 0, sizeof(*r));
	r->dp = dp;
	if (make_view(r) == 0 && make_worker(r) == 0)
		return r;
	rehearsal_free(r);
	return NULL;
}

struct rehearsal *rehearsal_of(struct dataplane *dp)
{
	if (dp->rehearsal == NULL)
		dp->rehearsal = rehearsal_new(dp);
	return dp->rehearsal;
}

void rehearsal_free(struct rehearsal *r)
{
	if (r == NULL)
		return;
	if (r->w != NULL) {
		worker_fini(r->w);
		memory_unmap(r->w, sizeof(struct worker));
	}
	rules_state_fini(&r->counts);
	rte_ring_free(r->view.events);
	expect_table_free(r->view.expected);
	free(r);
}

// --- up to date ---

static void renew_view(struct rehearsal *r)
{
	struct dataplane *view = &r->view;
	struct rte_ring *events = view->events;
	struct expect_table *expected = view->expected;

	memcpy(view, r->dp, sizeof(*view));
	view->events = events;
	view->event_fd = -1;
	view->expected = expected;
	view->observers = NULL;
	view->recorder = NULL;
	view->rehearsal = NULL;
}

static bool renew_policy(struct rehearsal *r, const struct compiled_policy *policy)
{
	memcpy(&r->policy, policy, sizeof(r->policy));
	memcpy(&r->rules, policy->rules, sizeof(r->rules));
	r->rules.only_looks_at_rates = true;
	r->policy.rules = &r->rules;
	rules_state_fini(&r->counts);
	r->of = NULL;
	if (rules_state_init(&r->counts, &r->rules) != 0)
		return false;
	for (unsigned i = 0; i < r->policy.n_workers; i++)
		r->policy.counts[i] = r->counts;
	r->of = policy;
	return true;
}

static bool renew_snapshot(struct rehearsal *r, const struct compiled_policy *policy)
{
	const struct snapshot *snap = atomic_load(&r->dp->snapshot);

	if (policy == NULL)
		policy = snap->policy;
	if (r->of != policy || r->snap.serial != snap->serial) {
		if (!renew_policy(r, policy))
			return false;
		memcpy(&r->snap, snap, sizeof(r->snap));
		r->snap.policy = &r->policy;
		snapshot_derive(&r->snap);
		for (unsigned i = 0; i < DP_INTERFACES_MAX; i++)
			r->snap.interfaces[i].n_txq = 0; // whatever happens, no port of anybody's
	}
	atomic_store(&r->policy.schedules, atomic_load(&policy->schedules));
	atomic_store(&r->view.snapshot, &r->snap);
	return true;
}

void rehearsal_leave(struct rehearsal *r)
{
	r->of = NULL;
}

bool rehearsal_begin(struct rehearsal *r, uint16_t index, const struct compiled_policy *policy)
{
	struct worker *w = r->w;

	renew_view(r);
	if (!renew_snapshot(r, policy))
		return false;
	w->snap = &r->snap;
	w->epoch = atomic_load(&r->dp->epoch);
	w->next_known = atomic_load(&r->dp->adjacencies.next_known);
	w->index = index;
	w->now_ms = (rte_rdtsc() - r->dp->start_tsc) / (rte_get_tsc_hz() / 1000);
	w->now_sec = (uint32_t)(w->now_ms / 1000);
	w->flows.wheel_sec = w->now_sec;
	w->refused_by = RULE_DEFAULT;
	memset(w->counters, 0, sizeof(w->counters));
	memset(&w->nat, 0, sizeof(w->nat));
	memset(w->punt_due, 0, sizeof(w->punt_due));
	worker_fill_budgets(w);
	return true;
}

// --- what it is lent ---

// Its worker may be writing: two looks that agree.
bool rehearsal_look(const struct flow *flow, struct flow *copy)
{
	struct flow again;

	memcpy(copy, flow, sizeof(*copy));
	for (unsigned i = 0; i < FLOW_LOOKS; i++) {
		memcpy(&again, flow, sizeof(again));
		if (memcmp(&again, copy, sizeof(again)) == 0)
			return copy->state.state != FLOW_FREE;
		*copy = again;
	}
	return copy->state.state != FLOW_FREE;
}

static bool has_it(const struct rehearsal *r, const struct flow *copy)
{
	struct flow_tuple original = flow_tuple_of(&copy->dir[0]);

	return flow_find(&r->w->flows, &original) != NULL;
}

// What links it to others of its table stays there.
static void take_state(struct flow *mine, const struct flow_state *state)
{
	mine->state.protocol = state->protocol;
	mine->state.in_iface = state->in_iface;
	mine->state.out_iface = state->out_iface;
	mine->state.tcp_seen = state->tcp_seen;
	mine->state.flags =
		state->flags & (uint8_t) ~(FLOW_HAS_EXTERNAL | FLOW_HAS_INTERNAL | FLOW_IS_MAPPED);
	mine->state.created_sec = state->created_sec;
	memcpy(mine->state.packets_high, state->packets_high, sizeof(state->packets_high));
	memcpy(mine->state.bytes_high, state->bytes_high, sizeof(state->bytes_high));
	mine->state.mark = state->mark;
	memcpy(mine->state.src_mac, state->src_mac, sizeof(state->src_mac));
	mine->state.dscp = state->dscp;
	mine->state.tcp_scales = state->tcp_scales;
}

void rehearsal_lend(struct rehearsal *r, const struct flow *flow)
{
	const struct flow_host_key nobody = {.kind = FLOW_HOST_ROUTER};
	struct worker *w = r->w;
	struct flow copy, *mine;

	if (flow == NULL || !rehearsal_look(flow, &copy) || has_it(r, &copy))
		return;
	mine = flow_alloc(&w->flows);
	if (mine == NULL)
		return;
	memcpy(mine->dir, copy.dir, sizeof(mine->dir));
	for (unsigned d = 0; d < 2; d++) // its session is with its worker
		mine->dir[d].flags &= (uint16_t)~FLOW_HAS_HELPER;
	take_state(mine, &copy.state);
	mine->state.host = flow_host_open(&w->flows, &nobody);
	flow_set_phase(&w->flows, mine, (enum flow_phase)copy.state.state);
	if (!flow_enter(&w->flows, mine, FLOW_NAME_ORIGINAL) ||
		!flow_enter(&w->flows, mine, FLOW_NAME_REPLY))
		conntrack_end(w, mine);
	else if (copy.state.flags & (FLOW_HAS_EXTERNAL | FLOW_HAS_INTERNAL))
		nat_flow_lent(w, mine, copy.state.flags);
}

void rehearsal_lend_called(struct rehearsal *r, const struct flow_tuple *packet)
{
	const struct worker *owner = &r->dp->workers[r->w->index];
	const struct flow_endpoint called = {
		.addr = packet->dst,
		.port_be = packet->dport_be,
		.protocol = packet->protocol,
	};

	if (r->policy.has_full_cones)
		rehearsal_lend(r, flow_find_endpoint(&owner->flows, &called, FLOW_NAME_EXTERNAL));
}

void rehearsal_lend_expected(struct rehearsal *r, const struct flow_tuple *packet)
{
	struct expectation expected;

	if (expect_find(r->dp->expected, packet, r->w->now_sec, &expected))
		expect_add(r->view.expected, &expected, r->w->now_sec);
}

// --- the walk ---

struct rte_mbuf *rehearsal_packet(const uint8_t *frame, uint16_t bytes)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(drivers_pool());
	char *data = m == NULL ? NULL : rte_pktmbuf_append(m, bytes);

	if (data == NULL) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	memcpy(data, frame, bytes);
	return m;
}

// As handed over to the worker that has its flow, or is to begin it.
void rehearsal_walk(struct rehearsal *r, uint8_t iface, struct rte_mbuf *m, bool is_from_host)
{
	if (is_from_host)
		pipeline_host(r->w, iface, &m, 1, true);
	else
		pipeline_owned(r->w, iface, &m, 1, true);
}

static void empty_ring(struct rte_ring *ring)
{
	void *m;

	while (rte_ring_dequeue(ring, &m) == 0)
		rte_pktmbuf_free(m);
}

void rehearsal_forget(struct rehearsal *r)
{
	struct worker *w = r->w;
	struct expectation left;

	for (uint32_t i = 0; i < w->flows.n_touched; i++) {
		struct flow *flow = &w->flows.flows[i];
		struct flow_tuple original;

		if (flow->state.state == FLOW_FREE)
			continue;
		original = flow_tuple_of(&flow->dir[0]);
		expect_take(r->view.expected, &original, w->now_sec, &left);
		conntrack_end(w, flow);
	}
}

// What the walk has put anywhere.
static void empty_buffers(struct rehearsal *r)
{
	struct dp_event event;
	struct worker *w = r->w;

	for (; w->tx_pending != 0; w->tx_pending &= w->tx_pending - 1) {
		struct tx_buffer *tx = &w->tx[__builtin_ctzll(w->tx_pending)];

		rte_pktmbuf_free_bulk(tx->pkts, tx->n);
		tx->n = 0;
	}
	for (; w->handover_pending != 0; w->handover_pending &= w->handover_pending - 1) {
		struct handover_buffer *to = &w->handover[__builtin_ctzll(w->handover_pending)];

		rte_pktmbuf_free_bulk(to->pkts, to->n);
		to->n = to->n_home = 0;
	}
	empty_ring(w->to_host);
	empty_ring(w->to_host_flows);
	empty_ring(w->to_host_urgent);
	while (rte_ring_sc_dequeue_elem(r->view.events, &event, sizeof(event)) == 0)
		;
	hold_free_all(w);
	memset(w->adjacency_used, 0, ADJACENCIES_MAX);
	w->host_signal = false;
}

void rehearsal_undo(struct rehearsal *r, struct flow *begun)
{
	empty_buffers(r);
	if (begun != NULL)
		conntrack_end(r->w, begun);
	memset(r->w->counters, 0, sizeof(r->w->counters));
	worker_fill_budgets(r->w);
}

void rehearsal_clear(struct rehearsal *r)
{
	struct worker *w = r->w;

	empty_buffers(r);
	w->now_ms += REASSEMBLY_TIMEOUT_MS;
	reassembly_tick(w);
	rehearsal_forget(r);
}
