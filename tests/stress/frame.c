// SPDX-License-Identifier: BSD-3-Clause
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "tests/stress/frame_private.h"

enum {
	HOPS = 64,
	DATA_BYTES = 16,      // of a TCP segment with data
	DATA_SEGMENTS = 3,    // after the SYN
	FIRST_BYTES = 64,     // of layer 4 in the first fragment
	SECOND_BYTES = 16,    // a mark as well
	MARK_TCP_KIND = 253,  // RFC 6994: for experiments
	MARK_TFTP_OPCODE = 1, // the payload of UDP reads as a request to TFTP servers
	MARK_SECRET = 0x5a17e55,
};

struct mark {
	uint8_t kind, n_bytes;
	uint16_t way;
	uint32_t id, seq, check;
};

static_assert(sizeof(struct mark) == SECOND_BYTES, "a fragment of it alone");

static uint16_t checksum(struct frame *f)
{
	void *l4 = f->bytes + f->l4_at;

	return f->is_ip6 ? rte_ipv6_udptcp_cksum(frame_ip6(f), l4)
			 : rte_ipv4_udptcp_cksum(frame_ip4(f), l4);
}

bool frame_sums_up(struct frame *f)
{
	void *l4 = f->bytes + f->l4_at;

	return f->is_ip6 ? rte_ipv6_udptcp_cksum_verify(frame_ip6(f), l4) == 0
			 : rte_ipv4_udptcp_cksum_verify(frame_ip4(f), l4) == 0;
}

uint8_t *frame_checksum_place(struct frame *f)
{
	return f->bytes + f->l4_at +
	       (f->protocol == IPPROTO_TCP ? offsetof(struct rte_tcp_hdr, cksum)
					   : offsetof(struct rte_udp_hdr, dgram_cksum));
}

// --- making ---

static void mark_write(uint8_t *at, const struct talk_packet *packet, bool is_option)
{
	struct mark mark = {
		.kind = is_option ? MARK_TCP_KIND : 0,
		.n_bytes = is_option ? sizeof(mark) : MARK_TFTP_OPCODE,
		.way = (uint16_t)packet->way,
		.id = packet->id,
		.seq = packet->seq,
		.check = packet->id ^ packet->seq << 24 ^ MARK_SECRET,
	};

	memcpy(at, &mark, sizeof(mark));
}

bool frame_mark_read(const uint8_t *at, struct talk_packet *packet)
{
	struct mark mark;

	memcpy(&mark, at, sizeof(mark));
	*packet = (struct talk_packet){mark.id, mark.seq, (enum talk_way)mark.way};
	return mark.way < TALK_WAYS && mark.check == (mark.id ^ mark.seq << 24 ^ MARK_SECRET);
}

// Where a side of a connection is when it has sent `n` packets: each has one for one of the other.
static uint32_t tcp_number(uint32_t id, bool is_answer, uint32_t n)
{
	uint32_t number = id * 2246822519u + is_answer * 40503u;
	uint32_t n_data = n > DATA_SEGMENTS ? DATA_SEGMENTS : n - 1;

	return n == 0 ? number : number + 1 + n_data * DATA_BYTES + (n > DATA_SEGMENTS + 1);
}

static uint16_t tcp_write(uint8_t *l4, const struct talk_packet *packet)
{
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)l4;
	bool is_answer = packet->way == TALK_ANSWERS;
	bool is_end = packet->seq == DATA_SEGMENTS + 2, has_data;
	bool is_reset = is_end && packet->seq == talk_length(packet->id);

	has_data = packet->seq > 1 && packet->seq < DATA_SEGMENTS + 2;
	tcp->sent_seq = rte_cpu_to_be_32(tcp_number(packet->id, is_answer, packet->seq - 1));
	if (packet->seq > 1 || is_answer) {
		tcp->tcp_flags = RTE_TCP_ACK_FLAG;
		tcp->recv_ack = rte_cpu_to_be_32(tcp_number(
			packet->id, !is_answer, is_answer ? packet->seq : packet->seq - 1));
	}
	if (packet->seq == 1)
		tcp->tcp_flags |= RTE_TCP_SYN_FLAG;
	if (is_end)
		tcp->tcp_flags |= is_reset ? RTE_TCP_RST_FLAG : RTE_TCP_FIN_FLAG;
	tcp->data_off = (sizeof(*tcp) + sizeof(struct mark)) / 4 << 4;
	tcp->rx_win = RTE_BE16(8192);
	mark_write((uint8_t *)(tcp + 1), packet, true);
	return (uint16_t)(sizeof(*tcp) + sizeof(struct mark) + has_data * DATA_BYTES);
}

