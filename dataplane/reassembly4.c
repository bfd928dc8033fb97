// SPDX-License-Identifier: BSD-3-Clause
#include <netinet/in.h>
#include <string.h>

#include "dataplane/fragment_internal.h"
#include "dataplane/parse.h"

// The first piece must hold the headers that decide about the packet, all of them, in its first
// buffer (RFC 1858 3.2.1): for ICMP errors that is what they quote as well.
static bool first_is_long_enough(const uint8_t *l4, uint32_t bytes, uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return bytes >= 20 && bytes >= (uint32_t)(l4[12] >> 4) * 4;
	case IPPROTO_SCTP:
		return bytes >= 12;
	case IPPROTO_ICMP:
		if (bytes < 8 || !icmp4_is_error(l4[0]))
			return bytes >= 8;
		return bytes >= 8 + 20 + 8 && bytes >= 8 + (uint32_t)(l4[8] & 15) * 4 + 8;
	default:
		return bytes >= 8;
	}
}

// False when it is malformed by itself. Cuts off what the frame carries behind the packet.
static bool fragment_read4(struct rte_mbuf *m, struct fragment *f)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(m);
	uint32_t header_bytes, total, before;
	uint16_t flags;

	if (m->data_len < L3_OFFSET + sizeof(*ip))
		return false;
	header_bytes = rte_ipv4_hdr_len(ip);
	before = L3_OFFSET + header_bytes;
	total = rte_be_to_cpu_16(ip->total_length);
	if (header_bytes < sizeof(*ip) || total <= header_bytes || m->data_len <= before ||
		m->pkt_len < L3_OFFSET + total)
		return false;
	if (m->pkt_len > L3_OFFSET + total &&
		rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - L3_OFFSET - total)) != 0)
		return false;
	flags = rte_be_to_cpu_16(ip->fragment_offset);
	*f = (struct fragment){
		.m = m,
		.key = {.id_be = ip->packet_id,
			.protocol = ip->next_proto_id,
			.family = IP_V4,
			.iface = (uint8_t)m->port},
		.offset = (flags & RTE_IPV4_HDR_OFFSET_MASK) * RTE_IPV4_HDR_OFFSET_UNITS,
		.headers_bytes = (uint16_t)before,
		.in_whole_bytes = (uint16_t)header_bytes,
		.ecns = (uint8_t)(1 << (ip->type_of_service & ECN_MASK)),
		.is_last = (flags & RTE_IPV4_HDR_MF_FLAG) == 0,
		.has_df = (flags & RTE_IPV4_HDR_DF_FLAG) != 0,
	};
	memcpy(f->key.src, &ip->src_addr, sizeof(ip->src_addr));
	memcpy(f->key.dst, &ip->dst_addr, sizeof(ip->dst_addr));
	f->end = f->offset + total - header_bytes;
	if (f->end > UINT16_MAX - sizeof(*ip) || (!f->is_last && f->end % 8 != 0))
		return false;
	if (f->offset == 0)
		return first_is_long_enough((const uint8_t *)ip + header_bytes,
			m->data_len - before, ip->next_proto_id);
	// RFC 1858 3.2.2: such a piece could only replace flags of a TCP header.
	return ip->next_proto_id != IPPROTO_TCP || f->offset != 8;
}

struct rte_mbuf *reassembly_take4(struct worker *w, struct rte_mbuf *m, bool from_host)
{
	struct rte_ipv4_hdr *ip;
	struct fragment f;

	if (!fragment_read4(m, &f)) {
		worker_drop(w, m, COUNTER_DROP_REASSEMBLY);
		return NULL;
	}
	f.key.from_host = from_host;
	m = reassembly_add(w, &f);
	if (m == NULL)
		return NULL;
	ip = packet_ip4(m);
	if (f.ecns & 1 << ECN_CE)
		ip->type_of_service |= ECN_CE;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(m->pkt_len - L3_OFFSET));
	ip->fragment_offset = f.has_df ? RTE_BE16(RTE_IPV4_HDR_DF_FLAG) : 0;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return m;
}
