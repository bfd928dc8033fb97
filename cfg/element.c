// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/element.h"

#include <stdio.h>
#include <string.h>

#include "cfg/report.h"
#include "cfg/value.h"
#include "cfg/value_addr.h"

enum {
	ADDRESS_TEXT_MAX = ADDR_STR_BYTES - 1,
	NUMBER_DIGITS_MAX = 5,
	PORT_MAX = 65535,
	BYTE_MAX = 255, // protocols, ICMP types and codes
	CODES = 256,	// of a type
};

// --- what there is of each kind ---

static const struct word *const no_words[] = {NULL};
static const struct word *const port_words[] = {word_services, NULL};
static const struct word *const protocol_words[] = {word_protocols, NULL};
static const struct word *const icmp_words[] = {word_icmp_types, word_icmp_codes, NULL};
static const struct word *const icmp6_words[] = {word_icmp6_types, word_icmp6_codes, NULL};

struct kind {
	const char *name;
	const char *expected;
	const struct word *const *words;
};

static const struct kind kinds[] = {
	[CFG_SET_ADDRESSES] = {"addresses",
		"an address, a network or a range such as 198.18.0.5, 2001:db8::/64 or "
		"198.18.0.10-198.18.0.20",
		no_words},
	[CFG_SET_PORTS] = {"ports", "a port such as 443, 8000-8099 or https", port_words},
	[CFG_SET_MACS] = {"macs", "a MAC address such as 02:00:00:00:00:01", no_words},
	[CFG_SET_ICMP] = {"icmp-types", "an ICMP type such as echo-request, 8 or 3/4", icmp_words},
	[CFG_SET_ICMP6] = {"icmp6-types", "an ICMPv6 type such as echo-request, 128 or 1/4",
		icmp6_words},
	[CFG_SET_INTERFACES] = {"interfaces", "the name of an interface", no_words},
	[CFG_SET_PROTOCOLS] = {"protocols", "a protocol such as tcp, udp, icmp or 47",
		protocol_words},
};

const char *element_expected(enum cfg_set_kind kind)
{
	return kinds[kind].expected;
}

const char *element_kind_name(enum cfg_set_kind kind)
{
	return kinds[kind].name;
}

const struct word *const *element_words(enum cfg_set_kind kind)
{
	return kinds[kind].words;
}

// --- parts ---

static int unexpected(enum cfg_set_kind kind, const char *text, struct error *err)
{
	char shown[REPORT_SHOWN_BYTES];

	return error_set(
		err, "expected %s, got `%s`", kinds[kind].expected, report_shown(text, shown));
}

// Decimal, and nothing else. -1 when it is not, or above `max`.
static int read_number(const char *text, size_t len, uint32_t max, uint32_t *out)
{
	uint32_t value = 0;

	if (len < 1 || len > NUMBER_DIGITS_MAX || (text[0] == '0' && len > 1))
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (uint32_t)(text[i] - '0');
	}
	if (value > max)
		return -1;
	*out = value;
	return 0;
}

static const struct word *find_word(enum cfg_set_kind kind, const char *text, size_t len)
{
	const struct word *word = NULL;

	for (const struct word *const *words = kinds[kind].words; *words != NULL && word == NULL;
		words++)
		word = word_find(*words, text, len);
	return word;
}

// --- kinds ---

static int read_address_range(
	const char *text, const char *dash, struct cfg_element *out, struct error *err)
{
	size_t len = (size_t)(dash - text);
	char first[ADDRESS_TEXT_MAX + 1];

	if (len > ADDRESS_TEXT_MAX)
		return unexpected(CFG_SET_ADDRESSES, text, err);
	memcpy(first, text, len);
	first[len] = '\0';
	if (ip_addr_parse(first, &out->addresses.first) != 0 ||
		ip_addr_parse(dash + 1, &out->addresses.last) != 0)
		return unexpected(CFG_SET_ADDRESSES, text, err);
	if (out->addresses.first.family != out->addresses.last.family)
		return error_set(err, "a range goes from one address to another of its family");
	if (memcmp(out->addresses.first.bytes, out->addresses.last.bytes, 16) > 0)
		return error_set(err, "%s: the range's end is before its beginning", text);
	return 0;
}

