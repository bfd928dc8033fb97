// SPDX-License-Identifier: BSD-3-Clause
// IPv4 packets and fragments for the tests of cutting and putting together. After
// worker_fixture.h.
#pragma once

#include "tests/unit/worker_fixture.h"

struct ip4_packet {
	uint16_t id, fragment;
	uint8_t protocol;  // 0: UDP
	uint8_t n_options; // bytes, a multiple of four
	uint8_t options[40];
	uint32_t payload_bytes;
	uint32_t payload_at; // of the stream of bytes that the payload is cut from
	uint32_t padding_bytes;
	uint8_t fill; // another stream
	uint8_t ecn;
	uint32_t source; // host order; 0: 198.51.100.7
};

// Writes the frame and returns its length.
static inline uint32_t ip4_packet_frame(const struct ip4_packet *p, uint8_t *frame)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(frame + L3_OFFSET);
	uint32_t header = sizeof(*ip) + p->n_options;

	memset(frame, 0xee, L3_OFFSET);
	memset(ip, 0, sizeof(*ip));
	ip->version_ihl = (uint8_t)(0x40 | header / 4);
	ip->type_of_service = 0x28 | p->ecn;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(header + p->payload_bytes));
	ip->packet_id = rte_cpu_to_be_16(p->id);
	ip->fragment_offset = rte_cpu_to_be_16(p->fragment);
	ip->time_to_live = 63;
	ip->next_proto_id = p->protocol != 0 ? p->protocol : 17;
	ip->src_addr = rte_cpu_to_be_32(p->source != 0 ? p->source : 0xc6336407);
	ip->dst_addr = RTE_BE32(0xcb007109);
	memcpy(ip + 1, p->options, p->n_options);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	for (uint32_t i = 0; i < p->payload_bytes; i++)
		frame[L3_OFFSET + header + i] = payload_byte(p->payload_at + i, p->fill);
	memset(frame + L3_OFFSET + header + p->payload_bytes, 0xdd, p->padding_bytes);
	return L3_OFFSET + header + p->payload_bytes + p->padding_bytes;
}

static inline struct rte_mbuf *ip4_packet_new(
	const struct ip4_packet *p, uint32_t first, uint32_t segment)
{
	static uint8_t frame[70000];
	uint32_t n = ip4_packet_frame(p, frame);

	return frame_new(frame, n, first, segment);
}
