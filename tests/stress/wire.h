// SPDX-License-Identifier: BSD-3-Clause
// Ports whose cables are rings in this process: a queue pair for each worker, and what the far end
// sends and receives. One thread is the far end of all. What leaves by whichever queue is on one
// cable, so that the order in which it left can be seen.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "drivers/port_private.h"

enum { WIRE_QUEUES_MAX = 4 };

struct wire {
	struct port port; // as the dataplane knows it
	struct rte_ring *to[WIRE_QUEUES_MAX], *from;
};

// Once, after drivers_start: tells ThreadSanitizer what DPDK's libraries, which are built without
// it, order by themselves.
void wire_tell_sanitizer(struct rte_mempool *pool);
// Ends the process when it cannot be made.
void wire_open(struct wire *wire, const char *name, uint16_t n_queues);
void wire_close(struct wire *wire);
bool wire_has_room(const struct wire *wire, uint16_t queue, unsigned n);
void wire_send(struct wire *wire, uint16_t queue, struct rte_mbuf *m); // there is room
unsigned wire_receive(struct wire *wire, struct rte_mbuf **pkts, unsigned n);
