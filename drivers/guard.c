// SPDX-License-Identifier: BSD-3-Clause
#include "drivers/guard.h"

#include <rte_malloc.h>

#include "drivers/eal.h"
#include "drivers/port_private.h"

// Only the worker of the queue writes, control reads.
static void count(uint64_t *counter, uint64_t n)
{
	if (n > 0)
		__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static uint16_t rx(uint16_t port_id, uint16_t queue, struct rte_mbuf **pkts, uint16_t n,
	uint16_t max, void *arg)
{
	struct guard_count *g = arg;
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (unlikely(pkts[i]->nb_segs != 1 || pkts[i]->pkt_len > g->frame_max))
			rte_pktmbuf_free(pkts[i]);
		else
			pkts[kept++] = pkts[i];
	}
	count(&g->rx_dropped, n - kept);
	return kept;
}

static uint16_t tx(uint16_t port_id, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, void *arg)
{
	struct guard_count *g = arg;
	uint64_t n_cut = 0;
	uint16_t i;

	for (i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		struct rte_mbuf *copy;

		if (likely(m->nb_segs == 1 && m->pkt_len <= g->frame_max && RTE_MBUF_DIRECT(m) &&
			    rte_mbuf_refcnt_read(m) == 1))
			continue;
		copy = rte_pktmbuf_copy(m, g->pool, 0, g->frame_max);
		if (copy == NULL)
			break; // this one and the rest are not sent
		n_cut += m->pkt_len > g->frame_max;
		rte_pktmbuf_free(m);
		pkts[i] = copy;
	}
	count(&g->tx_dropped, n_cut);
	return i;
}

static struct guard_count *guard_of(struct port *port, uint16_t queue)
{
	struct guard_count *g = &port->guards[queue];

	g->frame_max = port->mtu_max + EAL_FRAME_OVERHEAD;
	g->pool = port->pool;
	return g;
}

void guard_rx(struct port *port)
{
	for (uint16_t q = 0; q < port->info.n_rxq; q++) {
		struct guard_count *g = guard_of(port, q);

		g->rx = rte_eth_add_rx_callback(port->info.dpdk_port, q, rx, g);
	}
}

void guard_tx(struct port *port)
{
	for (uint16_t q = 0; q < port->info.n_txq; q++) {
		struct guard_count *g = guard_of(port, q);

		g->tx = rte_eth_add_tx_callback(port->info.dpdk_port, q, tx, g);
	}
}

void guard_remove(struct port *port)
{
	for (uint16_t q = 0; q < PORT_QUEUES_MAX; q++) {
		struct guard_count *g = &port->guards[q];

		if (g->rx != NULL &&
			rte_eth_remove_rx_callback(port->info.dpdk_port, q, g->rx) == 0)
			rte_free((void *)(uintptr_t)g->rx);
		if (g->tx != NULL &&
			rte_eth_remove_tx_callback(port->info.dpdk_port, q, g->tx) == 0)
			rte_free((void *)(uintptr_t)g->tx);
		g->rx = g->tx = NULL;
	}
}
