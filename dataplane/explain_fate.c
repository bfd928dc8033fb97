// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/explain_private.h"

#include <string.h>

#include "dataplane/flow_room.h"

// The name of the first counter that begins like this and has counted, or NULL.
static const char *counted(const struct worker *w, const char *kind, const char **help)
{
	struct dp_counter counter;

	for (unsigned i = 0; i < COUNTER_COUNT; i++) {
		stats_describe((enum counter)i, &counter);
		if (w->counters[i] == 0 || strncmp(counter.name, kind, strlen(kind)) != 0)
			continue;
		*help = counter.help;
		return counter.name;
	}
	return NULL;
}

// The first that would leave, and by which interface; NULL: none.
static struct rte_mbuf *first_sent(const struct worker *w, uint8_t *iface, unsigned *n)
{
	if (w->tx_pending == 0)
		return NULL;
	*iface = (uint8_t)__builtin_ctzll(w->tx_pending);
	*n = w->tx[*iface].n;
	return w->tx[*iface].pkts[0];
}

// The one that is told of a drop: sent, or held for the sender's own neighbour.
static void explain_answer(struct explaining *e)
{
	const struct worker *w = e->r->w;
	struct dp_explanation *out = e->out;
	struct rte_mbuf *m;
	const uint8_t *icmp;
	unsigned n;
	uint8_t iface;

	if (w->counters[COUNTER_RESET_SENT] > 0)
		out->answer = "TCP reset";
	if (w->counters[COUNTER_ICMP_SENT] == 0)
		return;
	out->answer = "icmp";
	m = first_sent(w, &iface, &n);
	if (m == NULL && w->n_held > 0)
		m = w->held[0].m;
	if (m == NULL)
		return;
	icmp = packet_eth(m)->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6)
		       ? (const uint8_t *)(packet_ip6(m) + 1)
		       : (const uint8_t *)(packet_ip4(m) + 1);
	out->answer_type = icmp[0];
	out->answer_code = icmp[1];
}

// The walk's own word for it counts.
static void explain_refusal(struct explaining *e)
{
	const struct worker *w = e->r->w;
	struct dp_explained_rules *rules = &e->out->rules;

	if (w->counters[COUNTER_DROP_RULE] + w->counters[COUNTER_DROP_REJECTED] == 0 ||
		(rules->is_asked && rules->rule == w->refused_by))
		return;
	rules->is_in_doubt = true;
	rules->rule = w->refused_by;
}

static void explain_left(struct explaining *e, struct rte_mbuf *m)
{
	struct dp_explanation *out = e->out;

	out->left_bytes = (uint16_t)RTE_MIN(m->pkt_len, (uint32_t)UINT16_MAX);
	memcpy(out->left, rte_pktmbuf_mtod(m, void *),
		RTE_MIN(m->data_len, (uint16_t)DP_EXPLAIN_LEFT_MAX));
}

static void explain_adjacency(struct explaining *e, const struct adjacency *adj)
{
	struct dp_explanation *out = e->out;

	out->has_neighbour = true;
	out->is_neighbour_known = worker_knows(e->r->w, adj);
	out->neighbour = adj->addr;
	memcpy(out->neighbour_mac.bytes, &adj->eth.dst_addr, sizeof(out->neighbour_mac.bytes));
	out->mtu = adj->mtu;
}

static void explain_held(struct explaining *e)
{
	const struct held_packet *held = &e->r->w->held[0];

	e->out->fate = DP_FATE_HELD_NEIGHBOUR;
	e->out->has_neighbour = true;
	e->out->neighbour = held->addr;
	e->out->out_interface = held->iface;
	e->out->mtu = e->r->snap.interfaces[held->iface].mtu;
	explain_left(e, held->m);
}

static void drop_by(struct dp_explanation *out, enum counter reason)
{
	struct dp_counter counter;

	stats_describe(reason, &counter);
	out->fate = DP_FATE_DROPPED;
	out->reason = counter.name;
	out->help = counter.help;
}

static void explain_sent(struct explaining *e, uint8_t iface, struct rte_mbuf *m)
{
	const struct snapshot *snap = atomic_load(&e->r->dp->snapshot); // its ports are there
	const struct interface *to = &snap->interfaces[iface];
	struct dp_explanation *out = e->out;
	const uint8_t *used;

	out->fate = DP_FATE_SENT;
	out->out_interface = iface;
	out->queue = to->n_txq == 0 ? 0 : e->r->w->index % to->n_txq;
	explain_left(e, m);
	used = memchr(e->r->w->adjacency_used, 1, ADJACENCIES_MAX);
	if (used != NULL)
		explain_adjacency(e, &e->r->w->adjacencies[used - e->r->w->adjacency_used]);
	else
		out->mtu = to->mtu;
	if (!interface_can_send(to))
		drop_by(out, COUNTER_DROP_INTERFACE_DOWN);
}

static void explain_host(struct explaining *e)
{
	struct worker *w = e->r->w;
	struct rte_ring *rings[] = {w->to_host_urgent, w->to_host_flows, w->to_host};
	void *m;

	e->out->fate = DP_FATE_TO_ROUTER;
	e->out->out_interface = -1;
	for (unsigned i = 0; i < RTE_DIM(rings); i++) {
		if (rte_ring_dequeue(rings[i], &m) != 0)
			continue;
		explain_left(e, m);
		rte_pktmbuf_free(m);
		return;
	}
}

void explain_room(struct explaining *e, const struct flow *begun)
{
	const struct worker *real = &e->r->dp->workers[e->r->w->index];
	enum counter refused = flow_room_refuses(
		real, &e->original.src, (uint8_t)e->ask->interface, e->ask->is_from_router);

	if (refused == COUNTER_COUNT && !flow_has_room(&real->flows, begun))
		refused = COUNTER_DROP_FLOW_TABLE_FULL;
	if (refused == COUNTER_COUNT)
		return;
	drop_by(e->out, refused);
	e->out->answer = NULL;
	e->out->left_bytes = 0;
	e->out->n_pieces = 0;
}

void explain_fate(struct explaining *e)
{
	const struct worker *w = e->r->w;
	struct dp_explanation *out = e->out;
	struct rte_mbuf *m;
	uint8_t iface = 0;

	out->is_cut = w->counters[COUNTER_FLOW_CUT] > 0;
	out->reason = counted(w, "drop_", &out->help);
	if (out->reason != NULL) {
		out->fate = DP_FATE_DROPPED;
		explain_answer(e);
		explain_refusal(e);
		return;
	}
	out->reason = counted(w, "punt_", &out->help);
	if (out->reason != NULL) {
		explain_host(e);
		return;
	}
	m = first_sent(w, &iface, &out->n_pieces);
	if (m != NULL)
		explain_sent(e, iface, m);
	else if (w->n_held > 0)
		explain_held(e);
	else
		out->fate = DP_FATE_HELD_FRAGMENTS;
}
