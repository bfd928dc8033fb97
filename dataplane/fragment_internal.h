// SPDX-License-Identifier: BSD-3-Clause
// What the files behind fragment.h share: the engine that puts pieces together (reassembly.c), with
// a reader for each family, and the cutting (fragment.c), with a writer for each. Worker threads.
#pragma once

#include "dataplane/fragment.h"

// Pieces of one packet have equal keys. Hashed and compared as bytes: what is unused is zero.
struct fragment_key {
	uint8_t src[16], dst[16]; // IPv4: the first four
	uint32_t id_be;
	uint8_t protocol; // IPv4 only: a sender counts for each by itself (RFC 791 3.2)
	uint8_t family;	  // enum ip_family
	uint8_t zero[2];
};

static_assert(sizeof(struct fragment_key) == 40, "no padding");

// A fragment as its headers describe it.
struct fragment {
	struct rte_mbuf *m;
	struct fragment_key key;
	uint32_t offset, end;	 // in what was cut
	uint16_t headers_bytes;	 // of the frame, up to the payload; all in the first buffer
	uint16_t in_whole_bytes; // the first one's: headers that the whole's length counts too
	bool is_last;
};

// Takes ownership of f->m. The whole packet, a chain behind the first piece's headers as they came,
// when this was the last piece; else NULL.
struct rte_mbuf *reassembly_add(struct worker *w, const struct fragment *f);

enum { FRAGMENT_PIECES_MAX = 1024 }; // that one packet is cut into

// Completes a piece's headers, copied from the whole's, for `bytes` of payload from `at`.
typedef void (*fragment_write_fn)(
	uint8_t *headers, uint16_t headers_bytes, uint32_t at, uint32_t bytes, bool is_last);

// A packet to be cut.
struct fragment_cut {
	struct rte_mbuf *m;
	const uint8_t *first, *later; // headers of the first piece, and of the others
	uint16_t first_bytes, later_bytes;
	uint32_t payload_at, payload_bytes; // in the frame
	uint16_t size;			    // of a piece at most; room for headers and 8 bytes
	fragment_write_fn write;
};

// All pieces or none: how many, 0 when there are no buffers. `m` stays the caller's.
unsigned fragment_pieces(struct worker *w, const struct fragment_cut *cut,
	struct rte_mbuf *pieces[FRAGMENT_PIECES_MAX]);
