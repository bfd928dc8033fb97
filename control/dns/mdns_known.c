// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/mdns_known.h"

#include <stdlib.h>

#include "control/dns/dns_answer.h"
#include "control/dns/strip.h"
#include "control/hash.h"

enum {
	BUCKETS = 256,
	CLASS_BITS = 0x7fff,
	CLASS_FLUSH = 0x8000, // RFC 6762 section 10.2: these are all there are
	CLASS_UNICAST = 0x8000,
	TYPE_NSEC = 47,
	FLUSH_AGE_MS = 1000,
	GOODBYE_MS = 1000, // RFC 6762 section 10.1
	MS_PER_SEC = 1000,
	LENGTH_BYTES = 2,
};

struct record {
	uint8_t *data; // names in it written out
	uint16_t n;
	bool is_unique;
	uint64_t came_ms, ends_ms;
};

struct mdns_question {
	struct mdns_question *next; // in its bucket
	uint64_t hash;		    // of the name
	struct dns_question asked;
	struct record records[MDNS_RECORDS_MAX];
	unsigned n_records, n_holders;
	unsigned n_sent; // 0: it is not being asked
	uint64_t asked_ms, used_ms;
	uint64_t seen_ms;	  // something of the name was heard since; 0: nothing
	uint64_t denied_until_ms; // its host says that it has nothing of this type
};

struct mdns_known {
	struct mdns_question *buckets[BUCKETS];
	unsigned n;
	uint64_t seed;
};

struct mdns_known *mdns_known_new(void)
{
	struct mdns_known *known = calloc(1, sizeof(*known));

	if (known != NULL)
		known->seed = hash_seed();
	return known;
}

// --- places ---

static void remove_record(struct mdns_question *question, unsigned i)
{
	free(question->records[i].data);
	question->records[i] = question->records[--question->n_records];
}

static void remove_at(struct mdns_known *known, struct mdns_question **at)
{
	struct mdns_question *question = *at;

	*at = question->next;
	while (question->n_records > 0)
		remove_record(question, 0);
	free(question);
	known->n--;
}

void mdns_known_clear(struct mdns_known *known)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct mdns_question **at = &known->buckets[i]; *at != NULL;) {
			if ((*at)->n_holders == 0)
				remove_at(known, at);
			else
				at = &(*at)->next;
		}
}

void mdns_known_free(struct mdns_known *known)
{
	if (known == NULL)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		while (known->buckets[i] != NULL)
			remove_at(known, &known->buckets[i]);
	free(known);
}

static bool make_room(struct mdns_known *known)
{
	struct mdns_question **oldest = NULL;

	if (known->n < MDNS_QUESTIONS_MAX)
		return true;
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct mdns_question **at = &known->buckets[i]; *at != NULL; at = &(*at)->next)
			if ((*at)->n_holders == 0 &&
				(oldest == NULL || (*at)->used_ms < (*oldest)->used_ms))
				oldest = at;
	if (oldest != NULL)
		remove_at(known, oldest);
	return oldest != NULL;
}

static struct mdns_question *find(
	const struct mdns_known *known, uint64_t hash, const struct dns_question *question)
{
	struct mdns_question *at = known->buckets[hash % BUCKETS];

	while (at != NULL && (at->hash != hash || at->asked.type != question->type ||
				     !dns_name_equal(&at->asked.name, &question->name)))
		at = at->next;
	return at;
}

struct mdns_question *mdns_known_hold(
	struct mdns_known *known, const struct dns_question *question, uint64_t now_ms)
{
	uint64_t hash = dns_name_hash(&question->name, known->seed);
	struct mdns_question *found = find(known, hash, question);

	if (found == NULL) {
		found = make_room(known) ? calloc(1, sizeof(*found)) : NULL;
		if (found == NULL)
			return NULL;
		found->hash = hash;
		found->asked = *question;
		found->next = known->buckets[hash % BUCKETS];
		known->buckets[hash % BUCKETS] = found;
		known->n++;
	}
	found->used_ms = now_ms;
	found->n_holders++;
	return found;
}

void mdns_known_let_go(struct mdns_question *question)
{
	question->n_holders--;
}

unsigned mdns_known_count(const struct mdns_known *known)
{
	return known->n;
}

// --- when to ask ---

static void expire(struct mdns_question *question, uint64_t now_ms)
{
	for (unsigned i = 0; i < question->n_records;) {
		if (question->records[i].ends_ms <= now_ms)
			remove_record(question, i);
		else
			i++;
	}
}

static bool has_unique(const struct mdns_question *question)
{
	for (unsigned i = 0; i < question->n_records; i++)
		if (question->records[i].is_unique)
			return true;
	return false;
}

