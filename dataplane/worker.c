// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>

#include "dataplane/conntrack.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/flow_cut.h"
#include "dataplane/flow_kill.h"
#include "dataplane/fragment.h"
#include "dataplane/helper.h"
#include "dataplane/hold.h"
#include "dataplane/host.h"
#include "dataplane/observe.h"
#include "dataplane/owner.h"
#include "dataplane/pipeline.h"
#include "dataplane/vlan.h"

enum {
	EXPIRE_BUDGET = 32, // flows looked at in one turn, and two more for each packet
	TX_RETRIES = 8,
	HOST_RING = 2048,
};

// Packets a second that each worker lets through from each interface, and how many at once: what is
// flooded on one costs the others nothing. What reaches the kernel competes with SSH and routing
// daemons for one core. A SYN that the kernel answers takes ten times as long as one that is
// dropped here, so strangers' packets have far less than those of flows that are under way.
static const struct token_bucket punt_budgets[PUNT_REASON_COUNT] = {
	[PUNT_REASON_ARP] = {.per_sec = 4000, .burst = 400},
	[PUNT_REASON_ND] = {.per_sec = 4000, .burst = 400},
	[PUNT_REASON_MULTICAST] = {.per_sec = 10000, .burst = 1000},
	[PUNT_REASON_FLOW] = {.per_sec = 400000, .burst = 8000},
	[PUNT_REASON_NEW] = {.per_sec = 8000, .burst = 1000},
	[PUNT_REASON_MTU] = {.per_sec = 1000, .burst = 200},
	[PUNT_REASON_LOCAL] = {.per_sec = 400000, .burst = 8000},
	[PUNT_REASON_OTHER] = {.per_sec = 1000, .burst = 100},
};
static const struct token_bucket icmp_budget = {.per_sec = 1000, .burst = 200};
static const struct token_bucket icmp_mtu_budget = {.per_sec = 1000, .burst = 200};
static const struct token_bucket reset_budget = {.per_sec = 1000, .burst = 200};
static const struct token_bucket ask_budget = {.per_sec = 1000, .burst = 128};
static const struct token_bucket minor_budget = {.per_sec = 4000, .burst = 400};

static struct rte_ring *ring_new(const char *what, unsigned index, unsigned size, unsigned flags)
{
	static _Atomic unsigned
		serial; // rings have names; several routers in one test must not meet
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s%u_%u", what, index, atomic_fetch_add(&serial, 1));
	return rte_ring_create(name, size, SOCKET_ID_ANY, flags);
}

static void budget_init(struct token_bucket *bucket, const struct token_bucket *from)
{
	*bucket = *from;
	bucket->tokens = bucket->burst;
}

void worker_fill_budgets(struct worker *w)
{
	for (unsigned i = 0; i < DP_INTERFACES_MAX; i++)
		for (unsigned k = 0; k < PUNT_REASON_COUNT; k++)
			budget_init(&w->punt_budget[i][k], &punt_budgets[k]);
	budget_init(&w->icmp_budget, &icmp_budget);
	budget_init(&w->icmp_mtu_budget, &icmp_mtu_budget);
	budget_init(&w->reset_budget, &reset_budget);
	budget_init(&w->ask_budget, &ask_budget);
	budget_init(&w->minor_budget, &minor_budget);
}

