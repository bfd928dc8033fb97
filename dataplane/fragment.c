// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/fragment_internal.h"

#include <string.h>

// The pieces are copies, each in one buffer of its own: drivers that free buffers fast take no
// shared ones, and some send no chains.

// How many of the `left` bytes of payload the next piece carries: all, or a multiple of eight.
static uint32_t piece_bytes(uint16_t headers_bytes, uint32_t left, uint16_t size)
{
	uint32_t room = (uint32_t)size - headers_bytes;

	return left <= room ? left : room & ~7u;
}

static unsigned pieces_count(const struct fragment_cut *cut)
{
	uint32_t at = piece_bytes(cut->first_bytes, cut->payload_bytes, cut->size);
	unsigned n = 1;

	while (at < cut->payload_bytes) {
		at += piece_bytes(cut->later_bytes, cut->payload_bytes - at, cut->size);
		n++;
	}
	return n;
}

// One piece: Ethernet (written anew by who sends it elsewhere), headers, `bytes` of payload from
// `at`.
static bool piece_fill(
	struct rte_mbuf *piece, const struct fragment_cut *cut, uint32_t at, uint32_t bytes)
{
	const uint8_t *headers = at == 0 ? cut->first : cut->later;
	uint16_t headers_bytes = at == 0 ? cut->first_bytes : cut->later_bytes;
	uint16_t before = (uint16_t)(L3_OFFSET + headers_bytes);
	uint8_t *frame = (uint8_t *)rte_pktmbuf_append(piece, (uint16_t)(before + bytes));
	const void *payload;

	if (frame == NULL)
		return false;
	memcpy(frame, packet_eth(cut->m), L3_OFFSET);
	memcpy(frame + L3_OFFSET, headers, headers_bytes);
	cut->write(frame + L3_OFFSET, headers_bytes, at, bytes, at + bytes == cut->payload_bytes);
	payload = rte_pktmbuf_read(cut->m, cut->payload_at + at, bytes, frame + before);
	if (payload == NULL)
		return false;
	if (payload != frame + before)
		memcpy(frame + before, payload, bytes);
	return true;
}

unsigned fragment_pieces(struct worker *w, const struct fragment_cut *cut,
	struct rte_mbuf *pieces[FRAGMENT_PIECES_MAX])
{
	unsigned n = pieces_count(cut);
	uint32_t at = 0;

	if (n > cut->pieces_max || rte_pktmbuf_alloc_bulk(w->pool, pieces, n) != 0)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		uint32_t bytes = piece_bytes(i == 0 ? cut->first_bytes : cut->later_bytes,
			cut->payload_bytes - at, cut->size);

		if (!piece_fill(pieces[i], cut, at, bytes)) {
			rte_pktmbuf_free_bulk(pieces, n);
			return 0;
		}
		at += bytes;
	}
	return n;
}

unsigned fragment_again(
	struct worker *w, struct rte_mbuf *m, struct rte_mbuf *pieces[FRAGMENT_PIECES_MAX])
{
	bool is_ip6 = packet_eth(m)->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6);
	unsigned n;

	if (m->nb_segs == 1) {
		pieces[0] = m;
		return 1;
	}
	n = is_ip6 ? fragment_cut6(w, m, pieces)
		   : fragment_cut4(w, m, fragment_buffer_bytes(w), pieces);
	if (n == 0) {
		worker_drop(w, m, COUNTER_DROP_FRAGMENT_FAILED);
		return 0;
	}
	worker_count(w, COUNTER_FRAGMENTED);
	rte_pktmbuf_free(m);
	return n;
}

uint16_t fragment_largest(const struct rte_mbuf *m)
{
	struct fragment_memory memory;

	memcpy(&memory, &m->tx_offload, sizeof(memory));
	return m->nb_segs > 1 ? memory.largest : 0;
}
