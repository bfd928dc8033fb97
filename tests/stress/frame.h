// SPDX-License-Identifier: BSD-3-Clause
// The frames of conversations: IPv4 and IPv6, UDP, TCP and fragments, and ICMP errors about them. A
// mark in each says which packet of which conversation it is: the payload of UDP, an option of TCP.
#pragma once

#include <rte_mbuf.h>

#include "tests/stress/talk.h"

enum { FRAME_PIECES = 2 }; // of a packet in fragments

// A packet as it is on the wire into the router. How many buffers, 0: none are left.
unsigned frame_make(struct rte_mempool *pool, const struct talk_end *from,
	const struct talk_end *to, const struct talk_packet *packet,
	struct rte_mbuf *pieces[FRAME_PIECES]);
// Host or address unreachable, from who heard it to who is its sender, quoting the packet. NULL:
// no buffer is left.
struct rte_mbuf *frame_make_error(
	struct rte_mempool *pool, const struct rte_mbuf *m, const struct talk_heard *heard);
// Reads what came out by an interface, every byte of it. False: it is a reset by the router. Ends
// the process when it is damaged.
bool frame_read(const struct rte_mbuf *m, uint8_t iface, struct talk_heard *heard);
