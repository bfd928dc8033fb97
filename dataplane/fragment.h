// SPDX-License-Identifier: BSD-3-Clause
// Fragments of both families: put together where a flow must be known (RFC 815, RFC 8200 4.5),
// bounded in memory and time, and cut on egress (RFC 791 3.2). Tiny first fragments (RFC 1858, RFC
// 7112) and overlaps (RFC 5722, for IPv4 as well) never yield a packet. What came in pieces leaves
// in pieces no larger, so that both ends still find the path's MTU. Worker threads.
#pragma once

#include "dataplane/worker.h"

enum {
	REASSEMBLY_MAX = 1024,	    // packets under reassembly, of one worker
	REASSEMBLY_PIECES_MAX = 64, // of one packet: 64 KiB over Ethernet are 45
	FRAGMENT_PIECES_MAX = 1024, // that one packet is cut into
	// RFC 8200's 60 s are for the host that the packet is for. On the way, pieces follow each
	// other within milliseconds; what waits longer here only keeps others out.
	REASSEMBLY_TIMEOUT_MS = 2000,
};

// Cuts `m` (Ethernet + IPv4, one buffer or a chain) into pieces of at most `mtu` bytes of IP and
// sends each by `code` through pipeline_send4; a chain that fits becomes one buffer. What came in
// pieces is cut no larger than its largest; when that had DF no smaller either, and with DF again:
// whether it fits is the caller's business. Takes ownership; counts its own failure.
void fragment_send4(struct worker *w, struct rte_mbuf *m, uint16_t code, uint16_t mtu);
// What reassembly_add6 gave, in pieces again: same identification, same headers, no piece larger
// than the largest there was, by `code` through pipeline_send6. Whether that one fits the MTU is
// the caller's business: a router cuts no IPv6 packet smaller than its sender did (RFC 8200 5).
// Takes ownership; counts its own failure.
void fragment_send6(struct worker *w, struct rte_mbuf *m, uint16_t code);
// What goes to the kernel or came from it: in pieces with its Ethernet header as it came in pieces,
// else as it is. How many, 0 when it cannot be. Takes ownership; counts its own failure.
unsigned fragment_again(
	struct worker *w, struct rte_mbuf *m, struct rte_mbuf *pieces[FRAGMENT_PIECES_MAX]);
// Bytes of IP in the largest of the pieces that `m` was put together from, as it came, and what to
// hold against an egress MTU; 0 when it never was in pieces. It stays with `m` through inboxes and
// the hold queue: all but m->tx_offload of a chain may be overwritten.
uint16_t fragment_largest(const struct rte_mbuf *m);

// 0 or -ENOMEM. The worker's pool and n_workers are set: it keeps at most its share of an eighth
// of the pool waiting.
int reassembly_init(struct worker *w);
void reassembly_fini(struct worker *w);
// Takes a fragment whose IPv4 header is sound and whose m->port says by which interface it came, as
// only pieces that came by the same one are of one packet; gives the whole packet (a chain of
// buffers, header mended, DF if its largest piece had it) when this was the last one, else NULL.
// Malformed pieces are dropped and counted. When there is no room, the oldest packet of the source
// (IPv6: /64) that has most of it gives way.
struct rte_mbuf *reassembly_add4(struct worker *w, struct rte_mbuf *m);
// The same for IPv6, of which a piece is one buffer; the whole has no fragment header. A packet
// with an atomic one (RFC 6946), or none, comes back at once as it is.
struct rte_mbuf *reassembly_add6(struct worker *w, struct rte_mbuf *m);
// The same for a piece of either family that the kernel sent.
struct rte_mbuf *reassembly_add_host(struct worker *w, struct rte_mbuf *m);
// Once a turn or so: frees what timed out.
void reassembly_tick(struct worker *w);
