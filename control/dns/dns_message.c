// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/dns_message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

// --- the message ---

static void read_question(struct cursor *in, const uint8_t *message, struct dns_question *out)
{
	dns_name_read(in, message, &out->name);
	out->type = cursor_u16(in);
	out->class = cursor_u16(in);
	if (in->is_short)
		*out = (struct dns_question){.name = {.len = 0}};
}

static void skip_question(struct cursor *in)
{
	dns_name_skip(in);
	cursor_u32(in);
}

// RFC 6891, section 6.1.2: the class is a size, the TTL the extended code, version and flags.
static void read_edns(const struct dns_record *opt, struct dns_edns *out)
{
	*out = (struct dns_edns){
		.is_there = true,
		.udp_bytes = opt->class < DNS_UDP_BYTES ? DNS_UDP_BYTES : opt->class,
		.rcode_high = (uint8_t)(opt->ttl_sec >> 24),
		.version = (uint8_t)(opt->ttl_sec >> 16),
		.is_do = (opt->ttl_sec >> 15 & 1) != 0,
		.options_at = (uint16_t)opt->data_at,
		.options_bytes = opt->data_bytes,
	};
}

static void read_record(struct cursor *in, const uint8_t *message, struct dns_record *out)
{
	out->name_at = (size_t)(in->at - message);
	dns_name_skip(in);
	out->type = cursor_u16(in);
	out->class = cursor_u16(in);
	out->ttl_at = (size_t)(in->at - message);
	out->ttl_sec = cursor_u32(in);
	out->data_bytes = cursor_u16(in);
	out->data_at = (size_t)(in->at - message);
	cursor_bytes(in, out->data_bytes);
}

// Looks over all records once, so that whoever walks later meets no end too early.
static int look_over(struct cursor *in, struct dns_message *out)
{
	for (unsigned section = 0; section < DNS_SECTIONS; section++) {
		for (unsigned i = 0; i < out->n_records[section]; i++) {
			struct dns_record record;

			read_record(in, out->bytes, &record);
			if (in->is_short)
				return -EBADMSG;
			if (record.type != DNS_OPT)
				continue;
			// RFC 6891, section 6.1.1: one, of the root, and in this section
			if (section != DNS_ADDITIONAL || out->edns.is_there ||
				out->bytes[record.name_at] != 0)
				return -EBADMSG;
			read_edns(&record, &out->edns);
		}
	}
	return 0;
}

int dns_message_parse(const void *bytes, size_t n, struct dns_message *out)
{
	struct cursor in = cursor_of(bytes, n);

	out->bytes = bytes;
	out->n = n;
	out->edns = (struct dns_edns){.is_there = false};
	out->question.name.len = out->question.name.n_labels = 0;
	out->question.type = out->question.class = 0;
	out->id = cursor_u16(&in);
	out->flags = cursor_u16(&in);
	out->n_questions = cursor_u16(&in);
	for (unsigned i = 0; i < DNS_SECTIONS; i++)
		out->n_records[i] = cursor_u16(&in);
	out->records_at = (size_t)(in.at - out->bytes);
	if (in.is_short || n > DNS_MESSAGE_BYTES)
		return -ENOMSG;
	for (unsigned i = 0; i < out->n_questions && !in.is_short; i++) {
		if (i == 0)
			read_question(&in, out->bytes, &out->question);
		else
			skip_question(&in);
	}
	if (in.is_short)
		return -EBADMSG;
	out->records_at = (size_t)(in.at - out->bytes);
	return look_over(&in, out);
}

// --- records ---

struct dns_walk dns_walk_begin(const struct dns_message *message)
{
	struct dns_walk walk = {.message = message};

	walk.in = cursor_of(message->bytes + message->records_at, message->n - message->records_at);
	for (unsigned i = 0; i < DNS_SECTIONS; i++)
		walk.left[i] = message->n_records[i];
	return walk;
}

