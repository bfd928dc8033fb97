// SPDX-License-Identifier: BSD-3-Clause
#include <netinet/in.h>
#include <string.h>

#include "dataplane/fragment_internal.h"
#include "dataplane/parse.h"

// RFC 8200 4.5. What stands before the fragment header is the first piece's, as is the next header
// that it names; in later pieces both may be anything.

enum {
	OFFSET = 0xfff8,
	MORE = 1,
	UPPER_MIN = 8, // what of any protocol tells its flow
	SCTP_HEADER = 12,
	ICMP6_FIRST_QUERY = 128, // RFC 4443 2.1: below are errors
};

// Where in the frame the fragment header is: behind hop-by-hop options, destination options and a
// routing header at most (RFC 8200 4.1). 0 when there is none.
static uint16_t fragment_header_at(struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t at = L3_OFFSET + sizeof(struct rte_ipv6_hdr);
	uint8_t next = packet_ip6(m)->proto;

	while (at + 8 <= m->data_len &&
		(next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS || next == IPPROTO_ROUTING)) {
		next = frame[at];
		at += (frame[at + 1] + 1u) * 8;
	}
	return next == IPPROTO_FRAGMENT && at + FRAGMENT6_HEADER <= m->data_len ? (uint16_t)at : 0;
}

// The parser has seen that all headers are there (RFC 7112 5). An ICMPv6 error fits the least MTU
// (RFC 4443 2.4 (c)): one in pieces is nobody's.
static bool first_is_enough(const struct packet *p)
{
	uint32_t bytes = (uint32_t)L3_OFFSET + p->ip_len - p->l4_offset;

	switch (p->protocol) {
	case IPPROTO_ICMPV6:
		return *(const uint8_t *)packet_l4(p) >= ICMP6_FIRST_QUERY;
	case IPPROTO_SCTP:
		return bytes >= SCTP_HEADER;
	default:
		return bytes >= UPPER_MIN;
	}
}

// False, with p->reason, when it is malformed by itself; it may be no fragment, as p->flags then
// say. Cuts off what the frame carries behind the packet.
static bool fragment_read6(struct packet *p, struct fragment *f)
{
	struct rte_mbuf *m = p->m;
	const struct rte_ipv6_hdr *ip = packet_ip6(m);
	const uint8_t *header;
	uint32_t padding;
	uint16_t at, field;

	p->reason = COUNTER_DROP_REASSEMBLY;
	if (m->nb_segs != 1 || m->data_len < L3_OFFSET + sizeof(*ip))
		return false;
	if (packet_parse_ip6(p, m->pkt_len - L3_OFFSET) != PACKET_IP6 || !packet_parse_ip6_upper(p))
		return false;
	if (!(p->flags & PACKET_IS_FRAGMENT))
		return true;
	padding = m->pkt_len - L3_OFFSET - p->ip_len;
	if (rte_pktmbuf_trim(m, (uint16_t)padding) != 0)
		return false;
	at = fragment_header_at(m);
	if (at == 0 || m->data_len == at + FRAGMENT6_HEADER)
		return false;
	if (!(p->flags & PACKET_IS_LATER_FRAGMENT) && !first_is_enough(p))
		return false;
	header = rte_pktmbuf_mtod_offset(m, const uint8_t *, at);
	field = (uint16_t)(header[2] << 8 | header[3]);
	*f = (struct fragment){
		.m = m,
		.key = {.family = IP_V6},
		.offset = field & OFFSET,
		.headers_bytes = at + FRAGMENT6_HEADER,
		.in_whole_bytes = (uint16_t)(at - L3_OFFSET - sizeof(*ip)),
		.ecns = (uint8_t)(1 << (rte_be_to_cpu_32(ip->vtc_flow) >> RTE_IPV6_HDR_TC_SHIFT &
					  ECN_MASK)),
		.is_last = (field & MORE) == 0,
	};
	memcpy(f->key.src, ip->src_addr, sizeof(f->key.src));
	memcpy(f->key.dst, ip->dst_addr, sizeof(f->key.dst));
	memcpy(&f->key.id_be, header + 4, sizeof(f->key.id_be));
	f->end = f->offset + m->data_len - at - FRAGMENT6_HEADER; // the parser knows it to fit
	return true;
}

// Takes the fragment header out; the frame begins eight bytes later.
static void headers_mend(struct rte_mbuf *m, const struct fragment *f)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	uint16_t at = fragment_header_at(m);
	struct rte_ipv6_hdr *ip;

	fragment_memory(m)->id_be = f->key.id_be;
	fragment_memory(m)->at = at;
	frame[fragment_named_by(frame, at)] = frame[at];
	memmove(frame + FRAGMENT6_HEADER, frame, at);
	rte_pktmbuf_adj(m, FRAGMENT6_HEADER);
	ip = packet_ip6(m);
	ip->payload_len = rte_cpu_to_be_16((uint16_t)(m->pkt_len - L3_OFFSET - sizeof(*ip)));
	if (f->ecns & 1 << ECN_CE)
		ip->vtc_flow |= rte_cpu_to_be_32(ECN_CE << RTE_IPV6_HDR_TC_SHIFT);
}

struct rte_mbuf *reassembly_take6(struct worker *w, struct rte_mbuf *m, bool from_host)
{
	struct packet p = {.m = m};
	struct fragment f;

	if (!fragment_read6(&p, &f)) {
		worker_drop(w, m, (enum counter)p.reason);
		return NULL;
	}
	if (!(p.flags & PACKET_IS_FRAGMENT))
		return m;
	f.key.from_host = from_host;
	m = reassembly_add(w, &f);
	if (m != NULL)
		headers_mend(m, &f);
	return m;
}
