// SPDX-License-Identifier: BSD-3-Clause
// IPv6 packets and fragments, with extension headers of eight bytes each, for the tests of cutting
// and putting together. After worker_fixture.h.
#pragma once

#include <netinet/in.h>

#include "tests/unit/worker_fixture.h"

enum { IP6_BEFORE_MAX = 6, EXTENSION = 8, ANY_PROTOCOL = 253 };

struct ip6_packet {
	uint32_t id;
	bool is_fragment;
	bool more;
	uint8_t before[IP6_BEFORE_MAX]; // extension headers before the fragment header
	unsigned n_before;
	uint8_t next; // what the last header names; 0: a protocol without a header
	uint8_t ecn;
	uint8_t host; // of the source's address
	uint32_t net;
	uint32_t payload_at, payload_bytes; // the offset of a fragment, too
	uint32_t padding_bytes;
	uint8_t fill;
};

// Writes the frame and returns its length.
static inline uint32_t ip6_packet_frame(const struct ip6_packet *p, uint8_t *frame)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(frame + L3_OFFSET);
	uint8_t *names = &ip->proto, *at = (uint8_t *)(ip + 1);

	memset(frame, 0xee, L3_OFFSET);
	memset(ip, 0, sizeof(*ip));
	ip->vtc_flow = rte_cpu_to_be_32(0x60012345 | (uint32_t)p->ecn << 20);
	ip->hop_limits = 63;
	memcpy(ip->src_addr, "\x20\x01\x0d\xb8\0\0\0\1\0\0\0\0\0\0\0\0", 16);
	memcpy(ip->dst_addr, "\x20\x01\x0d\xb8\0\0\0\2\0\0\0\0\0\0\0\x42", 16);
	for (unsigned i = 0; i < 4; i++)
		ip->src_addr[4 + i] = (uint8_t)(p->net >> (24 - 8 * i));
	ip->src_addr[15] = p->host;
	for (unsigned i = 0; i < p->n_before; i++) {
		*names = p->before[i];
		names = at;
		// a routing header of a type that asks nothing, else an option of padding
		memcpy(at, "\0\0\1\4\0\0\0\0", EXTENSION);
		at += EXTENSION;
	}
	if (p->is_fragment) {
		uint32_t id_be = rte_cpu_to_be_32(p->id);

		*names = IPPROTO_FRAGMENT;
		names = at;
		at[1] = 0;
		at[2] = (uint8_t)(p->payload_at >> 8);
		at[3] = (uint8_t)(p->payload_at | p->more);
		memcpy(at + 4, &id_be, sizeof(id_be));
		at += EXTENSION;
	}
	*names = p->next != 0 ? p->next : ANY_PROTOCOL;
	for (uint32_t i = 0; i < p->payload_bytes; i++)
		*at++ = payload_byte(p->payload_at + i, p->fill);
	ip->payload_len = rte_cpu_to_be_16((uint16_t)(at - (uint8_t *)(ip + 1)));
	memset(at, 0xdd, p->padding_bytes);
	return (uint32_t)(at - frame) + p->padding_bytes;
}

static inline struct rte_mbuf *ip6_packet_new(const struct ip6_packet *p)
{
	static uint8_t frame[70000];
	uint32_t n = ip6_packet_frame(p, frame);

	return frame_new(frame, n, n, n);
}

// [from, to) of what `whole` carries.
static inline struct ip6_packet ip6_part(
	const struct ip6_packet *whole, uint32_t from, uint32_t to, bool more)
{
	struct ip6_packet p = *whole;

	p.is_fragment = true;
	p.more = more;
	p.payload_at = from;
	p.payload_bytes = to - from;
	return p;
}

// `m` is `whole`; frees it.
static inline void ip6_check_whole(struct rte_mbuf *m, const struct ip6_packet *whole)
{
	static uint8_t bytes[70000], want[70000];
	uint32_t n = ip6_packet_frame(whole, want);

	assert_non_null(m);
	assert_int_equal(flatten(m, bytes), n);
	assert_memory_equal(bytes, want, n);
	rte_pktmbuf_free(m);
}
