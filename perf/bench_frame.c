// SPDX-License-Identifier: BSD-3-Clause
#include "perf/bench_frame.h"

#include <netinet/in.h>
#include <string.h>

enum {
	// One number serves both sides, so that each acknowledges what the other has sent: the
	// SYN's data is all there ever is, and comes again and again.
	FRAME_SEQ = 1000,
	FRAME_ACK = FRAME_SEQ + FRAME4_BYTES - RTE_ETHER_HDR_LEN - 40,
	FRAME_WINDOW = 512,
};

static uint8_t *ether_write(struct bench_frame *frame, const struct mac_addr *src,
	const struct mac_addr *dst, uint16_t type)
{
	struct rte_ether_hdr eth = {.ether_type = rte_cpu_to_be_16(type)};

	memcpy(&eth.src_addr, src, sizeof(*src));
	memcpy(&eth.dst_addr, dst, sizeof(*dst));
	memset(frame, 0, sizeof(*frame));
	memcpy(frame->bytes, &eth, sizeof(eth));
	return frame->bytes + sizeof(eth);
}

void frame4_write(struct bench_frame *frame, const struct mac_addr *src, const struct mac_addr *dst,
	const struct frame4_tuple *t)
{
	uint8_t *at = ether_write(frame, src, dst, RTE_ETHER_TYPE_IPV4);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)at;
	void *l4 = ip + 1;

	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16(FRAME4_BYTES - RTE_ETHER_HDR_LEN),
		.packet_id = rte_cpu_to_be_16(1),
		.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = t->ttl,
		.next_proto_id = t->protocol,
		.src_addr = rte_cpu_to_be_32(t->src),
		.dst_addr = rte_cpu_to_be_32(t->dst),
	};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	if (t->protocol == IPPROTO_TCP) {
		struct rte_tcp_hdr *tcp = l4;

		*tcp = (struct rte_tcp_hdr){
			.src_port = rte_cpu_to_be_16(t->sport),
			.dst_port = rte_cpu_to_be_16(t->dport),
			.sent_seq = rte_cpu_to_be_32(
				FRAME_SEQ - (t->tcp_flags & RTE_TCP_SYN_FLAG ? 1 : 0)),
			.recv_ack = rte_cpu_to_be_32(FRAME_ACK),
			.data_off = sizeof(*tcp) / 4 << 4,
			.tcp_flags = t->tcp_flags,
			.rx_win = rte_cpu_to_be_16(FRAME_WINDOW),
		};
		memset(tcp + 1, 0x5a, FRAME4_BYTES - ((uint8_t *)(tcp + 1) - frame->bytes));
		tcp->cksum = rte_ipv4_udptcp_cksum(ip, tcp);
	} else {
		struct rte_udp_hdr *udp = l4;

		*udp = (struct rte_udp_hdr){
			.src_port = rte_cpu_to_be_16(t->sport),
			.dst_port = rte_cpu_to_be_16(t->dport),
			.dgram_len =
				rte_cpu_to_be_16(FRAME4_BYTES - ((uint8_t *)udp - frame->bytes)),
		};
		memset(udp + 1, 0xa5, FRAME4_BYTES - ((uint8_t *)(udp + 1) - frame->bytes));
		udp->dgram_cksum = rte_ipv4_udptcp_cksum(ip, udp);
	}
}

void frame6_write(struct bench_frame *frame, const struct mac_addr *src, const struct mac_addr *dst,
	const uint8_t src_ip[16], const uint8_t dst_ip[16], uint8_t hop_limit)
{
	uint8_t *at = ether_write(frame, src, dst, RTE_ETHER_TYPE_IPV6);
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)at;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

	*ip = (struct rte_ipv6_hdr){
		.vtc_flow = rte_cpu_to_be_32(0x60000000),
		.payload_len = rte_cpu_to_be_16(sizeof(*udp)),
		.proto = IPPROTO_UDP,
		.hop_limits = hop_limit,
	};
	memcpy(ip->src_addr, src_ip, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, dst_ip, sizeof(ip->dst_addr));
	*udp = (struct rte_udp_hdr){
		.src_port = rte_cpu_to_be_16(40000),
		.dst_port = rte_cpu_to_be_16(443),
		.dgram_len = rte_cpu_to_be_16(sizeof(*udp)),
	};
	udp->dgram_cksum = rte_ipv6_udptcp_cksum(ip, udp);
}

uint32_t bench_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32);
}

void bench_shuffle(uint32_t *order, uint32_t n, uint64_t *state)
{
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = (uint32_t)(((uint64_t)bench_random(state) * i) >> 32);
		uint32_t swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
}
