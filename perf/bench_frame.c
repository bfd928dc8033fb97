// SPDX-License-Identifier: BSD-3-Clause
#include "perf/bench_frame.h"

#include <netinet/in.h>
#include <string.h>

enum {
	// One number serves both sides, so that each acknowledges what the other has sent: the
	// SYN's data is all there ever is, and comes again and again.
	FRAME_SEQ = 1000,
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

// The header and what follows it to the frame's end. Its checksum is 0 yet.
static void l4_write(uint8_t *l4, uint16_t bytes, uint16_t sport, uint16_t dport, uint8_t protocol,
	uint8_t tcp_flags)
{
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)l4;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)l4;

	if (protocol == IPPROTO_TCP) {
		*tcp = (struct rte_tcp_hdr){
			.src_port = rte_cpu_to_be_16(sport),
			.dst_port = rte_cpu_to_be_16(dport),
			.sent_seq = rte_cpu_to_be_32(
				FRAME_SEQ - (tcp_flags & RTE_TCP_SYN_FLAG ? 1 : 0)),
			.recv_ack = rte_cpu_to_be_32(FRAME_SEQ + bytes - (uint32_t)sizeof(*tcp)),
			.data_off = sizeof(*tcp) / 4 << 4,
			.tcp_flags = tcp_flags,
			.rx_win = rte_cpu_to_be_16(FRAME_WINDOW),
		};
		memset(tcp + 1, 0x5a, bytes - sizeof(*tcp));
		return;
	}
	*udp = (struct rte_udp_hdr){
		.src_port = rte_cpu_to_be_16(sport),
		.dst_port = rte_cpu_to_be_16(dport),
		.dgram_len = rte_cpu_to_be_16(bytes),
	};
	memset(udp + 1, 0xa5, bytes - sizeof(*udp));
}

static void l4_set_cksum(uint8_t *l4, uint8_t protocol, rte_be16_t cksum)
{
	if (protocol == IPPROTO_TCP)
		((struct rte_tcp_hdr *)l4)->cksum = cksum;
	else
		((struct rte_udp_hdr *)l4)->dgram_cksum = cksum;
}

void frame4_write(struct bench_frame *frame, const struct mac_addr *src, const struct mac_addr *dst,
	const struct frame4_tuple *t)
{
	uint8_t *at = ether_write(frame, src, dst, RTE_ETHER_TYPE_IPV4);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)at;
	uint16_t bytes = FRAME4_BYTES - RTE_ETHER_HDR_LEN;
	uint8_t *l4 = (uint8_t *)(ip + 1);

	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16(bytes),
		.packet_id = rte_cpu_to_be_16(1),
		.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = t->ttl,
		.next_proto_id = t->protocol,
		.src_addr = rte_cpu_to_be_32(t->src),
		.dst_addr = rte_cpu_to_be_32(t->dst),
	};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	l4_write(l4, bytes - (uint16_t)sizeof(*ip), t->sport, t->dport, t->protocol, t->tcp_flags);
	l4_set_cksum(l4, t->protocol, rte_ipv4_udptcp_cksum(ip, l4));
}

void frame6_write_tuple(struct bench_frame *frame, const struct mac_addr *src,
	const struct mac_addr *dst, const struct frame6_tuple *t)
{
	uint8_t *at = ether_write(frame, src, dst, RTE_ETHER_TYPE_IPV6);
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)at;
	uint16_t bytes = FRAME6_TCP_BYTES - RTE_ETHER_HDR_LEN - (uint16_t)sizeof(*ip);
	uint8_t *l4 = (uint8_t *)(ip + 1);

	*ip = (struct rte_ipv6_hdr){
		.vtc_flow = rte_cpu_to_be_32(0x60000000),
		.payload_len = rte_cpu_to_be_16(bytes),
		.proto = t->protocol,
		.hop_limits = t->ttl,
	};
	memcpy(ip->src_addr, t->src.v6, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, t->dst.v6, sizeof(ip->dst_addr));
	l4_write(l4, bytes, t->sport, t->dport, t->protocol, t->tcp_flags);
	l4_set_cksum(l4, t->protocol, rte_ipv6_udptcp_cksum(ip, l4));
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