static int read_network(const char *text, struct cfg_element *out, struct error *err)
{
	struct ip_prefix prefix;

	if (ip_prefix_parse(text, &prefix) != 0)
		return unexpected(CFG_SET_ADDRESSES, text, err);
	if (value_addr_check_network(text, &prefix, err) != 0)
		return -1;
	out->addresses.first = prefix.addr;
	out->addresses.last = prefix.addr;
	for (unsigned bit = prefix.len; bit < ip_family_bits(prefix.addr.family); bit++)
		out->addresses.last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return 0;
}

static int read_addresses(const char *text, struct cfg_element *out, struct error *err)
{
	const char *dash = strchr(text, '-');

	if (dash != NULL)
		return read_address_range(text, dash, out, err);
	if (strchr(text, '/') != NULL)
		return read_network(text, out, err);
	if (ip_addr_parse(text, &out->addresses.first) != 0)
		return unexpected(CFG_SET_ADDRESSES, text, err);
	out->addresses.last = out->addresses.first;
	return 0;
}

// A word, a number, or two numbers with a dash between them.
static int read_range(enum cfg_set_kind kind, const char *text, uint32_t max,
	struct cfg_element *out, struct error *err)
{
	const struct word *word = find_word(kind, text, strlen(text));
	const char *dash = strchr(text, '-');
	size_t first_len = dash != NULL ? (size_t)(dash - text) : strlen(text);
	const char *last = dash != NULL ? dash + 1 : text;

	if (word != NULL) {
		out->numbers.first = word->value;
		out->numbers.last = word->value;
		return 0;
	}
	if (read_number(text, first_len, max, &out->numbers.first) != 0 ||
		read_number(last, strlen(last), max, &out->numbers.last) != 0)
		return unexpected(kind, text, err);
	if (out->numbers.first > out->numbers.last)
		return error_set(err, "%s: the range's end is before its beginning", text);
	return 0;
}

// "echo-request", "8", "3/4", "destination-unreachable/4", "fragmentation-needed"
static int read_icmp(
	enum cfg_set_kind kind, const char *text, struct cfg_element *out, struct error *err)
{
	const char *slash = strchr(text, '/');
	size_t type_len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	const struct word *type_word = word_find(kinds[kind].words[0], text, type_len);
	const struct word *code_word = word_find(kinds[kind].words[1], text, strlen(text));
	uint32_t type, code;

	if (code_word != NULL) {
		out->numbers.first = code_word->value;
		out->numbers.last = code_word->value;
		return 0;
	}
	if (type_word != NULL)
		type = type_word->value / CODES;
	else if (read_number(text, type_len, BYTE_MAX, &type) != 0)
		return unexpected(kind, text, err);
	out->numbers.first = type * CODES;
	out->numbers.last = type * CODES + CODES - 1;
	if (slash == NULL)
		return 0;
	if (read_number(slash + 1, strlen(slash + 1), BYTE_MAX, &code) != 0)
		return unexpected(kind, text, err);
	out->numbers.first += code;
	out->numbers.last = out->numbers.first;
	return 0;
}

static int read_interface(const char *text, struct cfg_element *out, struct error *err)
{
	if (!value_is_name(text, CFG_NAME_MAX))
		return unexpected(CFG_SET_INTERFACES, text, err);
	out->interface = text;
	return 0;
}