int worker_init(struct worker *w, struct dataplane *dp, unsigned index, const uint64_t seeds[2])
{
	uint32_t capacity = RTE_MAX(dp->options.flow_capacity / dp->options.n_workers, 64u);

	memset(w, 0, sizeof(*w));
	w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->dp = dp;
	w->index = (uint16_t)index;
	w->n_workers = (uint16_t)dp->options.n_workers;
	w->core = -1;
	w->fib = &dp->fib;
	w->adjacencies = dp->adjacencies.entries;
	w->pool = drivers_pool();
	w->rcu_id = index;
	w->observing.iface = INTERFACE_NONE;
	w->epoch = atomic_load(&dp->epoch);
	w->snap = atomic_load(&dp->snapshot);
	worker_fill_budgets(w);
	if (getrandom(&w->random, sizeof(w->random), 0) != sizeof(w->random) || w->random == 0)
		w->random = rte_rdtsc() | 1;
	w->adjacency_used = rte_zmalloc("adjacency_used", ADJACENCIES_MAX, RTE_CACHE_LINE_SIZE);
	w->inbox = ring_new("inbox", index, INBOX_SIZE, RING_F_SC_DEQ);
	w->to_host = ring_new("to_host", index, HOST_RING, RING_F_SP_ENQ | RING_F_SC_DEQ);
	w->to_host_urgent = ring_new("urgent", index, HOST_RING, RING_F_SP_ENQ | RING_F_SC_DEQ);
	w->helpers = helper_sessions_new();
	w->to_host_flows = ring_new("flows", index, HOST_RING, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (w->wake_fd < 0 || w->adjacency_used == NULL || w->inbox == NULL || w->to_host == NULL ||
		w->to_host_urgent == NULL || w->to_host_flows == NULL || w->helpers == NULL ||
		reassembly_init(w) != 0 || flow_table_init(&w->flows, capacity, seeds) != 0) {
		worker_fini(w);
		return -ENOMEM;
	}
	return 0;
}

static void ring_free(struct rte_ring *ring)
{
	void *m;

	if (ring == NULL)
		return;
	while (rte_ring_dequeue(ring, &m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(ring);
}

void worker_fini(struct worker *w)
{
	w->observers = NULL; // it is gone, and what ends here was nobody's packet any more
	hold_free_all(w);
	if (w->wake_fd > 0)
		close(w->wake_fd);
	w->wake_fd = -1;
	for (unsigned i = 0; i < DP_INTERFACES_MAX; i++) {
		rte_pktmbuf_free_bulk(w->tx[i].pkts, w->tx[i].n);
		w->tx[i].n = 0;
	}
	reassembly_fini(w);
	flow_table_fini(&w->flows);
	free(atomic_exchange(&w->kills, NULL));
	helper_sessions_free(w->helpers);
	w->helpers = NULL;
	ring_free(w->inbox);
	ring_free(w->to_host);
	ring_free(w->to_host_urgent);
	ring_free(w->to_host_flows);
	rte_free(w->adjacency_used);
	w->inbox = w->to_host = w->to_host_urgent = w->to_host_flows = NULL;
	w->adjacency_used = NULL;
}

void worker_flush(struct worker *w, uint8_t iface)
{
	struct tx_buffer *tx = &w->tx[iface];
	const struct interface *out = &w->snap->interfaces[iface];
	struct interface_counters *counters = &w->interface_counters[iface];
	uint64_t bytes = 0;
	uint32_t tag_bytes = 0;
	uint16_t sent = 0;

	w->tx_pending &= ~(UINT64_C(1) << iface);
	if (unlikely(!interface_can_send(out))) {
		if (unlikely(w->observers != NULL))
			observe_unsent(w, iface, tx->pkts, tx->n, COUNTER_DROP_INTERFACE_DOWN);
		w->counters[COUNTER_DROP_INTERFACE_DOWN] += tx->n;
		rte_pktmbuf_free_bulk(tx->pkts, tx->n);
		tx->n = 0;
		return;
	}
	if (w->index >= out->n_txq) { // no queue of our own: by way of one who has
		for (uint16_t i = 0; i < tx->n; i++)
			owner_hand_over(w, w->index % out->n_txq, tx->pkts[i], INBOX_TX, iface);
		tx->n = 0;
		return;
	}
	for (uint16_t i = 0; i < tx->n; i++) // without tags, as those that come in
		bytes += tx->pkts[i]->pkt_len;
	if (unlikely(out->tag_be != 0)) {
		tag_bytes = VLAN_TAG_BYTES;
		vlan_put_on_all(tx->pkts, tx->n, out->tag_be);
	}
	if (unlikely(w->observers != NULL)) // afterwards they are the port's
		observe_leave(w, iface, tx->pkts, tx->n);
	for (unsigned i = 0; sent < tx->n && i < TX_RETRIES; i++)
		sent += rte_eth_tx_burst(
			out->dpdk_port, w->index, tx->pkts + sent, (uint16_t)(tx->n - sent));
	counters->tx_packets += sent;
	if (unlikely(sent < tx->n)) {
		for (uint16_t i = sent; i < tx->n; i++)
			bytes -= tx->pkts[i]->pkt_len - tag_bytes;
		if (unlikely(w->observers != NULL))
			observe_unsent(w, iface, tx->pkts + sent, (uint16_t)(tx->n - sent),
				COUNTER_DROP_TX_FULL);
		counters->tx_dropped += tx->n - sent;
		w->counters[COUNTER_DROP_TX_FULL] += tx->n - sent;
		rte_pktmbuf_free_bulk(tx->pkts + sent, tx->n - sent);
	}
	counters->tx_bytes += bytes;
	tx->n = 0;
}

// What is sent first: a flow may go on at another worker than it was at a moment ago.
static void flush_all(struct worker *w)
{
	while (w->tx_pending != 0)
		worker_flush(w, (uint8_t)__builtin_ctzll(w->tx_pending));
	owner_flush(w);
}

// --- the loop ---

static unsigned poll_ports(struct worker *w)
{
	struct rte_mbuf *pkts[BURST];
	unsigned total = 0;

	for (unsigned k = 0; k < w->snap->n_receivers; k++) {
		const struct receiver *in = &w->snap->receivers[k];

		for (uint16_t q = w->index; q < in->n_rxq; q = (uint16_t)(q + w->n_workers)) {
			uint16_t n = rte_eth_rx_burst(in->dpdk_port, q, pkts, BURST);

			if (n == 0)
				continue;
			if (unlikely(in->has_tags))
				vlan_rx(w, k, pkts, n);
			else
				pipeline_rx(w, in->untagged, pkts, n);
			flush_all(w);
			total += n;
		}
	}
	return total;
}

// Runs of one kind and interface go through the pipeline together; their order is kept.
unsigned worker_poll_inbox(struct worker *w)
{
	struct rte_mbuf *pkts[BURST];
	unsigned n = rte_ring_sc_dequeue_burst(w->inbox, (void **)pkts, BURST, NULL);
	unsigned end;

	for (unsigned i = 0; i < n; i = end) {
		enum inbox_kind kind = (enum inbox_kind)pkts[i]->packet_type;
		uint8_t iface = (uint8_t)pkts[i]->port;

		end = i + 1;
		while (end < n && pkts[end]->packet_type == (uint32_t)kind &&
			pkts[end]->port == iface && kind != INBOX_WHOLE)
			end++;
		// it has gone meanwhile: what its packets would begin would be nobody's
		if (unlikely(!w->snap->interfaces[iface].is_used)) {
			for (unsigned k = i; k < end; k++)
				worker_drop(w, pkts[k], COUNTER_DROP_INTERFACE_DOWN);
			continue;
		}
		switch (kind) {
		case INBOX_RX:
		case INBOX_HOME:
			pipeline_owned(w, iface, pkts + i, end - i, kind == INBOX_HOME);
			break;
		case INBOX_HOST:
		case INBOX_HOST_HOME:
			pipeline_host(w, iface, pkts + i, end - i, kind == INBOX_HOST_HOME);
			break;
		case INBOX_WHOLE:
			pipeline_whole(w, iface, pkts[i]);
			break;
		case INBOX_TX:
			for (unsigned k = i; k < end; k++)
				worker_send(w, iface, pkts[k]);
			break;
		}
	}
	flush_all(w);
	if (n > 0) // only now: who begins a flow anew elsewhere overtakes none of these
		atomic_store_explicit(&w->inbox_done, w->inbox_done + n, memory_order_release);
	return n;
}

static void budget_refill(struct token_bucket *bucket, uint64_t elapsed_ms)
{
	uint64_t tokens = bucket->tokens + bucket->per_sec * elapsed_ms / 1000;

	bucket->tokens = (uint32_t)RTE_MIN(tokens, (uint64_t)bucket->burst);
}

// What is due once a millisecond rather than each turn.
static void tick(struct worker *w, uint64_t now_ms)
{
	uint64_t elapsed = now_ms - w->now_ms;
	struct flow_kills *kills;

	w->now_ms = now_ms;
	w->now_sec = (uint32_t)(now_ms / 1000);
	for (unsigned i = 0; i < w->snap->n_ids; i++)
		for (unsigned k = 0; k < PUNT_REASON_COUNT; k++)
			budget_refill(&w->punt_budget[w->snap->ids[i]][k], elapsed);
	budget_refill(&w->icmp_budget, elapsed);
	budget_refill(&w->icmp_mtu_budget, elapsed);
	budget_refill(&w->reset_budget, elapsed);
	budget_refill(&w->ask_budget, elapsed);
	budget_refill(&w->minor_budget, elapsed);
	if (w->n_held > 0)
		hold_tick(w);
	kills = atomic_load_explicit(&w->kills, memory_order_acquire);
	if (unlikely(kills != NULL))
		flow_kill_run(w, kills);
	reassembly_tick(w);
	atomic_store_explicit(&w->heartbeat, w->turns, memory_order_relaxed);
}

// The epoch first: a flow judged by a newer snapshot than its epoch says is only judged once more;
// the other way round it would keep an old verdict.
void worker_refresh(struct worker *w)
{
	uint64_t next_known;

	w->observers = atomic_load_explicit(&w->dp->observers, memory_order_acquire);
	if (unlikely(w->observers != NULL))
		observe_turn(w);
	w->epoch = atomic_load_explicit(&w->dp->epoch, memory_order_acquire);
	w->snap = atomic_load_explicit(&w->dp->snapshot, memory_order_acquire);
	next_known = atomic_load_explicit(&w->dp->adjacencies.next_known, memory_order_acquire);
	if (unlikely(next_known != w->next_known)) {
		w->next_known = next_known;
		hold_tick(w);
	}
}

void worker_expire(struct worker *w, unsigned n_pkts)
{
	// a flood that begins a flow with each packet ends as many
	if (w->flows.wheel_sec != w->now_sec)
		conntrack_expire(w, EXPIRE_BUDGET + 2 * n_pkts);
}

unsigned worker_turn(struct worker *w, uint64_t now_ms)
{
	unsigned n;

	rte_rcu_qsbr_quiescent(w->dp->rcu, w->rcu_id);
	worker_refresh(w);
	w->turns++;
	if (now_ms > w->now_ms) // another core's clock may be a little behind
		tick(w, now_ms);
	n = poll_ports(w);
	n += worker_poll_inbox(w);
	flush_all(w);
	worker_expire(w, n);
	n += flow_cut_turn(w);
	n += w->flows.wheel_sec != w->now_sec; // there is more: do not sleep
	if (w->host_signal)
		host_wake(w);
	w->idle_turns += n == 0;
	return n;
}
