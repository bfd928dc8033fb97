// SPDX-License-Identifier: BSD-3-Clause
// What becomes of an answer on its way: what of it may be kept and for how long (RFC 2308, RFC
// 2181), and the last touch before it goes to the one who asked: id, flags, EDNS, and no more bytes
// than there is room for. Pure. Any thread.
#pragma once

#include "control/dns/cookie.h"
#include "control/dns/dns_answer.h"

struct answer_facts {
	uint16_t bytes; // up to OPT, which is between two neighbours alone, and whatever follows it
	uint16_t n_additional;
	uint16_t n_ttls;
	uint32_t ttl_sec;
	bool may_be_kept;
};

// Where the TTLs are goes to `ttls`. 0, or -EMSGSIZE: there are more than that.
int answer_look(const struct dns_message *answer, uint16_t *ttls, unsigned ttls_max,
	struct answer_facts *facts);
// A copy of the first facts->bytes becomes a message by itself; no TTL is more than `ttl_max_sec`.
void answer_finish_copy(uint8_t *copy, const uint16_t *ttls, const struct answer_facts *facts,
	uint32_t ttl_max_sec);

// Its name is written out, not a pointer into the header: another of its length may take its place.
bool answer_has_plain_question(const struct dns_message *answer);
// The message at `out`, as parsed, loses OPT, what follows it, and what belongs to nothing. Returns
// the bytes that are left.
size_t answer_without_opt(uint8_t *out, const struct dns_message *answer);
// Whether it is validated, kept in the flag AD.
bool answer_is_validated(const uint8_t *message);
void answer_set_validated(uint8_t *message, bool is_validated);

uint32_t answer_get_ttl(const uint8_t *at);
void answer_set_ttl(uint8_t *at, uint32_t ttl_sec);

// What of a query its answer is made by.
struct asked {
	struct dns_question question;
	uint16_t id, flags;
	bool has_edns, is_do;
	uint16_t room_bytes; // that the answer may take, but for its cookie
	bool has_cookie;
	struct cookie cookie; // that it is answered with
};

enum {
	ANSWER_UDP_BYTES = 1232, // the most by UDP, whatever the client offers: no fragments
	ANSWER_OPT_BYTES = 11,
};

void asked_by(const struct dns_message *query, bool is_stream, struct asked *out);

// An answer without OPT at `out` becomes the one to this query: `n` bytes there, `room` in all.
// Returns its length; what is too long is cut to the question, with TC.
size_t answer_finish(
	const struct asked *asked, bool is_validated, uint8_t *out, size_t n, size_t room);
// The whole answer is a code. 0 where the room is too small.
size_t answer_write_code(
	const struct asked *asked, enum dns_rcode rcode, uint8_t *out, size_t room);
// Says why it is what it is (RFC 8914), in the OPT that a finished answer of `n` bytes ends with.
// Its new length: as it was where the query had no EDNS, or there is no room.
size_t answer_explain(const struct asked *asked, enum dns_extra extra, const char *text,
	uint8_t *out, size_t n, size_t room);
// The query had a cookie, and its answer gets this one: the room for that is kept.
void asked_with_cookie(struct asked *asked, const struct cookie *cookie);
// With its cookie, where it has one, behind all else in a finished answer: the last touch of all.
size_t answer_put_cookie(const struct asked *asked, uint8_t *out, size_t n, size_t room);
// The whole answer is "ask again by TCP".
size_t answer_write_cut(const struct asked *asked, uint8_t *out, size_t room);
