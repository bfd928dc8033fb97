// SPDX-License-Identifier: BSD-3-Clause
// The life of a packet, top to bottom. Each function takes ownership of what it is given. Worker
// threads only, inside one turn of their loop, at the end of which all that is to be sent or handed
// over is flushed.
#pragma once

#include "dataplane/worker.h"

// A burst as received on an interface; n <= BURST.
void pipeline_rx(struct worker *w, uint8_t iface, struct rte_mbuf **pkts, unsigned n);
// The same for one of several interfaces of a port (vlan.h): where there are tags, they come off.
void pipeline_rx_trunk(struct worker *w, uint8_t iface, struct rte_mbuf **pkts, unsigned n);
// The same for packets handed over by another worker: their owner is not asked again. `is_home`:
// that one has seen their flow here.
void pipeline_owned(
	struct worker *w, uint8_t iface, struct rte_mbuf **pkts, unsigned n, bool is_home);
// A packet just put together from its fragments.
void pipeline_whole(struct worker *w, uint8_t iface, struct rte_mbuf *m);
// A burst that the host stack sent on the interface's TAP. `is_home`: handed over because their
// flow is here, or held: they have been counted.
void pipeline_host(
	struct worker *w, uint8_t iface, struct rte_mbuf **pkts, unsigned n, bool is_home);

// Sends a finished IP packet (ours, or a fragment) on its way by a nexthop code: adjacency, the
// neighbour on the link, or the hold queue while it is resolved. MTU and TTL are the caller's
// business; layer 2 is written here.
void pipeline_send4(struct worker *w, struct rte_mbuf *m, uint16_t code);
void pipeline_send6(struct worker *w, struct rte_mbuf *m, uint16_t code);
