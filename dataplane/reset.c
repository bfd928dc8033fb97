// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/reset.h"

#include <string.h>

#include "dataplane/host.h"
#include "dataplane/parse.h"

enum { RESET_HOP_LIMIT = 64 };

// What a segment takes of the sequence space.
static uint32_t segment_bytes(const struct packet *p, const struct rte_tcp_hdr *tcp)
{
	uint32_t end = L3_OFFSET + p->ip_len;
	uint32_t payload = p->l4_offset + (uint32_t)(tcp->data_off >> 4) * 4;

	return end - payload + ((p->tcp_flags & RTE_TCP_SYN_FLAG) != 0) +
	       ((p->tcp_flags & RTE_TCP_FIN_FLAG) != 0);
}

static struct rte_tcp_hdr header_of(const struct packet *p)
{
	const struct rte_tcp_hdr *tcp = packet_l4(p);

	return (struct rte_tcp_hdr){
		.src_port = tcp->src_port,
		.dst_port = tcp->dst_port,
		.data_off = sizeof(*tcp) / 4 << 4,
		.tcp_flags = RTE_TCP_RST_FLAG,
	};
}

// "If the ACK bit is off, sequence number zero is used, <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>;
// if the ACK bit is on, <SEQ=SEG.ACK><CTL=RST>" (RFC 9293 3.10.7.1).
static struct rte_tcp_hdr answer_of(const struct packet *p)
{
	const struct rte_tcp_hdr *tcp = packet_l4(p);
	struct rte_tcp_hdr reset = header_of(p);

	reset.src_port = tcp->dst_port;
	reset.dst_port = tcp->src_port;
	if (p->tcp_flags & RTE_TCP_ACK_FLAG) {
		reset.sent_seq = tcp->recv_ack;
	} else {
		reset.tcp_flags |= RTE_TCP_ACK_FLAG;
		reset.recv_ack =
			rte_cpu_to_be_32(rte_be_to_cpu_32(tcp->sent_seq) + segment_bytes(p, tcp));
	}
	return reset;
}

// From `src` to `dst`.
static uint32_t ip4_write(struct rte_ipv4_hdr *ip, uint32_t src_be, uint32_t dst_be, uint16_t id)
{
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = RTE_BE16(sizeof(*ip) + sizeof(struct rte_tcp_hdr)),
		.packet_id = id,
		.time_to_live = RESET_HOP_LIMIT,
		.next_proto_id = IPPROTO_TCP,
		.src_addr = src_be,
		.dst_addr = dst_be,
	};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return sizeof(*ip);
}

static uint32_t ip6_write(struct rte_ipv6_hdr *ip, const uint8_t src[16], const uint8_t dst[16])
{
	*ip = (struct rte_ipv6_hdr){
		.vtc_flow = RTE_BE32(0x60000000),
		.payload_len = RTE_BE16(sizeof(struct rte_tcp_hdr)),
		.proto = IPPROTO_TCP,
		.hop_limits = RESET_HOP_LIMIT,
	};
	memcpy(ip->src_addr, src, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, dst, sizeof(ip->dst_addr));
	return sizeof(*ip);
}

// With room for its headers.
static struct rte_mbuf *buffer_new(struct worker *w, bool is_ip6)
{
	uint32_t bytes = L3_OFFSET + sizeof(struct rte_tcp_hdr) +
			 (is_ip6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr));
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->pool);

	if (m != NULL && rte_pktmbuf_append(m, (uint16_t)bytes) != NULL)
		return m;
	rte_pktmbuf_free(m);
	return NULL;
}

// Behind an IP header that is there.
static void tcp_write(struct rte_mbuf *m, bool is_ip6, uint8_t *l4, struct rte_tcp_hdr tcp)
{
	memcpy(l4, &tcp, sizeof(tcp));
	tcp.cksum = is_ip6 ? rte_ipv6_udptcp_cksum(packet_ip6(m), l4)
			   : rte_ipv4_udptcp_cksum(packet_ip4(m), l4);
	memcpy(l4, &tcp, sizeof(tcp));
}

static struct rte_mbuf *reset_new(struct worker *w, const struct packet *p, struct rte_tcp_hdr tcp)
{
	bool is_ip6 = p->kind == PACKET_IP6;
	struct rte_mbuf *m = buffer_new(w, is_ip6);
	uint8_t *l3;
	uint32_t bytes;

	if (m == NULL)
		return NULL;
	*packet_eth(m) = *packet_eth(p->m);
	l3 = (uint8_t *)(packet_eth(m) + 1);
	if (is_ip6)
		bytes = ip6_write(
			packet_ip6(m), packet_ip6(p->m)->src_addr, packet_ip6(p->m)->dst_addr);
	else
		bytes = ip4_write(packet_ip4(m), packet_ip4(p->m)->src_addr,
			packet_ip4(p->m)->dst_addr, (uint16_t)worker_random(w));
	tcp_write(m, is_ip6, l3 + bytes, tcp);
	return m;
}

