// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/answer.h"

#include <errno.h>
#include <string.h>

enum {
	FLAGS_AT = 2,
	ADDITIONAL_AT = 10,
	SOA_NUMBERS_BYTES = 20, // behind its two names
	FAILURE_SEC = 5,	// RFC 2308 section 7.1 allows five minutes
};

uint32_t answer_get_ttl(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void answer_set_ttl(uint8_t *at, uint32_t ttl_sec)
{
	at[0] = (uint8_t)(ttl_sec >> 24);
	at[1] = (uint8_t)(ttl_sec >> 16);
	at[2] = (uint8_t)(ttl_sec >> 8);
	at[3] = (uint8_t)ttl_sec;
}

static void put_u16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

// --- what may be kept ---

// RFC 2308 section 5: the lesser of its TTL and its last number.
static uint32_t negative_ttl(const struct dns_message *answer, const struct dns_record *soa)
{
	uint32_t minimum;

	if (soa->data_bytes < SOA_NUMBERS_BYTES)
		return 0;
	minimum = answer_get_ttl(answer->bytes + soa->data_at + soa->data_bytes - 4);
	return minimum < soa->ttl_sec ? minimum : soa->ttl_sec;
}

int answer_look(const struct dns_message *answer, uint16_t *ttls, unsigned ttls_max,
	struct answer_facts *facts)
{
	struct dns_walk walk = dns_walk_begin(answer);
	enum dns_rcode rcode = dns_message_rcode(answer);
	bool is_negative = rcode == DNS_NXDOMAIN || answer->n_records[DNS_ANSWER] == 0;
	uint32_t least = UINT32_MAX, negative = 0;
	struct dns_record record;

	*facts = (struct answer_facts){.bytes = (uint16_t)answer->records_at};
	while (dns_walk_next(&walk, &record)) {
		if (record.type == DNS_OPT)
			break;
		facts->bytes = (uint16_t)(record.data_at + record.data_bytes);
		if (facts->n_ttls == ttls_max)
			return -EMSGSIZE;
		ttls[facts->n_ttls++] = (uint16_t)record.ttl_at;
		if (record.section == DNS_ADDITIONAL)
			facts->n_additional++;
		else if (record.ttl_sec < least)
			least = record.ttl_sec;
		if (record.section == DNS_AUTHORITY && record.type == DNS_SOA)
			negative = negative_ttl(answer, &record);
	}
	facts->ttl_sec = is_negative ? (negative < least ? negative : least) : least;
	if (rcode == DNS_SERVFAIL)
		facts->ttl_sec = FAILURE_SEC;
	facts->may_be_kept =
		(answer->flags & DNS_TC) == 0 && facts->ttl_sec > 0 &&
		(rcode == DNS_NOERROR || rcode == DNS_NXDOMAIN || rcode == DNS_SERVFAIL) &&
		answer_has_plain_question(answer);
	return 0;
}

void answer_finish_copy(
	uint8_t *copy, const uint16_t *ttls, const struct answer_facts *facts, uint32_t ttl_max_sec)
{
	put_u16(copy + ADDITIONAL_AT, facts->n_additional);
	for (unsigned i = 0; i < facts->n_ttls; i++) {
		uint32_t ttl = answer_get_ttl(copy + ttls[i]);

		if (ttl > INT32_MAX) // RFC 2181 section 8
			ttl = 0;
		answer_set_ttl(copy + ttls[i], ttl < ttl_max_sec ? ttl : ttl_max_sec);
	}
}

bool answer_has_plain_question(const struct dns_message *answer)
{
	return answer->n_questions == 1 && answer->question.name.len > 0 &&
	       answer->records_at ==
		       DNS_HEADER_BYTES + answer->question.name.len + 2 * sizeof(uint16_t);
}

size_t answer_without_opt(uint8_t *out, const struct dns_message *answer)
{
	struct dns_walk walk = dns_walk_begin(answer);
	struct dns_record record;
	uint16_t n_additional = 0;
	size_t end = answer->records_at; // bytes may follow that belong to nothing

	while (dns_walk_next(&walk, &record) && record.type != DNS_OPT) {
		n_additional += record.section == DNS_ADDITIONAL;
		end = record.data_at + record.data_bytes;
	}
	put_u16(out + ADDITIONAL_AT, n_additional);
	return end;
}

bool answer_is_validated(const uint8_t *message)
{
	return (message[FLAGS_AT + 1] & DNS_AD) != 0;
}

void answer_set_validated(uint8_t *message, bool is_validated)
{
	message[FLAGS_AT + 1] =
		(uint8_t)((message[FLAGS_AT + 1] & ~DNS_AD) | (is_validated ? DNS_AD : 0));
}

// --- the last touch ---

void asked_by(const struct dns_message *query, bool is_stream, struct asked *out)
{
	out->question = query->question;
	out->id = query->id;
	out->flags = query->flags;
	out->has_edns = query->edns.is_there;
	out->is_do = query->edns.is_do;
	out->has_cookie = false;
	if (is_stream)
		out->room_bytes = DNS_MESSAGE_BYTES;
	else if (!query->edns.is_there)
		out->room_bytes = DNS_UDP_BYTES;
	else
		out->room_bytes = query->edns.udp_bytes < ANSWER_UDP_BYTES ? query->edns.udp_bytes
									   : ANSWER_UDP_BYTES;
}

void asked_with_cookie(struct asked *asked, const struct cookie *cookie)
{
	asked->has_cookie = true;
	asked->cookie = *cookie;
	asked->room_bytes = (uint16_t)(asked->room_bytes - cookie_option_bytes(cookie));
}

size_t answer_put_cookie(const struct asked *asked, uint8_t *out, size_t n, size_t room)
{
	return asked->has_cookie ? cookie_append(&asked->cookie, out, n, room) : n;
}

static size_t question_end(const struct asked *asked)
{
	return DNS_HEADER_BYTES +
	       (asked->question.name.len > 0 ? asked->question.name.len + 2 * sizeof(uint16_t) : 0);
}

static size_t add_opt(
	const struct asked *asked, unsigned rcode_high, uint8_t *out, size_t n, size_t room)
{
	struct cursor_out opt = cursor_out_of(out + n, room - n);
	uint16_t n_additional = (uint16_t)(out[ADDITIONAL_AT] << 8 | out[ADDITIONAL_AT + 1]);

	if (!asked->has_edns || room - n < ANSWER_OPT_BYTES)
		return n;
	cursor_put_u8(&opt, 0);
	cursor_put_u16(&opt, DNS_OPT);
	cursor_put_u16(&opt, ANSWER_UDP_BYTES);
	cursor_put_u32(&opt, rcode_high << 24 | (asked->is_do ? 0x8000u : 0));
	cursor_put_u16(&opt, 0);
	put_u16(out + ADDITIONAL_AT, (uint16_t)(n_additional + 1));
	return n + opt.n;
}

size_t answer_finish(
	const struct asked *asked, bool is_validated, uint8_t *out, size_t n, size_t room)
{
	uint16_t was = (uint16_t)(out[FLAGS_AT] << 8 | out[FLAGS_AT + 1]);
	uint16_t flags = (uint16_t)(DNS_QR | DNS_RA | (asked->flags & (DNS_RD | DNS_CD)) |
				    (was & DNS_RCODE));
	size_t limit = room < asked->room_bytes ? room : asked->room_bytes;

	// RFC 6840 section 5.8: who says AD or DO understands it
	if (is_validated && (asked->is_do || (asked->flags & DNS_AD) != 0))
		flags |= DNS_AD;
	put_u16(out, asked->id);
	if (n + (asked->has_edns ? ANSWER_OPT_BYTES : 0) > limit) {
		flags |= DNS_TC;
		n = question_end(asked);
		memset(out + 6, 0, 6);
	}
	put_u16(out + FLAGS_AT, flags);
	return add_opt(asked, 0, out, n, limit);
}

static size_t write_head(const struct asked *asked, uint16_t flags, uint8_t *out, size_t room)
{
	struct cursor_out head = cursor_out_of(out, room);

	cursor_put_u16(&head, asked->id);
	cursor_put_u16(&head, (uint16_t)(DNS_QR | DNS_RA |
					 (asked->flags & (DNS_OPCODE | DNS_RD | DNS_CD)) | flags));
	cursor_put_u16(&head, asked->question.name.len > 0 ? 1 : 0);
	cursor_put_u32(&head, 0);
	cursor_put_u16(&head, 0);
	if (asked->question.name.len > 0) {
		dns_name_write(&head, &asked->question.name);
		cursor_put_u16(&head, asked->question.type);
		cursor_put_u16(&head, asked->question.class);
	}
	return head.is_full ? 0 : head.n;
}

size_t answer_write_code(const struct asked *asked, enum dns_rcode rcode, uint8_t *out, size_t room)
{
	size_t n = write_head(asked, (uint16_t)(rcode & DNS_RCODE), out, room);

	return n == 0 ? 0 : add_opt(asked, (unsigned)rcode >> 4, out, n, room);
}

size_t answer_explain(const struct asked *asked, enum dns_extra extra, const char *text,
	uint8_t *out, size_t n, size_t room)
{
	size_t limit = room < asked->room_bytes ? room : asked->room_bytes;
	struct cursor_out opt = cursor_out_of(out, limit);

	if (!asked->has_edns || n < DNS_HEADER_BYTES + ANSWER_OPT_BYTES || n > limit ||
		out[n - ANSWER_OPT_BYTES + 2] != DNS_OPT || out[n - 1] != 0)
		return n;
	opt.n = n - sizeof(uint16_t); // over the length of its data, which is none
	dns_extra_put(&opt, limit - opt.n, extra, text);
	return opt.n;
}

size_t answer_write_cut(const struct asked *asked, uint8_t *out, size_t room)
{
	size_t n = write_head(asked, DNS_TC, out, room);

	return n == 0 ? 0 : add_opt(asked, 0, out, n, room);
}