enum mdns_state mdns_question_state(struct mdns_question *question, uint64_t now_ms)
{
	uint64_t age_ms = now_ms - question->asked_ms;

	expire(question, now_ms);
	if (has_unique(question) || question->denied_until_ms > now_ms) {
		question->n_sent = 0;
		return MDNS_STATE_SETTLED;
	}
	if (question->n_sent > 0) {
		bool is_bare = question->n_records == 0 && question->seen_ms != 0 &&
			       now_ms - question->seen_ms >= MDNS_GRACE_MS;

		if (age_ms < MDNS_WINDOW_MS && !is_bare)
			return MDNS_STATE_WAIT;
		question->n_sent = 0;
		return MDNS_STATE_SETTLED;
	}
	if (question->asked_ms != 0 &&
		age_ms < (question->n_records > 0 ? MDNS_SHARED_MS : MDNS_NOTHING_MS))
		return MDNS_STATE_SETTLED;
	return MDNS_STATE_ASK;
}

// Hosts that have the name answer this, whatever they have of it: what is asked for may not be
// there, and the name still is. 0: nobody needs to know.
static uint16_t type_beside(uint16_t type)
{
	if (type == DNS_PTR)
		return 0;
	if (type == DNS_A)
		return DNS_AAAA;
	return type == DNS_AAAA ? DNS_A : DNS_ANY;
}

static void put_question(
	struct cursor_out *out, const struct dns_name *name, uint16_t type, uint16_t class)
{
	dns_name_write(out, name);
	cursor_put_u16(out, type);
	cursor_put_u16(out, class);
}

size_t mdns_question_write(
	struct mdns_question *question, uint64_t now_ms, uint8_t bytes[MDNS_QUERY_BYTES_MAX])
{
	struct cursor_out out = cursor_out_of(bytes, MDNS_QUERY_BYTES_MAX);
	uint16_t beside = type_beside(question->asked.type);
	uint16_t class = DNS_CLASS_IN | (question->n_sent == 0 ? CLASS_UNICAST : 0);

	if (question->n_sent++ == 0) {
		question->asked_ms = now_ms;
		question->seen_ms = 0;
	}
	cursor_put_u32(&out, 0); // RFC 6762 section 18.1: id and flags
	cursor_put_u16(&out, beside != 0 ? 2 : 1);
	cursor_put_zeroes(&out, sizeof(uint16_t) * DNS_SECTIONS);
	put_question(&out, &question->asked.name, question->asked.type, class);
	if (beside != 0)
		put_question(&out, &question->asked.name, beside, class);
	return out.n;
}

bool mdns_question_wants_again(const struct mdns_question *question, uint64_t now_ms)
{
	return question->n_sent == 1 && now_ms - question->asked_ms >= MDNS_AGAIN_MS;
}

// --- what is heard ---

// What means nothing to who is on another link, or should never be told.
static bool is_for_others(const struct dns_record *record, const uint8_t *data)
{
	static const uint8_t loopback6[16] = {[15] = 1};
	struct ip_addr addr = {.family = record->type == DNS_A ? IP_V4 : IP_V6};

	if (record->type != DNS_A && record->type != DNS_AAAA)
		return false;
	if (record->data_bytes != (record->type == DNS_A ? 4 : 16))
		return true;
	memcpy(addr.bytes, data, record->data_bytes);
	return ip_addr_is_link_local(&addr) || ip_addr_is_multicast(&addr) ||
	       (addr.family == IP_V4 && (addr.v4[0] == 127 || addr.v4[0] == 0)) ||
	       (addr.family == IP_V6 && memcmp(addr.v6, loopback6, sizeof(loopback6)) <= 0);
}

static struct record *find_record(struct mdns_question *question, const uint8_t *data, size_t n)
{
	for (unsigned i = 0; i < question->n_records; i++)
		if (question->records[i].n == n && memcmp(question->records[i].data, data, n) == 0)
			return &question->records[i];
	return NULL;
}

static void flush(struct mdns_question *question, uint64_t now_ms)
{
	for (unsigned i = 0; i < question->n_records;) {
		if (question->records[i].came_ms + FLUSH_AGE_MS < now_ms)
			remove_record(question, i);
		else
			i++;
	}
}

static struct record *add_record(struct mdns_question *question, const uint8_t *data, size_t n)
{
	struct record *record = &question->records[question->n_records];
	uint8_t *copy = question->n_records < MDNS_RECORDS_MAX ? malloc(n + 1) : NULL;

	if (copy == NULL)
		return NULL;
	memcpy(copy, data, n);
	*record = (struct record){.data = copy, .n = (uint16_t)n};
	question->n_records++;
	return record;
}

