// SPDX-License-Identifier: BSD-3-Clause
#include "tests/stress/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bus_vdev.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>

enum { RING_SIZE = 512 };

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BUILT_WITH_TSAN
#endif
#elif defined(__SANITIZE_THREAD__)
#define BUILT_WITH_TSAN
#endif

#ifdef BUILT_WITH_TSAN
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#else
static void __tsan_acquire(void *addr)
{
}
static void __tsan_release(void *addr)
{
}
#endif

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "wire: %s\n", what);
	exit(1);
}

// --- what happens in libraries that are built without ThreadSanitizer ---

static rte_mempool_enqueue_t pool_put;
static rte_mempool_dequeue_t pool_take;

static int put_told(struct rte_mempool *pool, void *const *objects, unsigned n)
{
	__tsan_release(pool);
	return pool_put(pool, objects, n);
}

static int take_told(struct rte_mempool *pool, void **objects, unsigned n)
{
	int error = pool_take(pool, objects, n);

	__tsan_acquire(pool);
	return error;
}

void wire_tell_sanitizer(struct rte_mempool *pool)
{
	struct rte_mempool_ops *ops = rte_mempool_get_ops(pool->ops_index);

	pool_put = ops->enqueue;
	pool_take = ops->dequeue;
	ops->enqueue = put_told;
	ops->dequeue = take_told;
}

static uint16_t received(
	uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, uint16_t max, void *ring)
{
	__tsan_acquire(ring);
	return n;
}

static uint16_t sending(
	uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, void *ring)
{
	__tsan_release(ring);
	return n;
}

// --- wires ---

static struct rte_ring *ring_new(
	const char *name, const char *which, unsigned queue, unsigned size, unsigned flags)
{
	char text[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(text, sizeof(text), "%s_%s%u", name, which, queue);
	ring = rte_ring_create(text, size, SOCKET_ID_ANY, flags | RING_F_SC_DEQ);
	must(ring != NULL, text);
	return ring;
}

void wire_open(struct wire *wire, const char *name, uint16_t n_queues)
{
	const struct rte_eth_conf conf = {0};
	struct rte_ring *from[WIRE_QUEUES_MAX];
	int port;

	memset(wire, 0, sizeof(*wire));
	// a worker without a core just now keeps no other one waiting
	wire->from = ring_new(name, "from", 0, RING_SIZE * WIRE_QUEUES_MAX, RING_F_MP_RTS_ENQ);
	for (uint16_t q = 0; q < n_queues; q++) {
		wire->to[q] = ring_new(name, "to", q, RING_SIZE, RING_F_SP_ENQ);
		from[q] = wire->from;
	}
	port = rte_eth_from_rings(name, wire->to, n_queues, from, n_queues, 0);
	must(port >= 0, "rte_eth_from_rings");
	must(rte_eth_dev_configure((uint16_t)port, n_queues, n_queues, &conf) == 0, "configure");
	for (uint16_t q = 0; q < n_queues; q++) {
		must(rte_eth_rx_queue_setup((uint16_t)port, q, RING_SIZE, SOCKET_ID_ANY, NULL,
			     drivers_pool()) == 0,
			"rx queue");
		must(rte_eth_tx_queue_setup((uint16_t)port, q, RING_SIZE, SOCKET_ID_ANY, NULL) == 0,
			"tx queue");
		rte_eth_add_rx_callback((uint16_t)port, q, received, wire->to[q]);
		rte_eth_add_tx_callback((uint16_t)port, q, sending, wire->from);
	}
	must(rte_eth_dev_start((uint16_t)port) == 0, "start");
	wire->port.driver = &null_driver;
	wire->port.info.dpdk_port = (uint16_t)port;
	wire->port.info.n_rxq = wire->port.info.n_txq = n_queues;
}

static void ring_end(struct rte_ring *ring)
{
	void *m;

	while (ring != NULL && rte_ring_dequeue(ring, &m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(ring);
}

void wire_close(struct wire *wire)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	uint16_t port = wire->port.info.dpdk_port;

	must(rte_eth_dev_get_name_by_port(port, name) == 0, "name");
	rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
	rte_vdev_uninit(name);
	ring_end(wire->from);
	for (unsigned q = 0; q < WIRE_QUEUES_MAX; q++)
		ring_end(wire->to[q]);
}

bool wire_has_room(const struct wire *wire, uint16_t queue, unsigned n)
{
	return rte_ring_free_count(wire->to[queue]) >= n;
}

void wire_send(struct wire *wire, uint16_t queue, struct rte_mbuf *m)
{
	__tsan_release(wire->to[queue]);
	must(rte_ring_sp_enqueue(wire->to[queue], m) == 0, "full");
}

unsigned wire_receive(struct wire *wire, struct rte_mbuf **pkts, unsigned n)
{
	n = rte_ring_sc_dequeue_burst(wire->from, (void **)pkts, n, NULL);
	__tsan_acquire(wire->from);
	return n;
}
