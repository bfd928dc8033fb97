// SPDX-License-Identifier: BSD-3-Clause
// Writes the answer to a query: its id and question as they came, names compressed (RFC 1035,
// section 4.1.4), EDNS where the query had it, a reason for programs (RFC 8914). Never longer than
// who asked takes: what does not fit is left out and told by TC. Any thread.
#pragma once

#include "control/dns/dns_message.h"

enum {
	DNS_ANSWER_NAMES_MAX = 64,   // that later ones may point to
	DNS_ANSWER_UDP_BYTES = 1232, // that we take ourselves: no fragments (RFC 9715)
	DNS_EXTRA_TEXT_MAX = 200,
};

enum dns_extra { // RFC 8914, section 5.2
	DNS_EXTRA_NONE = 0,
	DNS_EXTRA_STALE = 3,
	DNS_EXTRA_FORGED = 4,
	DNS_EXTRA_BOGUS = 6,
	DNS_EXTRA_BLOCKED = 15,
	DNS_EXTRA_CENSORED = 16,
	DNS_EXTRA_FILTERED = 17,
	DNS_EXTRA_PROHIBITED = 18,
	DNS_EXTRA_STALE_NXDOMAIN = 19,
	DNS_EXTRA_UNREACHABLE = 22, // nobody who could know answers
};

struct dns_answer {
	struct cursor_out out;
	const struct dns_message *query;
	size_t bytes_max; // for records; the rest is for EDNS
	uint16_t n_records[DNS_SECTIONS];
	bool is_cut;
	uint16_t flags;
	enum dns_extra extra;
	char extra_text[DNS_EXTRA_TEXT_MAX + 1];
	uint16_t names[DNS_ANSWER_NAMES_MAX]; // where names or their ends are, not behind pointers
	unsigned n_names;
};

// Bytes of an answer by UDP that this query's sender takes.
size_t dns_answer_udp_bytes(const struct dns_message *query);

// Begins in `bytes`, of which at most `room` are written; the query must outlive it. `room` is at
// least DNS_UDP_BYTES.
void dns_answer_begin(
	struct dns_answer *answer, const struct dns_message *query, void *bytes, size_t room);

// Each adds a record of class IN, sections in their order. False: it did not fit, nor will another.
bool dns_answer_add(struct dns_answer *answer, enum dns_section section,
	const struct dns_name *name, uint16_t type, uint32_t ttl_sec, const void *data, size_t n);
bool dns_answer_add_address(struct dns_answer *answer, const struct dns_name *name,
	uint32_t ttl_sec, const struct ip_addr *addr);
// With a name at the end of its data, behind `n` bytes.
bool dns_answer_add_target(struct dns_answer *answer, enum dns_section section,
	const struct dns_name *name, uint16_t type, uint32_t ttl_sec, const void *data, size_t n,
	const struct dns_name *target);
// Of a zone that is ours: how long it may be remembered that something is not there (RFC 2308).
bool dns_answer_add_soa(struct dns_answer *answer, const struct dns_name *zone, uint32_t ttl_sec);

// Why the answer is what it is; cut at DNS_EXTRA_TEXT_MAX.
void dns_answer_explain(struct dns_answer *answer, enum dns_extra extra, const char *text);

// The data of an OPT with its length in front: one reason, or none. Without its text where that
// would take more than `room` bytes, and none where that does not help.
void dns_extra_put(struct cursor_out *out, size_t room, enum dns_extra extra, const char *text);

// `flags`: DNS_AA, DNS_AD or none; RA is always set. Returns the answer's bytes.
size_t dns_answer_end(struct dns_answer *answer, enum dns_rcode rcode, uint16_t flags);