int cfg_element_parse(
	enum cfg_set_kind kind, const char *text, struct cfg_element *out, struct error *err)
{
	*out = (struct cfg_element){0};
	switch (kind) {
	case CFG_SET_ADDRESSES:
		return read_addresses(text, out, err);
	case CFG_SET_PORTS:
		return read_range(kind, text, PORT_MAX, out, err);
	case CFG_SET_MACS:
		return value_addr_read_mac(text, &out->mac, err);
	case CFG_SET_ICMP:
	case CFG_SET_ICMP6:
		return read_icmp(kind, text, out, err);
	case CFG_SET_INTERFACES:
		return read_interface(text, out, err);
	case CFG_SET_PROTOCOLS:
		break;
	}
	return read_range(CFG_SET_PROTOCOLS, text, BYTE_MAX, out, err);
}

int element_read(enum cfg_set_kind kind, const char *text, struct arena *arena,
	struct cfg_element *out, struct error *err)
{
	if (cfg_element_parse(kind, text, out, err) != 0)
		return -1;
	if (kind == CFG_SET_INTERFACES)
		out->interface = arena_strdup(arena, text);
	return 0;
}

int element_read_match(enum cfg_set_kind kind, const char *text, struct arena *arena,
	struct cfg_element *out, struct error *err)
{
	const char *rest = value_after_not(text);
	bool is_set = rest[0] == '@';
	const char *name = is_set ? rest + 1 : rest;
	bool is_name = value_is_name(name, CFG_WORD_MAX);

	*out = (struct cfg_element){0};
	if (kind == CFG_SET_INTERFACES && !is_set && is_name)
		out->interface = arena_strdup(arena, name);
	else if (is_name && (is_set || cfg_element_parse(kind, name, out, NULL) != 0))
		*out = (struct cfg_element){.set = arena_strdup(arena, name)};
	else if (!is_name && cfg_element_parse(kind, rest, out, err) != 0)
		return -1;
	out->is_negated = rest != text;
	return 0;
}

// --- ranges as prefixes ---

static bool bit_of(const struct ip_addr *addr, unsigned bit)
{
	return addr->bytes[bit / 8] & (0x80 >> bit % 8);
}

// From its bit `from` on, all of the address's are `value`.
static bool ends_in(const struct ip_addr *addr, unsigned from, bool value)
{
	for (unsigned bit = from; bit < ip_family_bits(addr->family); bit++) {
		if (bit_of(addr, bit) != value)
			return false;
	}
	return true;
}

// `addr` up to `len` bits, the last of them turned, the others zero.
static struct ip_prefix sibling(const struct ip_addr *addr, unsigned len)
{
	struct ip_prefix prefix = {.addr = *addr, .len = (uint8_t)len};

	prefix.addr.bytes[(len - 1) / 8] ^= (uint8_t)(0x80 >> (len - 1) % 8);
	return ip_prefix_network(&prefix);
}

// Both ends share their first bits, up to a fork. Below it every 0 of the first has a sibling that
// is in the range, and every 1 of the last; a tail of zeros or of ones is whole already.
unsigned cfg_range_prefixes(
	const struct ip_addr *first, const struct ip_addr *last, struct ip_prefix *out)
{
	unsigned bits = ip_family_bits(first->family);
	unsigned fork = 0;
	unsigned left = bits, right = bits;
	unsigned n = 0;

	while (fork < bits && bit_of(first, fork) == bit_of(last, fork))
		fork++;
	if (ends_in(first, fork, false) && ends_in(last, fork, true)) {
		out[0] = (struct ip_prefix){.addr = *first, .len = (uint8_t)fork};
		return 1;
	}
	while (left > fork + 1 && !bit_of(first, left - 1))
		left--;
	while (right > fork + 1 && bit_of(last, right - 1))
		right--;
	out[n++] = (struct ip_prefix){.addr = *first, .len = (uint8_t)left};
	for (unsigned len = left; len > fork + 1; len--) {
		if (!bit_of(first, len - 1))
			out[n++] = sibling(first, len);
	}
	for (unsigned len = fork + 2; len <= right; len++) {
		if (bit_of(last, len - 1))
			out[n++] = sibling(last, len);
	}
	out[n] = (struct ip_prefix){.addr = *last, .len = (uint8_t)right};
	out[n] = ip_prefix_network(&out[n]);
	return n + 1;
}
