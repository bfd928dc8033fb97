// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/fragment.h"

#include <string.h>

#include "dataplane/pipeline.h"

// The pieces are copies, each in one buffer of its own: drivers that free buffers fast take no
// shared ones, and some send no chains.

enum {
	IP4_HEADER_MAX = 60,
	IP4_MTU_MIN = 68, // RFC 791 3.2: every link carries that much whole
	PIECES_MAX = 1024,
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_IS_COPIED = 0x80, // RFC 791 3.1: the option goes into every fragment
};

// An IPv4 header for pieces, options included.
struct header {
	uint8_t bytes[IP4_HEADER_MAX];
	uint16_t n_bytes;
};

static struct rte_ipv4_hdr *header_ip(struct header *header)
{
	return (struct rte_ipv4_hdr *)header->bytes;
}

// The header of every piece but the first: options whose copied flag is set, padded with zeroes.
static void header_for_later(const struct header *first, struct header *later)
{
	uint16_t at = sizeof(struct rte_ipv4_hdr);
	uint16_t to = at;

	memset(later, 0, sizeof(*later));
	memcpy(later->bytes, first->bytes, sizeof(struct rte_ipv4_hdr));
	while (at < first->n_bytes && first->bytes[at] != OPTION_END) {
		uint8_t type = first->bytes[at];
		uint16_t bytes = 1;

		if (type != OPTION_NOP) {
			if (at + 1 >= first->n_bytes)
				break;
			bytes = first->bytes[at + 1];
			if (bytes < 2 || at + bytes > first->n_bytes)
				break;
			if ((type & OPTION_IS_COPIED) != 0) {
				memcpy(later->bytes + to, first->bytes + at, bytes);
				to += bytes;
			}
		}
		at += bytes;
	}
	later->n_bytes = RTE_ALIGN_CEIL(to, 4);
	header_ip(later)->version_ihl = (uint8_t)(4 << 4 | later->n_bytes / 4);
}

// How many of the `left` bytes of payload the next piece carries: all, or a multiple of eight.
static uint32_t piece_bytes(const struct header *header, uint32_t left, uint16_t mtu)
{
	uint32_t room = (uint32_t)mtu - header->n_bytes;

	return left <= room ? left : room & ~7u;
}

static unsigned pieces_count(const struct header *first, const struct header *later,
	uint32_t payload_bytes, uint16_t mtu)
{
	uint32_t at = piece_bytes(first, payload_bytes, mtu);
	unsigned n = 1;

	while (at < payload_bytes) {
		at += piece_bytes(later, payload_bytes - at, mtu);
		n++;
	}
	return n;
}

// One piece: Ethernet (written by who sends it), header, `bytes` of payload from `at`.
static bool piece_fill(struct rte_mbuf *piece, struct rte_mbuf *m, uint32_t payload_offset,
	struct header *header, uint32_t at, uint32_t bytes, uint16_t fragment)
{
	struct rte_ipv4_hdr *ip = header_ip(header);
	uint16_t before = (uint16_t)(L3_OFFSET + header->n_bytes);
	uint8_t *frame = (uint8_t *)rte_pktmbuf_append(piece, (uint16_t)(before + bytes));
	const void *payload;

	if (frame == NULL)
		return false;
	memset(frame, 0, L3_OFFSET);
	ip->total_length = rte_cpu_to_be_16((uint16_t)(header->n_bytes + bytes));
	ip->fragment_offset = rte_cpu_to_be_16(fragment);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	memcpy(frame + L3_OFFSET, header->bytes, header->n_bytes);
	payload = rte_pktmbuf_read(m, payload_offset + at, bytes, frame + before);
	if (payload == NULL)
		return false;
	if (payload != frame + before)
		memcpy(frame + before, payload, bytes);
	return true;
}

// False when the frame holds no IPv4 packet that can be cut to this size.
static bool header_read(struct rte_mbuf *m, uint16_t mtu, struct header *first)
{
	const struct rte_ipv4_hdr *ip;
	uint32_t total;

	memset(first, 0, sizeof(*first));
	if (m->data_len < L3_OFFSET + sizeof(*ip) || mtu < IP4_MTU_MIN)
		return false;
	ip = packet_ip4(m);
	first->n_bytes = rte_ipv4_hdr_len(ip);
	total = rte_be_to_cpu_16(ip->total_length);
	if (first->n_bytes < sizeof(*ip) || m->data_len < L3_OFFSET + first->n_bytes ||
		total < first->n_bytes || m->pkt_len < L3_OFFSET + total)
		return false;
	memcpy(first->bytes, ip, first->n_bytes);
	return true;
}

// "must not be fragmented" (RFC 791 3.1); and a fragment ends on a boundary of eight where others
// follow, and never past what an offset can say.
static bool may_cut(uint16_t fragment, uint32_t payload_bytes)
{
	uint32_t end =
		(fragment & RTE_IPV4_HDR_OFFSET_MASK) * RTE_IPV4_HDR_OFFSET_UNITS + payload_bytes;

	if ((fragment & RTE_IPV4_HDR_DF_FLAG) != 0 || end > UINT16_MAX)
		return false;
	return (fragment & RTE_IPV4_HDR_MF_FLAG) == 0 || payload_bytes % 8 == 0;
}

// All pieces or none. How many, 0 when there are no buffers or it may not be.
static unsigned cut(
	struct worker *w, struct rte_mbuf *m, uint16_t mtu, struct rte_mbuf *pieces[PIECES_MAX])
{
	struct header first, later;
	uint32_t payload_bytes, at = 0;
	uint16_t fragment;
	unsigned n;

	if (!header_read(m, mtu, &first))
		return 0;
	header_for_later(&first, &later);
	payload_bytes = rte_be_to_cpu_16(header_ip(&first)->total_length) - first.n_bytes;
	fragment = rte_be_to_cpu_16(header_ip(&first)->fragment_offset);
	n = pieces_count(&first, &later, payload_bytes, mtu);
	if (n > PIECES_MAX || (n > 1 && !may_cut(fragment, payload_bytes)) ||
		rte_pktmbuf_alloc_bulk(w->pool, pieces, n) != 0)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		struct header *header = i == 0 ? &first : &later;
		uint32_t bytes = piece_bytes(header, payload_bytes - at, mtu);
		bool is_last = at + bytes == payload_bytes;

		if (!piece_fill(pieces[i], m, L3_OFFSET + first.n_bytes, header, at, bytes,
			    (uint16_t)((fragment + at / 8) |
				       (is_last ? 0 : RTE_IPV4_HDR_MF_FLAG)))) {
			rte_pktmbuf_free_bulk(pieces, n);
			return 0;
		}
		at += bytes;
	}
	return n;
}

void fragment_send4(struct worker *w, struct rte_mbuf *m, uint16_t code, uint16_t mtu)
{
	uint16_t buffer = rte_pktmbuf_data_room_size(w->pool) - RTE_PKTMBUF_HEADROOM - L3_OFFSET;
	struct rte_mbuf *pieces[PIECES_MAX];
	unsigned n = cut(w, m, RTE_MIN(mtu, buffer), pieces);

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
