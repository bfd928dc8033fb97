// SPDX-License-Identifier: BSD-3-Clause
#include "drivers/guard.h"

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
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];

		if (unlikely(m->pkt_len > g->frame_max)) {
			rte_pktmbuf_free(m);
			continue;
		}
		if (unlikely(m->nb_segs != 1 || !RTE_MBUF_DIRECT(m) ||
			     rte_mbuf_refcnt_read(m) != 1)) {
			struct rte_mbuf *copy = rte_pktmbuf_copy(m, g->pool, 0, UINT32_MAX);

			rte_pktmbuf_free(m);
			if (copy == NULL)
				continue;
			m = copy;
		}
		pkts[kept++] = m;
	}
	count(&g->tx_dropped, n - kept);
	return kept;
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
	for (uint16_t q = 0; q < port->info.n_rxq; q++)
		rte_eth_add_rx_callback(port->info.dpdk_port, q, rx, guard_of(port, q));
}

void guard_tx(struct port *port)
{
	for (uint16_t q = 0; q < port->info.n_txq; q++)
		rte_eth_add_tx_callback(port->info.dpdk_port, q, tx, guard_of(port, q));
}
