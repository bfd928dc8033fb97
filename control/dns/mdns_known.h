// SPDX-License-Identifier: BSD-3-Clause
// What hosts on the links have said of what somebody asked them for (multicast DNS, RFC 6762): each
// question with its records, kept up to date by whatever is heard, for as long as they live. When
// to ask, when to wait and what to answer. No I/O. Bounded. DNS thread.
#pragma once

#include "control/dns/dns_message.h"

enum {
	MDNS_QUESTIONS_MAX = 512, // of which the one not asked for longest gives way
	MDNS_RECORDS_MAX = 64,	  // of one question
	MDNS_DATA_BYTES_MAX = 4096,
	MDNS_WINDOW_MS = 700,	    // that hosts have to answer
	MDNS_AGAIN_MS = 250,	    // then the question is sent once more: multicast gets lost
	MDNS_GRACE_MS = 100,	    // the name is there: what else it has comes soon or not at all
	MDNS_SHARED_MS = 60000,	    // who offers a service is not asked for again so soon
	MDNS_NOTHING_MS = 5000,	    // nor what nobody has
	MDNS_TTL_SEC_MAX = 120,	    // told to who asked: it does not hear who leaves
	MDNS_RECORD_SEC_MAX = 4500, // RFC 6762 section 10
};

struct mdns_known;
struct mdns_question;

struct mdns_known *mdns_known_new(void); // NULL without memory
void mdns_known_free(struct mdns_known *known);
void mdns_known_clear(struct mdns_known *known); // but for what is held

// Its place, made where there is none. It stays until mdns_known_let_go. NULL: all places are held,
// or no memory.
struct mdns_question *mdns_known_hold(
	struct mdns_known *known, const struct dns_question *question, uint64_t now_ms);
void mdns_known_let_go(struct mdns_question *question);

enum mdns_state {
	MDNS_STATE_ASK = 0, // the links are to be asked
	MDNS_STATE_WAIT,    // they have been
	MDNS_STATE_SETTLED, // what is known is the answer
};
enum mdns_state mdns_question_state(struct mdns_question *question, uint64_t now_ms);

// The question as a message: `n` asked so far, of which the first wants its answer for itself (RFC
// 6762 section 5.4). With a second question that says whether the name is there at all. Its length.
enum { MDNS_QUERY_BYTES_MAX = DNS_HEADER_BYTES + 2 * (DNS_NAME_BYTES_MAX + 4) };
size_t mdns_question_write(
	struct mdns_question *question, uint64_t now_ms, uint8_t out[MDNS_QUERY_BYTES_MAX]);
bool mdns_question_wants_again(const struct mdns_question *question, uint64_t now_ms);

// A response from a link. Whether something was said about what is held here.
bool mdns_known_take(struct mdns_known *known, const struct dns_message *response, uint64_t now_ms);

// What is known of a settled one, as an answer to it by unicast. Its length, at most `room`.
size_t mdns_question_answer(
	struct mdns_question *question, uint64_t now_ms, uint8_t *out, size_t room);

unsigned mdns_known_count(const struct mdns_known *known);