static uint16_t udp_write(uint8_t *l4, const struct talk_packet *packet)
{
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)l4;
	uint16_t n_bytes = sizeof(*udp) + sizeof(struct mark);

	mark_write((uint8_t *)(udp + 1), packet, false);
	if (talk_kind(packet->id)->form == TALK_PIECES) {
		n_bytes = FIRST_BYTES + SECOND_BYTES;
		mark_write(l4 + FIRST_BYTES, packet, false);
	}
	udp->dgram_len = rte_cpu_to_be_16(n_bytes);
	return n_bytes;
}

static void ip_write(struct frame *f, const struct ip_addr *src, const struct ip_addr *dst,
	uint16_t l4_bytes, uint8_t hops)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)f->bytes;

	f->n_bytes = (uint16_t)(f->l4_at + l4_bytes);
	if (f->is_ip6) {
		eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV6);
		frame_ip6(f)->vtc_flow = RTE_BE32(UINT32_C(6) << 28);
		frame_ip6(f)->payload_len = rte_cpu_to_be_16(l4_bytes);
		frame_ip6(f)->proto = f->protocol;
		frame_ip6(f)->hop_limits = hops;
		memcpy(frame_ip6(f)->src_addr, src->v6, 16);
		memcpy(frame_ip6(f)->dst_addr, dst->v6, 16);
		return;
	}
	eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	frame_ip4(f)->version_ihl = RTE_IPV4_VHL_DEF;
	frame_ip4(f)->total_length = rte_cpu_to_be_16((uint16_t)(f->n_bytes - L3_AT));
	frame_ip4(f)->time_to_live = hops;
	frame_ip4(f)->next_proto_id = f->protocol;
	memcpy(&frame_ip4(f)->src_addr, src->v4, 4);
	memcpy(&frame_ip4(f)->dst_addr, dst->v4, 4);
	frame_ip4(f)->hdr_checksum = rte_ipv4_cksum(frame_ip4(f));
}

static uint32_t datagram_id(const struct talk_packet *packet)
{
	return (packet->id * 64 + packet->seq) * 2 + packet->way;
}

struct frame frame_whole(const struct talk_end *from, const struct talk_end *to,
	const struct talk_packet *packet, uint8_t hops)
{
	const struct talk_kind *kind = talk_kind(packet->id);
	struct frame f = {.is_ip6 = kind->family == IP_V6};
	uint16_t ports[2] = {rte_cpu_to_be_16(from->port), rte_cpu_to_be_16(to->port)};
	uint16_t n_bytes, sum;

	f.protocol = kind->form == TALK_TCP ? IPPROTO_TCP : IPPROTO_UDP;
	f.l4_at = (uint16_t)(L3_AT + (f.is_ip6 ? sizeof(struct rte_ipv6_hdr)
					       : sizeof(struct rte_ipv4_hdr)));
	n_bytes = kind->form == TALK_TCP ? tcp_write(f.bytes + f.l4_at, packet)
					 : udp_write(f.bytes + f.l4_at, packet);
	memcpy(f.bytes + f.l4_at, ports, sizeof(ports));
	if (!f.is_ip6)
		frame_ip4(&f)->packet_id = rte_cpu_to_be_16((uint16_t)datagram_id(packet));
	ip_write(&f, &from->addr, &to->addr, n_bytes, hops);
	sum = checksum(&f);
	memcpy(frame_checksum_place(&f), &sum, sizeof(sum));
	return f;
}

struct frame frame_piece(const struct frame *f, const struct talk_packet *packet, unsigned i)
{
	struct frame piece = *f;
	uint16_t at = i == 0 ? 0 : FIRST_BYTES, n_bytes = i == 0 ? FIRST_BYTES : SECOND_BYTES;
	uint16_t place = (uint16_t)(i == 0 ? 1 : FIRST_BYTES); // IPv6: with the flag of more
	uint8_t *header = piece.bytes + piece.l4_at;
	uint32_t id_be = rte_cpu_to_be_32(datagram_id(packet));