// Addresses alone: no checksum changes by it.
static void turn_back(struct rte_mbuf *m, bool is_ip6)
{
	struct rte_ether_hdr *eth = packet_eth(m);
	struct rte_ether_addr mac = eth->src_addr;
	uint8_t *src = is_ip6 ? packet_ip6(m)->src_addr : (uint8_t *)&packet_ip4(m)->src_addr;
	uint32_t n_bytes = is_ip6 ? 16 : 4;
	uint8_t address[16];

	eth->src_addr = eth->dst_addr;
	eth->dst_addr = mac;
	memcpy(address, src, n_bytes);
	memcpy(src, src + n_bytes, n_bytes); // dst stands behind it
	memcpy(src + n_bytes, address, n_bytes);
}

// False: over the rate, which is counted.
static bool may_reset(struct worker *w)
{
	if (token_take(&w->reset_budget))
		return true;
	worker_count(w, COUNTER_RESET_LIMITED);
	return false;
}

// NULL: over the rate, or no buffer; counted.
static struct rte_mbuf *reset_try(struct worker *w, const struct packet *p, struct rte_tcp_hdr tcp)
{
	struct rte_mbuf *m;

	if (!may_reset(w))
		return NULL;
	m = reset_new(w, p, tcp);
	worker_count(w, m != NULL ? COUNTER_RESET_SENT : COUNTER_DROP_NO_BUFFER);
	return m;
}

// "A reset is valid if its sequence number exactly matches the next expected sequence number"
// (RFC 5961 3.2); in SYN-SENT it is by its ACK (RFC 9293 3.5.3): it has both.
struct rte_mbuf *reset_of_flow(
	struct worker *w, const struct flow *flow, unsigned d, const struct rte_ether_addr *mac)
{
	const struct flow_dir *dir = &flow->dir[d];
	bool is_ip6 = dir->flags & FLOW_IS_IP6;
	struct rte_tcp_hdr tcp = {
		.src_port = is_ip6 ? dir->key6.sport_be : dir->key4.sport_be,
		.dst_port = is_ip6 ? dir->key6.dport_be : dir->key4.dport_be,
		.sent_seq = rte_cpu_to_be_32(dir->tcp_end),
		.recv_ack = rte_cpu_to_be_32(flow->dir[1 - d].tcp_end),
		.data_off = sizeof(tcp) / 4 << 4,
		.tcp_flags = RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG,
	};
	struct rte_mbuf *m = may_reset(w) ? buffer_new(w, is_ip6) : NULL;
	uint32_t bytes;

	if (m == NULL)
		return NULL;
	*packet_eth(m) = (struct rte_ether_hdr){
		.dst_addr = *mac,
		.src_addr = *mac,
		.ether_type =
			is_ip6 ? RTE_BE16(RTE_ETHER_TYPE_IPV6) : RTE_BE16(RTE_ETHER_TYPE_IPV4),
	};
	if (is_ip6)
		bytes = ip6_write(packet_ip6(m), dir->key6.src, dir->key6.dst);
	else
		bytes = ip4_write(packet_ip4(m), dir->key4.src_be, dir->key4.dst_be,
			(uint16_t)worker_random(w));
	tcp_write(m, is_ip6, (uint8_t *)(packet_eth(m) + 1) + bytes, tcp);
	worker_count(w, COUNTER_RESET_SENT);
	return m;
}

bool reset_onward(struct worker *w, const struct packet *p, uint32_t seq, struct packet *reset)
{
	struct rte_tcp_hdr tcp = header_of(p);

	// "If the state is SYN-SENT then [...] the reset is valid if the ACK field acknowledges the
	// SYN" (RFC 9293 3.5.3)
	tcp.sent_seq = rte_cpu_to_be_32(seq);
	tcp.recv_ack = ((const struct rte_tcp_hdr *)packet_l4(p))->recv_ack;
	tcp.tcp_flags |= p->tcp_flags & RTE_TCP_ACK_FLAG;
	*reset = *p;
	reset->m = reset_try(w, p, tcp);
	if (reset->m == NULL)
		return false;
	reset->tcp_flags = tcp.tcp_flags;
	reset->ip_len = (uint16_t)(reset->m->pkt_len - L3_OFFSET);
	reset->l4_offset = (uint16_t)(reset->m->pkt_len - sizeof(tcp));
	return true;
}

void reset_answer(struct worker *w, struct packet *p, enum counter reason)
{
	struct rte_mbuf *m = NULL;

	// "If the RST bit is set, it is dropped"; and who sent it to all asked nobody.
	if (!(p->tcp_flags & RTE_TCP_RST_FLAG) &&
		!rte_is_multicast_ether_addr(&packet_eth(p->m)->dst_addr))
		m = reset_try(w, p, answer_of(p));
	if (m != NULL) {
		turn_back(m, p->kind == PACKET_IP6);
		if (p->flags & PACKET_FROM_HOST)
			host_punt(w, (uint8_t)p->iface, m, COUNTER_PUNT_LOCAL);
		else
			worker_send(w, (uint8_t)p->iface, m);
	}
	worker_drop(w, p->m, reason);
}
