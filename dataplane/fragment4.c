// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "dataplane/fragment_internal.h"
#include "dataplane/pipeline.h"

enum {
	HEADER_MAX = 60,
	MTU_MIN = 68, // RFC 791 3.2: every link carries that much whole
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_IS_COPIED = 0x80, // RFC 791 3.1: the option goes into every fragment
};

// The header of every piece but the first: options whose copied flag is set, padded with zeroes.
// Returns its length.
static uint16_t header_for_later(
	const uint8_t *first, uint16_t first_bytes, uint8_t later[HEADER_MAX])
{
	uint16_t at = sizeof(struct rte_ipv4_hdr);
	uint16_t to = at;

	memset(later, 0, HEADER_MAX);
	memcpy(later, first, sizeof(struct rte_ipv4_hdr));
	while (at < first_bytes && first[at] != OPTION_END) {
		uint8_t type = first[at];
		uint16_t bytes = 1;

		if (type != OPTION_NOP) {
			if (at + 1 >= first_bytes)
				break;
			bytes = first[at + 1];
			if (bytes < 2 || at + bytes > first_bytes)
				break;
			if ((type & OPTION_IS_COPIED) != 0) {
				memcpy(later + to, first + at, bytes);
				to += bytes;
			}
		}
		at += bytes;
	}
	to = RTE_ALIGN_CEIL(to, 4);
	later[0] = (uint8_t)(4 << 4 | to / 4);
	return to;
}

// The packet may be a fragment itself, so its own place counts.
static void header_write(
	uint8_t *header, uint16_t header_bytes, uint32_t at, uint32_t bytes, bool is_last)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)header;
	uint16_t fragment =
		(uint16_t)(rte_be_to_cpu_16(ip->fragment_offset) + at / RTE_IPV4_HDR_OFFSET_UNITS);

	if (!is_last)
		fragment |= RTE_IPV4_HDR_MF_FLAG;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(header_bytes + bytes));
	ip->fragment_offset = rte_cpu_to_be_16(fragment);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

// "must not be fragmented" (RFC 791 3.1), unless it came so; and a fragment ends on a boundary of
// eight where others follow, and never past what an offset can say.
static bool may_cut(uint16_t fragment, uint32_t payload_bytes, bool is_again)
{
	uint32_t end =
		(fragment & RTE_IPV4_HDR_OFFSET_MASK) * RTE_IPV4_HDR_OFFSET_UNITS + payload_bytes;

	if (((fragment & RTE_IPV4_HDR_DF_FLAG) != 0 && !is_again) || end > UINT16_MAX)
		return false;
	return (fragment & RTE_IPV4_HDR_MF_FLAG) == 0 || payload_bytes % 8 == 0;
}

// How many pieces; 0 when the frame holds no IPv4 packet that can be cut to this size, when it may
// not be cut, or when there are no buffers.
unsigned fragment_cut4(struct worker *w, struct rte_mbuf *m, uint16_t mtu,
	struct rte_mbuf *pieces[FRAGMENT_PIECES_MAX])
{
	uint16_t size = RTE_MIN(mtu, fragment_buffer_bytes(w));
	const struct rte_ipv4_hdr *ip = packet_ip4(m);
	uint16_t was = RTE_MAX(fragment_largest(m), (uint16_t)MTU_MIN);
	bool is_again = fragment_largest(m) != 0 && was <= size;
	uint8_t later[HEADER_MAX];
	uint32_t header_bytes, total;
	struct fragment_cut cut;

	if (m->data_len < L3_OFFSET + sizeof(*ip) || size < MTU_MIN)
		return 0;
	header_bytes = rte_ipv4_hdr_len(ip);
	total = rte_be_to_cpu_16(ip->total_length);
	if (header_bytes < sizeof(*ip) || m->data_len < L3_OFFSET + header_bytes ||
		total < header_bytes || m->pkt_len < L3_OFFSET + total)
		return 0;
	if (is_again)
		size = was;
	if (total > size &&
		!may_cut(rte_be_to_cpu_16(ip->fragment_offset), total - header_bytes, is_again))
		return 0;
	cut = (struct fragment_cut){
		.m = m,
		.first = (const uint8_t *)ip,
		.first_bytes = (uint16_t)header_bytes,
		.later = later,
		.later_bytes = header_for_later((const uint8_t *)ip, (uint16_t)header_bytes, later),
		.payload_at = L3_OFFSET + header_bytes,
		.payload_bytes = total - header_bytes,
		.size = size,
		.pieces_max = is_again ? fragment_pieces_again(m) : FRAGMENT_PIECES_MAX,
		.write = header_write,
	};
	return fragment_pieces(w, &cut, pieces);
}

void fragment_send4(struct worker *w, struct rte_mbuf *m, uint16_t code, uint16_t mtu)
{
	struct rte_mbuf *pieces[FRAGMENT_PIECES_MAX];
	unsigned n = fragment_cut4(w, m, mtu, pieces);

	if (n == 0) {
		worker_drop(w, m, COUNTER_DROP_FRAGMENT_FAILED);
		return;
	}
	if (n > 1)
		worker_count(w, COUNTER_FRAGMENTED);
	rte_pktmbuf_free(m);
	for (unsigned i = 0; i < n; i++)
		pipeline_send4(w, pieces[i], code);
}
