// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/strip.h"

#include <string.h>

#include "control/dns/answer.h"

enum {
	TYPE_RRSIG = 46,
	TYPE_NSEC = 47,
	TYPE_NSEC3 = 50,
	COUNTS_AT = 6,
	QUESTION_POINTER = 0xc000 | DNS_HEADER_BYTES,
	SOA_NUMBERS_BYTES = 20,
};

static bool is_dnssec(uint16_t type)
{
	return type == TYPE_RRSIG || type == TYPE_NSEC || type == TYPE_NSEC3;
}

static void put_name(
	const struct dns_name *question, const struct dns_name *name, struct cursor_out *out)
{
	if (dns_name_equal(name, question))
		cursor_put_u16(out, QUESTION_POINTER);
	else
		dns_name_write(out, name);
}

// How many bytes and names the data of a type begins with, where names may point (RFC 3597 section
// 4 has the list; those of others never do).
static bool shape_of(uint16_t type, unsigned *n_bytes, unsigned *n_names)
{
	*n_bytes = type == DNS_MX ? 2 : type == DNS_SRV ? 6 : 0;
	*n_names = type == DNS_SOA ? 2 : 1;
	return type == DNS_NS || type == DNS_CNAME || type == DNS_SOA || type == DNS_PTR ||
	       type == DNS_MX || type == DNS_SRV;
}

bool strip_put_data(
	const struct dns_message *answer, const struct dns_record *record, struct cursor_out *out)
{
	struct cursor in = cursor_of(answer->bytes + record->data_at, record->data_bytes);
	size_t length_at = out->n, length;
	unsigned n_bytes, n_names;

	cursor_put_u16(out, 0);
	if (!shape_of(record->type, &n_bytes, &n_names)) {
		cursor_put(out, in.at, in.left);
	} else {
		const uint8_t *first = cursor_bytes(&in, n_bytes);

		if (first == NULL)
			return false;
		cursor_put(out, first, n_bytes);
		for (unsigned i = 0; i < n_names; i++) {
			struct dns_name name;

			dns_name_read(&in, answer->bytes, &name);
			if (in.is_short)
				return false;
			dns_name_write(out, &name);
		}
		cursor_put(out, in.at, in.left);
	}
	if (out->is_full)
		return false;
	length = out->n - length_at - sizeof(uint16_t);
	out->bytes[length_at] = (uint8_t)(length >> 8);
	out->bytes[length_at + 1] = (uint8_t)length;
	return true;
}

static bool put_record(const struct dns_name *question, const struct dns_message *answer,
	const struct dns_record *record, struct cursor_out *out)
{
	struct dns_name name;

	if (dns_record_name(answer, record, &name) != 0)
		return false;
	put_name(question, &name, out);
	cursor_put_u16(out, record->type);
	cursor_put_u16(out, record->class);
	cursor_put_u32(out, record->ttl_sec);
	return strip_put_data(answer, record, out);
}

static void put_head(
	const struct dns_message *asked, uint16_t flags, uint16_t id, struct cursor_out *out)
{
	cursor_put_u16(out, id);
	cursor_put_u16(out, flags);
	cursor_put_u16(out, 1);
	cursor_put_zeroes(out, sizeof(uint16_t) * DNS_SECTIONS);
	dns_name_write(out, &asked->question.name);
	cursor_put_u16(out, asked->question.type);
	cursor_put_u16(out, asked->question.class);
}

static size_t end(struct cursor_out *out, const uint16_t counts[DNS_SECTIONS])
{
	if (out->is_full)
		return 0;
	for (unsigned i = 0; i < DNS_SECTIONS; i++) {
		out->bytes[COUNTS_AT + 2 * i] = (uint8_t)(counts[i] >> 8);
		out->bytes[COUNTS_AT + 2 * i + 1] = (uint8_t)counts[i];
	}
	return out->n;
}

size_t strip_dnssec(const struct dns_message *answer, uint8_t *out, size_t room)
{
	struct cursor_out to = cursor_out_of(out, room);
	struct dns_walk walk = dns_walk_begin(answer);
	uint16_t counts[DNS_SECTIONS] = {0};
	struct dns_record record;

	put_head(answer, answer->flags, answer->id, &to);
	while (dns_walk_next(&walk, &record)) {
		if (record.type == DNS_OPT ||
			(is_dnssec(record.type) && record.type != answer->question.type))
			continue;
		if (!put_record(&answer->question.name, answer, &record, &to))
			return 0;
		counts[record.section]++;
	}
	return end(&to, counts);
}

static bool put_section(const struct dns_message *asked, const struct dns_message *from,
	enum dns_section section, struct cursor_out *out, uint16_t counts[DNS_SECTIONS])
{
	struct dns_walk walk = dns_walk_begin(from);
	struct dns_record record;

	while (dns_walk_next(&walk, &record)) {
		if (record.section != section || record.type == DNS_OPT)
			continue;
		if (!put_record(&asked->question.name, from, &record, out))
			return false;
		counts[section]++;
	}
	return true;
}

size_t strip_join(const struct dns_message *alias, const struct dns_message *answer, uint8_t *out,
	size_t room)
{
	struct cursor_out to = cursor_out_of(out, room);
	uint16_t counts[DNS_SECTIONS] = {0};

	put_head(alias, answer->flags, alias->id, &to);
	if (!put_section(alias, alias, DNS_ANSWER, &to, counts) ||
		!put_section(alias, answer, DNS_ANSWER, &to, counts) ||
		!put_section(alias, answer, DNS_AUTHORITY, &to, counts))
		return 0;
	return end(&to, counts);
}

size_t strip_nothing(const struct dns_message *answer, uint8_t *out, size_t room)
{
	if (answer->n > room)
		return 0;
	memcpy(out, answer->bytes, answer->n);
	return answer_without_opt(out, answer);
}