static void keep(struct mdns_question *question, const struct dns_message *response,
	const struct dns_record *said, uint64_t now_ms)
{
	static uint8_t bytes[LENGTH_BYTES + MDNS_DATA_BYTES_MAX];
	struct cursor_out out = cursor_out_of(bytes, sizeof(bytes));
	bool is_unique = (said->class & CLASS_FLUSH) != 0;
	uint32_t ttl_sec =
		said->ttl_sec < MDNS_RECORD_SEC_MAX ? said->ttl_sec : MDNS_RECORD_SEC_MAX;
	const uint8_t *data = bytes + LENGTH_BYTES;
	struct record *record;
	size_t n;

	if (!strip_put_data(response, said, &out))
		return;
	n = out.n - LENGTH_BYTES;
	record = find_record(question, data, n);
	if (ttl_sec == 0) {
		if (record != NULL)
			record->ends_ms = now_ms + GOODBYE_MS;
		return;
	}
	if (is_unique)
		flush(question, now_ms); // that one too, if it is old: it is added again
	if (is_for_others(said, data))
		return;
	record = find_record(question, data, n);
	if (record == NULL)
		record = add_record(question, data, n);
	if (record == NULL)
		return;
	record->is_unique = is_unique;
	record->came_ms = now_ms;
	record->ends_ms = now_ms + (uint64_t)ttl_sec * MS_PER_SEC;
}

// RFC 6762 section 6.1: an NSEC record names the types that there are, all below 256.
static bool is_denied(
	const struct dns_message *response, const struct dns_record *nsec, uint16_t type)
{
	struct cursor in = cursor_of(response->bytes + nsec->data_at, nsec->data_bytes);
	struct cursor bits;
	uint8_t window;

	dns_name_skip(&in);
	window = cursor_u8(&in);
	bits = cursor_part(&in, cursor_u8(&in));
	if (in.is_short || window != 0 || type >= 256)
		return false;
	return type / 8 >= bits.left || (bits.at[type / 8] >> (7 - type % 8) & 1) == 0;
}

static void hear(struct mdns_question *question, const struct dns_message *response,
	const struct dns_record *record, uint64_t now_ms)
{
	if (record->ttl_sec != 0 && question->seen_ms == 0)
		question->seen_ms = now_ms;
	if (record->type == question->asked.type)
		keep(question, response, record, now_ms);
	else if (record->type == TYPE_NSEC && record->ttl_sec != 0 &&
		 is_denied(response, record, question->asked.type))
		question->denied_until_ms = now_ms + MDNS_NOTHING_MS;
}

bool mdns_known_take(struct mdns_known *known, const struct dns_message *response, uint64_t now_ms)
{
	struct dns_walk walk = dns_walk_begin(response);
	struct dns_record record;
	bool is_about_held = false;

	while (dns_walk_next(&walk, &record)) {
		struct mdns_question *at;
		struct dns_name name;
		uint64_t hash;

		if (record.section == DNS_AUTHORITY || record.type == DNS_OPT ||
			(record.class & CLASS_BITS) != DNS_CLASS_IN ||
			dns_record_name(response, &record, &name) != 0)
			continue;
		hash = dns_name_hash(&name, known->seed);
		for (at = known->buckets[hash % BUCKETS]; at != NULL; at = at->next) {
			if (at->hash != hash || !dns_name_equal(&at->asked.name, &name))
				continue;
			hear(at, response, &record, now_ms);
			is_about_held |= at->n_holders > 0;
		}
	}
	return is_about_held;
}

// --- the answer ---

size_t mdns_question_answer(
	struct mdns_question *question, uint64_t now_ms, uint8_t *out, size_t room)
{
	struct dns_message query = {.question = question->asked, .n_questions = 1};
	enum dns_rcode rcode = DNS_NOERROR;
	struct dns_answer answer;

	expire(question, now_ms);
	dns_answer_begin(&answer, &query, out, room);
	for (unsigned i = 0; i < question->n_records; i++) {
		const struct record *record = &question->records[i];
		uint64_t left_sec = (record->ends_ms - now_ms + MS_PER_SEC - 1) / MS_PER_SEC;

		dns_answer_add(&answer, DNS_ANSWER, &question->asked.name, question->asked.type,
			left_sec < MDNS_TTL_SEC_MAX ? (uint32_t)left_sec : MDNS_TTL_SEC_MAX,
			record->data, record->n);
	}
	if (question->n_records == 0) {
		if (question->seen_ms == 0 && question->denied_until_ms <= now_ms)
			rcode = DNS_NXDOMAIN;
		dns_answer_add_soa(&answer, &question->asked.name, MDNS_NOTHING_MS / MS_PER_SEC);
	}
	return dns_answer_end(&answer, rcode, DNS_AA);
}
