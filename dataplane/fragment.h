// SPDX-License-Identifier: BSD-3-Clause
// IPv4 fragments: cutting on egress what is larger than the MTU and may be cut (RFC 791 3.2,
// fragment4.c), and putting together what must be translated (RFC 815, reassembly.c), bounded in
// memory and time: tiny first fragments (RFC 1858) and overlaps (RFC 5722, for IPv4 as well) never
// yield a packet. Worker threads.
#pragma once

#include "dataplane/worker.h"

enum {
	REASSEMBLY_MAX = 1024,	    // packets under reassembly, of one worker
	REASSEMBLY_PIECES_MAX = 64, // of one packet: 64 KiB over Ethernet are 45
	REASSEMBLY_TIMEOUT_MS = 2000,
};

// Cuts `m` (Ethernet + IPv4, one buffer or a chain) into pieces of at most `mtu` bytes of IP and
// sends each by `code` through pipeline_send4; a chain that fits becomes one buffer. Takes
// ownership; counts its own failure.
void fragment_send4(struct worker *w, struct rte_mbuf *m, uint16_t code, uint16_t mtu);

// 0 or -ENOMEM. The worker's pool and n_workers are set: it keeps at most its share of an eighth
// of the pool waiting.
int reassembly_init(struct worker *w);
void reassembly_fini(struct worker *w);
// Takes a fragment whose IPv4 header is sound; gives the whole packet (a chain of buffers, header
// mended) when this was the last piece, else NULL. Malformed pieces are dropped and counted. When
// there is no room, the packet that has waited longest gives way.
struct rte_mbuf *reassembly_add4(struct worker *w, struct rte_mbuf *m);
// Once a turn or so: frees what timed out.
void reassembly_tick(struct worker *w);
