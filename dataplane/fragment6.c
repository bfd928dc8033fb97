// SPDX-License-Identifier: BSD-3-Clause
#include <netinet/in.h>
#include <string.h>

#include "dataplane/fragment_internal.h"
#include "dataplane/pipeline.h"

enum { MORE = 1 };

static void headers_write(
	uint8_t *headers, uint16_t headers_bytes, uint32_t at, uint32_t bytes, bool is_last)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)headers;
	uint8_t *fragment = headers + headers_bytes - FRAGMENT6_HEADER;
	uint16_t field = (uint16_t)(at | (is_last ? 0 : MORE)); // the offset's low bits are zero

	ip->payload_len = rte_cpu_to_be_16((uint16_t)(headers_bytes - sizeof(*ip) + bytes));
	fragment[2] = (uint8_t)(field >> 8);
	fragment[3] = (uint8_t)field;
}

// Puts the fragment header back where it was, in the room that taking it out has left before the
// frame. False when `m` never was in pieces.
static bool fragment_header_insert(struct rte_mbuf *m)
{
	const struct fragment_memory memory = *fragment_memory(m);
	uint8_t *frame, *header;
	uint16_t named_by;

	if (m->nb_segs == 1 || memory.largest == 0 || memory.at > m->data_len)
		return false;
	named_by = fragment_named_by(rte_pktmbuf_mtod(m, const uint8_t *), memory.at);
	frame = (uint8_t *)rte_pktmbuf_prepend(m, FRAGMENT6_HEADER);
	if (named_by == 0 || frame == NULL)
		return false;
	memmove(frame, frame + FRAGMENT6_HEADER, memory.at);
	header = frame + memory.at;
	header[0] = frame[named_by];
	header[1] = 0;
	memcpy(header + 4, &memory.id_be, sizeof(memory.id_be));
	frame[named_by] = IPPROTO_FRAGMENT;
	return true;
}

unsigned fragment_cut6(
	struct worker *w, struct rte_mbuf *m, struct rte_mbuf *pieces[FRAGMENT_PIECES_MAX])
{
	struct fragment_cut cut;
	uint16_t before;

	if (!fragment_header_insert(m))
		return 0;
	before = fragment_memory(m)->at + FRAGMENT6_HEADER;
	cut = (struct fragment_cut){
		.m = m,
		.first = (const uint8_t *)packet_ip6(m),
		.first_bytes = before - L3_OFFSET,
		.later = (const uint8_t *)packet_ip6(m),
		.later_bytes = before - L3_OFFSET,
		.payload_at = before,
		.payload_bytes = m->pkt_len - before,
		.size = RTE_MIN(fragment_memory(m)->largest, fragment_buffer_bytes(w)),
		.pieces_max = fragment_pieces_again(m),
		.write = headers_write,
	};
	return cut.size >= cut.first_bytes + 8 ? fragment_pieces(w, &cut, pieces) : 0;
}

void fragment_send6(struct worker *w, struct rte_mbuf *m, uint16_t code)
{
	struct rte_mbuf *pieces[FRAGMENT_PIECES_MAX];
	unsigned n = fragment_cut6(w, m, pieces);

	if (n == 0) {
		worker_drop(w, m, COUNTER_DROP_FRAGMENT_FAILED);
		return;
	}
	worker_count(w, COUNTER_FRAGMENTED);
	rte_pktmbuf_free(m);
	for (unsigned i = 0; i < n; i++)
		pipeline_send6(w, pieces[i], code);
}