	if (f->is_ip6) {
		piece.l4_at += FRAGMENT6_BYTES;
		frame_ip6(&piece)->proto = IPPROTO_FRAGMENT;
		frame_ip6(&piece)->payload_len = rte_cpu_to_be_16(FRAGMENT6_BYTES + n_bytes);
		header[0] = piece.protocol;
		header[1] = 0;
		header[2] = (uint8_t)(place >> 8);
		header[3] = (uint8_t)place;
		memcpy(header + 4, &id_be, sizeof(id_be));
	} else {
		frame_ip4(&piece)->fragment_offset = rte_cpu_to_be_16(
			i == 0 ? RTE_IPV4_HDR_MF_FLAG : FIRST_BYTES / RTE_IPV4_HDR_OFFSET_UNITS);
		frame_ip4(&piece)->total_length =
			rte_cpu_to_be_16((uint16_t)(sizeof(struct rte_ipv4_hdr) + n_bytes));
		frame_ip4(&piece)->hdr_checksum = 0;
		frame_ip4(&piece)->hdr_checksum = rte_ipv4_cksum(frame_ip4(&piece));
	}
	memcpy(piece.bytes + piece.l4_at, f->bytes + f->l4_at + at, n_bytes);
	piece.n_bytes = (uint16_t)(piece.l4_at + n_bytes);
	return piece;
}

static struct rte_mbuf *buffer_of(
	struct rte_mempool *pool, struct frame *f, const struct talk_end *from)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)f->bytes;
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t host = from->addr.bytes[from->addr.family == IP_V6 ? 15 : 3];

	if (m == NULL)
		return NULL;
	eth->dst_addr = (struct rte_ether_addr){{2, 0, 0, 0, 0, from->iface}};
	eth->src_addr = (struct rte_ether_addr){{2, 1, 0, 0, from->iface, host}};
	memcpy(rte_pktmbuf_append(m, f->n_bytes), f->bytes, f->n_bytes);
	return m;
}

unsigned frame_make(struct rte_mempool *pool, const struct talk_end *from,
	const struct talk_end *to, const struct talk_packet *packet,
	struct rte_mbuf *pieces[FRAME_PIECES])
{
	unsigned n = talk_kind(packet->id)->form == TALK_PIECES ? FRAME_PIECES : 1;
	struct frame f = frame_whole(from, to, packet, HOPS);

	for (unsigned i = 0; i < n; i++) {
		struct frame piece = n > 1 ? frame_piece(&f, packet, i) : f;

		pieces[i] = buffer_of(pool, &piece, from);
		if (pieces[i] == NULL) {
			rte_pktmbuf_free_bulk(pieces, i);
			return 0;
		}
	}
	return n;
}

struct rte_mbuf *frame_make_error(
	struct rte_mempool *pool, const struct rte_mbuf *m, const struct talk_heard *heard)
{
	struct frame f = {.is_ip6 = heard->sender.addr.family == IP_V6};
	uint16_t quoted = (uint16_t)(m->pkt_len - L3_AT);
	uint16_t n_bytes = (uint16_t)(sizeof(struct rte_icmp_hdr) + quoted);
	struct rte_icmp_hdr *icmp;

	f.protocol = f.is_ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	f.l4_at = (uint16_t)(L3_AT + (f.is_ip6 ? sizeof(struct rte_ipv6_hdr)
					       : sizeof(struct rte_ipv4_hdr)));
	assert(f.l4_at + n_bytes <= FRAME_MAX);
	icmp = (struct rte_icmp_hdr *)(f.bytes + f.l4_at);
	icmp->icmp_type = f.is_ip6 ? ICMP6_UNREACHABLE : ICMP4_UNREACHABLE;
	icmp->icmp_code = f.is_ip6 ? 3 : 1;
	memcpy(icmp + 1, rte_pktmbuf_mtod_offset(m, const uint8_t *, L3_AT), quoted);
	ip_write(&f, &heard->receiver.addr, &heard->sender.addr, n_bytes, HOPS);
	icmp->icmp_cksum = f.is_ip6 ? checksum(&f) : (uint16_t)~rte_raw_cksum(icmp, n_bytes);
	return buffer_of(pool, &f, &heard->receiver);
}
