// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/dns_answer.h"

#include <stdio.h>

enum {
	POINTER = 0xc000,
	POINTER_TARGET_MAX = 0x3fff,
	OPT_BYTES = 11,
	EXTRA_OPTION = 15, // RFC 8914, section 2
	EXTRA_BYTES = 6,   // without its text
	LENGTH_BYTES = 2,
};

static void patch_u16(struct dns_answer *answer, size_t at, uint16_t value)
{
	answer->out.bytes[at] = (uint8_t)(value >> 8);
	answer->out.bytes[at + 1] = (uint8_t)value;
}

// --- names ---

// Where that name is written already, or 0.
static uint16_t find_name(const struct dns_answer *answer, const struct dns_name *name)
{
	for (unsigned i = 0; i < answer->n_names; i++) {
		uint16_t at = answer->names[i];
		struct cursor in = cursor_of(answer->out.bytes + at, answer->out.n - at);
		struct dns_name there;

		dns_name_read(&in, answer->out.bytes, &there);
		if (dns_name_equal(&there, name))
			return at;
	}
	return 0;
}

static void put_name(struct dns_answer *answer, const struct dns_name *name)
{
	struct dns_name rest = *name;

	while (rest.n_labels > 0) {
		uint16_t there = find_name(answer, &rest);

		if (there != 0) {
			cursor_put_u16(&answer->out, POINTER | there);
			return;
		}
		if (answer->out.n <= POINTER_TARGET_MAX && answer->n_names < DNS_ANSWER_NAMES_MAX)
			answer->names[answer->n_names++] = (uint16_t)answer->out.n;
		cursor_put(&answer->out, rest.bytes, rest.bytes[0] + 1u);
		rest = dns_name_without(&rest, 1);
	}
	cursor_put_u8(&answer->out, 0);
}

// --- the message ---

size_t dns_answer_udp_bytes(const struct dns_message *query)
{
	if (!query->edns.is_there)
		return DNS_UDP_BYTES;
	return query->edns.udp_bytes < DNS_ANSWER_UDP_BYTES ? query->edns.udp_bytes
							    : DNS_ANSWER_UDP_BYTES;
}

static void put_question(struct dns_answer *answer)
{
	const struct dns_question *question = &answer->query->question;

	put_name(answer, &question->name);
	cursor_put_u16(&answer->out, question->type);
	cursor_put_u16(&answer->out, question->class);
}

void dns_answer_begin(
	struct dns_answer *answer, const struct dns_message *query, void *bytes, size_t room)
{
	static const uint8_t header[DNS_HEADER_BYTES];

	answer->out = cursor_out_of(bytes, room);
	answer->query = query;
	answer->bytes_max = room - (query->edns.is_there ? OPT_BYTES : 0);
	memset(answer->n_records, 0, sizeof(answer->n_records));
	answer->is_cut = false;
	answer->flags = 0;
	answer->extra = DNS_EXTRA_NONE;
	answer->extra_text[0] = '\0';
	answer->n_names = 0;
	cursor_put(&answer->out, header, sizeof(header));
	if (query->question.name.len > 0)
		put_question(answer);
}

// --- records ---

bool dns_answer_add_target(struct dns_answer *answer, enum dns_section section,
	const struct dns_name *name, uint16_t type, uint32_t ttl_sec, const void *data, size_t n,
	const struct dns_name *target)
{
	size_t began_at = answer->out.n, length_at;
	unsigned had_names = answer->n_names;

	if (answer->is_cut)
		return false;
	put_name(answer, name);
	cursor_put_u16(&answer->out, type);
	cursor_put_u16(&answer->out, DNS_CLASS_IN);
	cursor_put_u32(&answer->out, ttl_sec);
	length_at = answer->out.n;
	cursor_put_u16(&answer->out, 0);
	cursor_put(&answer->out, data, n);
	// Names in the data of newer types are not compressed (RFC 3597, section 4; RFC 2782)
	if (target != NULL && type == DNS_SRV)
		dns_name_write(&answer->out, target);
	else if (target != NULL)
		put_name(answer, target);
	if (answer->out.is_full || answer->out.n > answer->bytes_max) {
		answer->out.n = began_at;
		answer->out.is_full = false;
		answer->n_names = had_names;
		answer->is_cut = true;
		// RFC 2181, section 9: what is only an addition is left out without a word
		if (section == DNS_ANSWER)
			answer->flags |= DNS_TC;
		return false;
	}
	patch_u16(answer, length_at, (uint16_t)(answer->out.n - length_at - 2));
	answer->n_records[section]++;
	return true;
}

