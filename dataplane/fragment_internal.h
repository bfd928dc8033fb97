// SPDX-License-Identifier: BSD-3-Clause
// What the files behind fragment.h share: the engine that puts pieces together (reassembly.c), with
// a reader for each family, and the cutting (fragment.c), with a writer for each. Worker threads.
#pragma once

#include <stddef.h>

#include "dataplane/fragment.h"

// Pieces of one packet have equal keys. Hashed and compared as bytes: what is unused is zero.
struct fragment_key {
	uint8_t src[16], dst[16]; // IPv4: the first four
	uint32_t id_be;
	uint8_t protocol;  // IPv4 only (RFC 791 3.2): IPv6 counts for all, and only the first piece
			   // knows (RFC 8200 4.5)
	uint8_t family;	   // enum ip_family
	uint8_t from_host; // nobody on a wire puts a piece among the kernel's
	uint8_t iface;	   // it came by: who is on another is asked by other rules
};

static_assert(sizeof(struct fragment_key) == 40, "no padding");

// A fragment as its headers describe it.
struct fragment {
	struct rte_mbuf *m;
	struct fragment_key key;
	uint32_t offset, end;	 // in what was cut
	uint16_t headers_bytes;	 // of the frame, up to the payload; all in the first buffer
	uint16_t in_whole_bytes; // the first one's: headers that the whole's length counts too
	uint8_t ecns;		 // 1 << its ECN field; of the whole, those of all its pieces
	bool is_last;
	bool has_df; // IPv4; of the whole, whether its largest piece has it
};

// reassembly_add4 and _add6, of the kernel's pieces as well.
struct rte_mbuf *reassembly_take4(struct worker *w, struct rte_mbuf *m, bool from_host);
struct rte_mbuf *reassembly_take6(struct worker *w, struct rte_mbuf *m, bool from_host);

enum { ECN_NOT_ECT = 0, ECN_CE = 3, ECN_MASK = 3 };

// Takes ownership of f->m. The whole packet, a chain behind the first piece's headers as they came,
// when this was the last piece; else NULL. A whole sets f->ecns and f->has_df.
struct rte_mbuf *reassembly_add(struct worker *w, struct fragment *f);

// What a whole remembers of its pieces. Kept in tx_offload of its first buffer: nobody asks a card
// to touch a chain up, and rte_pktmbuf_alloc clears it, so a chain of another making has none. A
// frame from a port may have anything there, but is never a chain (pipeline_rx).
struct fragment_memory {
	uint32_t id_be;	  // IPv6
	uint16_t largest; // bytes of IP
	uint16_t at;	  // IPv6: where in the frame the fragment header was
};

static_assert(sizeof(struct fragment_memory) == sizeof(((struct rte_mbuf *)0)->tx_offload),
	"as large as its place");

static inline struct fragment_memory *fragment_memory(struct rte_mbuf *m)
{
	return (struct fragment_memory *)&m->tx_offload;
}

enum { FRAGMENT6_HEADER = 8 };

// Which byte of a frame of IPv6 says what begins at `at`, behind none but headers whose second byte
// is their length. 0 when nothing begins there.
static inline uint16_t fragment_named_by(const uint8_t *frame, uint16_t at)
{
	uint16_t by = L3_OFFSET + offsetof(struct rte_ipv6_hdr, proto);
	uint32_t begins = L3_OFFSET + sizeof(struct rte_ipv6_hdr);

	while (begins < at) {
		by = (uint16_t)begins;
		begins += (frame[begins + 1] + 1u) * 8;
	}
	return begins == at ? by : 0;
}

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
	unsigned pieces_max;		    // at most FRAGMENT_PIECES_MAX
	fragment_write_fn write;
};

// All pieces or none: how many, 0 when they are too many or there are no buffers. `m` stays the
// caller's.
unsigned fragment_pieces(struct worker *w, const struct fragment_cut *cut,
	struct rte_mbuf *pieces[FRAGMENT_PIECES_MAX]);

// What fragment_send4 and _send6 send, Ethernet as in `m`: how many, 0 when it cannot be cut. `m`
// stays the caller's, IPv6 with its fragment header back in its place.
unsigned fragment_cut4(struct worker *w, struct rte_mbuf *m, uint16_t mtu,
	struct rte_mbuf *pieces[FRAGMENT_PIECES_MAX]);
unsigned fragment_cut6(
	struct worker *w, struct rte_mbuf *m, struct rte_mbuf *pieces[FRAGMENT_PIECES_MAX]);

// What one buffer of the pool holds of IP.
static inline uint16_t fragment_buffer_bytes(const struct worker *w)
{
	return rte_pktmbuf_data_room_size(w->pool) - RTE_PKTMBUF_HEADROOM - L3_OFFSET;
}

// What was in pieces is cut into as few, but for one more where the first's headers are longer than
// the others': who sends one long header and many short ones is to gain nothing by it.
static inline unsigned fragment_pieces_again(const struct rte_mbuf *m)
{
	return RTE_MIN(m->nb_segs + 1u, (unsigned)FRAGMENT_PIECES_MAX);
}
