// SPDX-License-Identifier: BSD-3-Clause
// Between those who make frames and those who read them.
#pragma once

#include <rte_ip.h>

#include "tests/stress/frame.h"

enum {
	FRAME_MAX = 256,
	L3_AT = sizeof(struct rte_ether_hdr),
	FRAGMENT6_BYTES = 8,
	ICMP4_UNREACHABLE = 3,
	ICMP6_UNREACHABLE = 1,
};

// A packet with its parts found: one that was read or is being made.
struct frame {
	uint8_t bytes[FRAME_MAX] __attribute__((aligned(8)));
	uint16_t n_bytes, l4_at;
	bool is_ip6;
	uint8_t protocol;
};

static inline struct rte_ipv4_hdr *frame_ip4(struct frame *f)
{
	return (struct rte_ipv4_hdr *)(f->bytes + L3_AT);
}

static inline struct rte_ipv6_hdr *frame_ip6(struct frame *f)
{
	return (struct rte_ipv6_hdr *)(f->bytes + L3_AT);
}

// The packet in one piece, as it has `hops` left, and its first or second fragment.
struct frame frame_whole(const struct talk_end *from, const struct talk_end *to,
	const struct talk_packet *packet, uint8_t hops);
struct frame frame_piece(const struct frame *f, const struct talk_packet *packet, unsigned i);
uint8_t *frame_checksum_place(struct frame *f); // of UDP or TCP
bool frame_sums_up(struct frame *f);		// UDP, TCP, ICMPv6
bool frame_mark_read(const uint8_t *at, struct talk_packet *packet);