bool dns_answer_add(struct dns_answer *answer, enum dns_section section,
	const struct dns_name *name, uint16_t type, uint32_t ttl_sec, const void *data, size_t n)
{
	return dns_answer_add_target(answer, section, name, type, ttl_sec, data, n, NULL);
}

bool dns_answer_add_address(struct dns_answer *answer, const struct dns_name *name,
	uint32_t ttl_sec, const struct ip_addr *addr)
{
	return dns_answer_add(answer, DNS_ANSWER, name, addr->family == IP_V4 ? DNS_A : DNS_AAAA,
		ttl_sec, addr->bytes, ip_family_bits(addr->family) / 8);
}

bool dns_answer_add_soa(struct dns_answer *answer, const struct dns_name *zone, uint32_t ttl_sec)
{
	static const struct dns_name nobody = {
		.len = 9, .n_labels = 1, .bytes = "\x07invalid"}; // as RFC 6303, section 3 likes
	uint8_t names[2 * DNS_NAME_BYTES_MAX + 20];
	struct cursor_out data = cursor_out_of(names, sizeof(names));

	dns_name_write(&data, zone);
	dns_name_write(&data, &nobody);
	cursor_put_u32(&data, 1);    // serial
	cursor_put_u32(&data, 3600); // refresh, retry, expire: nobody copies the zone
	cursor_put_u32(&data, 1200);
	cursor_put_u32(&data, 604800);
	cursor_put_u32(&data, ttl_sec); // minimum: RFC 2308, section 4
	return dns_answer_add(answer, DNS_AUTHORITY, zone, DNS_SOA, ttl_sec, names, data.n);
}

void dns_answer_explain(struct dns_answer *answer, enum dns_extra extra, const char *text)
{
	answer->extra = extra;
	snprintf(answer->extra_text, sizeof(answer->extra_text), "%s", text);
}

// --- the end ---

void dns_extra_put(struct cursor_out *out, size_t room, enum dns_extra extra, const char *text)
{
	size_t text_bytes = strnlen(text, DNS_EXTRA_TEXT_MAX);
	size_t n;

	if (LENGTH_BYTES + EXTRA_BYTES + text_bytes > room)
		text_bytes = 0;
	n = EXTRA_BYTES + text_bytes;
	if (extra == DNS_EXTRA_NONE || LENGTH_BYTES + n > room) {
		cursor_put_u16(out, 0);
		return;
	}
	cursor_put_u16(out, (uint16_t)n);
	cursor_put_u16(out, EXTRA_OPTION);
	cursor_put_u16(out, (uint16_t)(2 + text_bytes));
	cursor_put_u16(out, (uint16_t)extra);
	cursor_put(out, text, text_bytes);
}

static void put_edns(struct dns_answer *answer, enum dns_rcode rcode)
{
	uint32_t is_do = answer->query->edns.is_do ? UINT32_C(1) << 15 : 0;

	cursor_put_u8(&answer->out, 0);
	cursor_put_u16(&answer->out, DNS_OPT);
	cursor_put_u16(&answer->out, DNS_ANSWER_UDP_BYTES);
	cursor_put_u32(&answer->out, (uint32_t)rcode >> 4 << 24 | is_do);
	dns_extra_put(
		&answer->out, answer->out.room - answer->out.n, answer->extra, answer->extra_text);
}

size_t dns_answer_end(struct dns_answer *answer, enum dns_rcode rcode, uint16_t flags)
{
	const struct dns_message *query = answer->query;
	uint16_t kept = query->flags & (DNS_OPCODE | DNS_RD | DNS_CD);

	if (query->edns.is_there)
		put_edns(answer, rcode);
	patch_u16(answer, 0, query->id);
	patch_u16(answer, 2,
		(uint16_t)(DNS_QR | DNS_RA | kept | flags | answer->flags | (rcode & DNS_RCODE)));
	patch_u16(answer, 4, query->question.name.len > 0 ? 1 : 0);
	patch_u16(answer, 6, answer->n_records[DNS_ANSWER]);
	patch_u16(answer, 8, answer->n_records[DNS_AUTHORITY]);
	patch_u16(answer, 10,
		(uint16_t)(answer->n_records[DNS_ADDITIONAL] + (query->edns.is_there ? 1 : 0)));
	return answer->out.n;
}