bool dns_walk_next(struct dns_walk *walk, struct dns_record *record)
{
	for (unsigned section = 0; section < DNS_SECTIONS; section++) {
		if (walk->left[section] == 0)
			continue;
		walk->left[section]--;
		record->section = (enum dns_section)section;
		read_record(&walk->in, walk->message->bytes, record);
		// not of OPT, whose bits mean something else
		if (record->type != DNS_OPT && record->ttl_sec > INT32_MAX)
			record->ttl_sec = 0;
		return !walk->in.is_short;
	}
	return false;
}

static int read_name_at(
	const struct dns_message *message, size_t at, size_t end, struct dns_name *out)
{
	struct cursor in;

	if (at > end)
		return -EBADMSG;
	in = cursor_of(message->bytes + at, end - at);
	dns_name_read(&in, message->bytes, out);
	return in.is_short ? -EBADMSG : 0;
}

int dns_record_name(
	const struct dns_message *message, const struct dns_record *record, struct dns_name *out)
{
	return read_name_at(message, record->name_at, message->n, out);
}

int dns_record_target(
	const struct dns_message *message, const struct dns_record *record, struct dns_name *out)
{
	bool has_number =
		record->type == DNS_MX || record->type == DNS_SVCB || record->type == DNS_HTTPS;
	unsigned in_front = has_number ? 2 : record->type == DNS_SRV ? 6 : 0;

	return read_name_at(
		message, record->data_at + in_front, record->data_at + record->data_bytes, out);
}

bool dns_record_address(
	const struct dns_message *message, const struct dns_record *record, struct ip_addr *out)
{
	bool is_ip4 = record->type == DNS_A && record->data_bytes == 4;

	if (record->class != DNS_CLASS_IN ||
		(!is_ip4 && (record->type != DNS_AAAA || record->data_bytes != 16)))
		return false;
	*out = (struct ip_addr){.family = is_ip4 ? IP_V4 : IP_V6};
	memcpy(out->bytes, message->bytes + record->data_at, record->data_bytes);
	return true;
}

// --- types in words ---

static const struct {
	uint16_t type;
	const char *name;
} types[] = {
	{DNS_A, "A"},
	{DNS_NS, "NS"},
	{DNS_CNAME, "CNAME"},
	{DNS_SOA, "SOA"},
	{DNS_PTR, "PTR"},
	{13, "HINFO"},
	{DNS_MX, "MX"},
	{DNS_TXT, "TXT"},
	{DNS_AAAA, "AAAA"},
	{29, "LOC"},
	{DNS_SRV, "SRV"},
	{35, "NAPTR"},
	{39, "DNAME"},
	{DNS_OPT, "OPT"},
	{DNS_DS, "DS"},
	{44, "SSHFP"},
	{46, "RRSIG"},
	{47, "NSEC"},
	{48, "DNSKEY"},
	{50, "NSEC3"},
	{51, "NSEC3PARAM"},
	{52, "TLSA"},
	{53, "SMIMEA"},
	{61, "OPENPGPKEY"},
	{DNS_SVCB, "SVCB"},
	{DNS_HTTPS, "HTTPS"},
	{99, "SPF"},
	{251, "IXFR"},
	{252, "AXFR"},
	{DNS_ANY, "ANY"},
	{257, "CAA"},
};

const char *dns_type_str(uint16_t type, char out[DNS_TYPE_STR_BYTES])
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	snprintf(out, DNS_TYPE_STR_BYTES, "TYPE%u", type);
	return out;
}

uint16_t dns_type_parse(const char *text)
{
	char *end;
	unsigned long number;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcasecmp(types[i].name, text) == 0)
			return types[i].type;
	if (strncasecmp(text, "TYPE", 4) != 0 || text[4] < '0' || text[4] > '9')
		return 0;
	number = strtoul(text + 4, &end, 10);
	return *end == '\0' && number <= UINT16_MAX ? (uint16_t)number : 0;
}
