// SPDX-License-Identifier: BSD-3-Clause
// Conversations that all follow from their number: who speaks to whom, by which ports, and where
// each packet must come out. The number, the direction and a sequence number are in the payload, so
// whatever arrives anywhere tells whether it belongs there.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

enum talk_kind {
	TALK_OUT = 0, // from the LAN to a server outside, translated
	TALK_ACROSS,  // from one LAN to the other
	TALK_FORWARD, // from outside to a port forward
	TALK_KINDS,
};

enum talk_interface {
	TALK_WAN = 0,
	TALK_LAN,
	TALK_LAN2,
	TALK_INTERFACES,
};

enum {
	TALK_HOSTS = 64, // of each LAN: .10 and up
	TALK_HOST_FIRST = 10,
	TALK_FORWARDED = 6000, // first port outside
	TALK_FORWARDS = 64,
	TALK_INSIDE = 8001,	       // first port inside: seldom of the same worker
	TALK_WAN_ADDRESS = 0xcb007102, // 203.0.113.2
};

struct talk_end {
	uint32_t addr;
	uint16_t port;
	uint8_t iface;
};

struct talk_packet {
	uint32_t id, seq;
	bool is_answer;
};

// Who begins, whom it speaks to, and who hears it.
void talk_ends(uint32_t id, struct talk_end *from, struct talk_end *to, struct talk_end *hears);
// A frame from one end to another, as it is on the wire into the router.
struct rte_mbuf *talk_frame(struct rte_mempool *pool, const struct talk_end *from,
	const struct talk_end *to, const struct talk_packet *packet);
// Reads what came out by an interface. False: it is no packet of ours (an ICMP error), or
// an answer that came too late. Ends the
// process when it is one that does not belong there, or is damaged.
bool talk_read(struct rte_mbuf *m, uint8_t iface, struct talk_packet *packet,
	struct talk_end *sender, struct talk_end *receiver);
