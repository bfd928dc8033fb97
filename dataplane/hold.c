// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/hold.h"

#include "dataplane/dataplane_internal.h"
#include "dataplane/icmp.h"
#include "dataplane/pipeline.h"

static bool hold_is_ready(const struct worker *w, const struct held_packet *held)
{
	uint16_t i = adjacency_find(&w->dp->adjacencies, held->iface, &held->addr);

	return i != ADJACENCY_NONE && worker_knows(w, &w->adjacencies[i]);
}

static void hold_ask(struct worker *w, struct held_packet *held)
{
	struct dp_event event = {
		.kind = DP_EVENT_NEIGHBOUR_WANTED,
		.interface = held->iface,
		.addr = held->addr,
	};

	held->ask_ms = w->now_ms + HOLD_ASK_AGAIN_MS;
	if (token_take(&w->ask_budget))
		dataplane_raise(w, &event);
}

static bool is_ip6(struct rte_mbuf *m)
{
	return packet_eth(m)->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6);
}

static uint32_t source_hash(struct rte_mbuf *m)
{
	uint64_t words[2] = {0};

	if (is_ip6(m))
		memcpy(words, packet_ip6(m)->src_addr, sizeof(words));
	else
		words[0] = packet_ip4(m)->src_addr;
	return (uint32_t)flow_mix(words[0] ^ 0x2545f4914f6cdd1du, words[1] ^ 0x9e3779b97f4a7c15u);
}

void hold_packet(struct worker *w, struct rte_mbuf *m, uint8_t iface, const struct ip_addr *addr,
	uint8_t in_iface, enum hold_kind kind)
{
	uint32_t source = source_hash(m);
	unsigned n_same = 0, n_source = 0;
	bool is_asked = false;
	struct held_packet *held;

	if (w->n_held == HOLD_MAX) {
		worker_drop(w, m, COUNTER_DROP_HOLD_FULL);
		return;
	}
	for (unsigned i = 0; i < w->n_held; i++) {
		n_source += w->held[i].source == source;
		if (w->held[i].iface != iface || !ip_addr_equal(&w->held[i].addr, addr))
			continue;
		n_same++;
		is_asked |= w->held[i].is_asking;
	}
	if (n_same >= HOLD_PER_NEIGHBOUR || n_source >= HOLD_PER_SOURCE) {
		worker_drop(w, m, COUNTER_DROP_HOLD_FULL);
		return;
	}
	held = &w->held[w->n_held++];
	*held = (struct held_packet){
		.m = m,
		.addr = *addr,
		.iface = iface,
		.in_iface = in_iface,
		.kind = kind,
		.is_asking = !is_asked,
		.source = source,
		.deadline_ms = w->now_ms + HOLD_TIMEOUT_MS,
	};
	worker_count(w, COUNTER_HELD);
	if (held->is_asking)
		hold_ask(w, held);
}

static void hold_release(struct worker *w, struct held_packet *held)
{
	uint16_t code = NEXTHOP_CONNECTED_BASE + held->iface;
	uint16_t i = adjacency_find(&w->dp->adjacencies, held->iface, &held->addr);

	if (i != ADJACENCY_NONE)
		code = NEXTHOP_ADJACENCY_BASE + i;
	if (held->kind == HOLD_RECEIVED)
		pipeline_owned(w, held->in_iface, &held->m, 1, false);
	else if (held->kind == HOLD_FROM_HOST)
		pipeline_host(w, held->in_iface, &held->m, 1, true);
	else if (is_ip6(held->m))
		pipeline_send6(w, held->m, code);
	else
		pipeline_send4(w, held->m, code);
}

static void hold_give_up(struct worker *w, struct held_packet *held)
{
	if (held->kind != HOLD_RECEIVED)
		worker_drop(w, held->m, COUNTER_DROP_NO_NEIGHBOUR);
	else if (is_ip6(held->m))
		icmp_error6(
			w, held->in_iface, held->m, ICMP_ERROR_HOST, 0, COUNTER_DROP_NO_NEIGHBOUR);
	else
		icmp_error4(
			w, held->in_iface, held->m, ICMP_ERROR_HOST, 0, COUNTER_DROP_NO_NEIGHBOUR);
}

// The question may have been one too many, or its answer got lost.
static void hold_on(struct worker *w, const struct held_packet *waiting)
{
	struct held_packet *held = &w->held[w->n_held++];

	*held = *waiting;
	if (held->is_asking && held->ask_ms <= w->now_ms)
		hold_ask(w, held);
}

// Each entry is taken out before it is let go: what it becomes may be held again.
void hold_tick(struct worker *w)
{
	struct held_packet waiting[HOLD_MAX];
	unsigned n = w->n_held;

	memcpy(waiting, w->held, n * sizeof(waiting[0]));
	w->n_held = 0;
	for (unsigned i = 0; i < n; i++) {
		if (hold_is_ready(w, &waiting[i]))
			hold_release(w, &waiting[i]);
		else if (waiting[i].deadline_ms <= w->now_ms)
			hold_give_up(w, &waiting[i]);
		else if (w->n_held == HOLD_MAX)
			worker_drop(w, waiting[i].m, COUNTER_DROP_HOLD_FULL);
		else
			hold_on(w, &waiting[i]);
	}
}

void hold_drop_interfaces(struct worker *w, uint64_t ids)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < w->n_held; i++) {
		struct held_packet *held = &w->held[i];

		if (interface_is_among(ids, held->iface) || interface_is_among(ids, held->in_iface))
			worker_drop(w, held->m, COUNTER_DROP_INTERFACE_DOWN);
		else
			w->held[kept++] = *held;
	}
	w->n_held = kept;
}

void hold_free_all(struct worker *w)
{
	for (unsigned i = 0; i < w->n_held; i++)
		rte_pktmbuf_free(w->held[i].m);
	w->n_held = 0;
}
