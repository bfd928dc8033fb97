// SPDX-License-Identifier: BSD-3-Clause
// A stretch of a TCP stream that was replaced by a text of another length, and what that does to
// sequence numbers: behind it they are others to the receiver than to the sender. The last stretch
// is remembered, since it may be sent again; of those before, only how far they have moved what
// follows: they were acknowledged. Zeroed it is inert. Numbers in host order. Any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_tcp.h>

enum { TCP_EDIT_MAX = 64 };

struct tcp_edit {
	uint32_t at;		       // where the stretch begins, as its sender counts
	uint32_t before;	       // to be added to numbers up to there
	uint16_t old_bytes, new_bytes; // 0, 0: no stretch
	uint8_t text[TCP_EDIT_MAX];    // what it became
};

// Another stretch, behind the one that is known.
void tcp_edit_begin(struct tcp_edit *edit, uint32_t at, uint16_t old_bytes, const void *text,
	uint16_t new_bytes);
// As the receiver counts. Numbers in the middle of the stretch do not occur there.
uint32_t tcp_edit_forth(const struct tcp_edit *edit, uint32_t seq);
// As the sender counts: the middle of the new text is where the old one begins, or, `up`, ends.
uint32_t tcp_edit_back(const struct tcp_edit *edit, uint32_t seq, bool up);
// It was acknowledged long ago: only how far it has moved the rest is kept. Else numbers half their
// range further on would seem to lie before it. `ack`: as the sender counts.
void tcp_edit_settle(struct tcp_edit *edit, uint32_t ack);

// What of the segment [seq, seq + bytes) is in the stretch.
enum tcp_edit_part { TCP_EDIT_NOTHING = 0, TCP_EDIT_ALL, TCP_EDIT_SOME };
enum tcp_edit_part tcp_edit_part(const struct tcp_edit *edit, uint32_t seq, uint32_t bytes);

// A segment's header from one end's numbers to the other's: `own` of its sender, `other` of whose
// bytes it acknowledges; selective acknowledgements (RFC 2018) too. The checksum follows.
void tcp_edit_header(
	struct rte_tcp_hdr *tcp, const struct tcp_edit *own, const struct tcp_edit *other);
