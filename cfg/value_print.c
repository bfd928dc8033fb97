// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/value_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cfg/value_rule_print.h"
#include "cfg/words.h"

enum { BYTE_MAX = 255 }; // of ICMP types and codes

// --- texts ---

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// What some reader of YAML, though not ours, takes for a bool or for nothing.
static bool is_special(const char *text)
{
	static const char *const words[] = {
		"null", "true", "false", "yes", "no", "on", "off", "y", "n", NULL};

	for (const char *const *word = words; *word != NULL; word++) {
		if (strcasecmp(*word, text) == 0)
			return true;
	}
	return false;
}

// 12:34:56 is a number of base 60 to a reader of YAML 1.1.
static bool is_sexagesimal(const char *text)
{
	return text[strspn(text, "0123456789.:")] == '\0' && strchr(text, ':') != NULL;
}

static bool is_plain(const char *text)
{
	if (!is_letter(text[0]) && !is_digit(text[0]) && text[0] != '/')
		return false;
	for (const char *c = text; *c != '\0'; c++) {
		bool is_end = c[1] == '\0' || c[1] == ' ';

		if (!is_letter(*c) && !is_digit(*c) && strchr("_./-: ", *c) == NULL)
			return false;
		if (is_end && (*c == ' ' || *c == ':'))
			return false;
	}
	return !is_special(text) && !is_sexagesimal(text);
}

// The character at `text`, which is UTF-8, and its length.
static size_t decode(const char *text, uint32_t *character)
{
	unsigned char first = (unsigned char)text[0];
	size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	*character = len == 1 ? first : first & (0x7f >> len);
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return i; // never of a file, which is checked
		*character = *character << 6 | ((unsigned char)text[i] & 0x3f);
	}
	return len;
}

// Breaks lines, is not to be seen, or is not allowed in YAML.
static bool wants_escape(uint32_t character)
{
	return character < ' ' || (character >= 0x7f && character < 0xa0) || character == 0x2028 ||
	       character == 0x2029 || character == 0xfeff || character == 0xfffe ||
	       character == 0xffff;
}

static void add_quoted(const char *text, struct text_out *out)
{
	text_out_add(out, "\"");
	while (*text != '\0') {
		uint32_t character;
		size_t len = decode(text, &character);

		if (wants_escape(character)) {
			text_out_addf(out, "\\u%04" PRIx32, character);
		} else {
			if (character == '"' || character == '\\')
				text_out_add(out, "\\");
			text_out_add_bytes(out, text, len);
		}
		text += len;
	}
	text_out_add(out, "\"");
}

void value_print_scalar(const char *text, struct text_out *out)
{
	if (is_plain(text))
		text_out_add(out, text);
	else
		add_quoted(text, out);
}

void value_print_text(const char *text, struct text_out *out)
{
	if (is_digit(text[0])) // or it would be a number to some
		add_quoted(text, out);
	else
		value_print_scalar(text, out);
}

// --- numbers and choices ---

static uint32_t load(const void *value, size_t bytes)
{
	if (bytes == sizeof(uint8_t))
		return *(const uint8_t *)value;
	if (bytes == sizeof(uint16_t))
		return *(const uint16_t *)value;
	return *(const uint32_t *)value;
}

static void print_choice(const struct model_key *key, const void *value, struct text_out *out)
{
	for (const struct model_choice *c = key->choices; c->name != NULL; c++) {
		if ((uint32_t)c->value == load(value, key->bytes))
			value_print_scalar(c->name, out);
	}
}

static void print_bits(const struct model_key *key, uint8_t bits, struct text_out *out)
{
	struct value_list list = {.out = out, .n = (unsigned)__builtin_popcount(bits)};

	for (const struct model_choice *c = key->choices; c->name != NULL; c++) {
		if (bits & c->value)
			value_list_add(&list, c->name);
	}
}

// --- elements ---

static void addresses_str(const struct cfg_element *element, char *text, size_t text_bytes)
{
	const struct ip_addr *first = &element->addresses.first, *last = &element->addresses.last;
	struct ip_prefix prefixes[CFG_RANGE_PREFIXES_MAX];
	char first_text[ADDR_STR_BYTES], last_text[ADDR_STR_BYTES];

	if (ip_addr_equal(first, last))
		snprintf(text, text_bytes, "%s", ip_addr_str(first, first_text));
	else if (cfg_range_prefixes(first, last, prefixes) == 1)
		snprintf(text, text_bytes, "%s", ip_prefix_str(&prefixes[0], first_text));
	else
		snprintf(text, text_bytes, "%s-%s", ip_addr_str(first, first_text),
			ip_addr_str(last, last_text));
}

static void range_str(
	const struct word *words, const struct cfg_element *element, char *text, size_t text_bytes)
{
	uint32_t first = element->numbers.first, last = element->numbers.last;
	const char *word = first == last ? word_of(words, first) : NULL;

	if (word != NULL)
		snprintf(text, text_bytes, "%s", word);
	else if (first == last)
		snprintf(text, text_bytes, "%" PRIu32, first);
	else
		snprintf(text, text_bytes, "%" PRIu32 "-%" PRIu32, first, last);
}

// A type with all its codes, or one of them.
static void icmp_str(const struct word *types, const struct word *codes,
	const struct cfg_element *element, char *text, size_t text_bytes)
{
	uint32_t first = element->numbers.first;
	bool is_type = element->numbers.last != first;
	const char *word = word_of(is_type ? types : codes, first);

	if (word != NULL)
		snprintf(text, text_bytes, "%s", word);
	else if (is_type)
		snprintf(text, text_bytes, "%" PRIu32, first / (BYTE_MAX + 1));
	else
		snprintf(text, text_bytes, "%" PRIu32 "/%" PRIu32, first / (BYTE_MAX + 1),
			first & BYTE_MAX);
}

static void element_str(
	enum cfg_set_kind kind, const struct cfg_element *element, char *text, size_t text_bytes)
{
	char mac[ADDR_STR_BYTES];

	switch (kind) {
	case CFG_SET_ADDRESSES:
		addresses_str(element, text, text_bytes);
		break;
	case CFG_SET_PORTS:
		range_str(word_services, element, text, text_bytes);
		break;
	case CFG_SET_PROTOCOLS:
		range_str(word_protocols, element, text, text_bytes);
		break;
	case CFG_SET_MACS:
		snprintf(text, text_bytes, "%s", mac_addr_str(&element->mac, mac));
		break;
	case CFG_SET_ICMP:
		icmp_str(word_icmp_types, word_icmp_codes, element, text, text_bytes);
		break;
	case CFG_SET_ICMP6:
		icmp_str(word_icmp6_types, word_icmp6_codes, element, text, text_bytes);
		break;
	case CFG_SET_INTERFACES:
		snprintf(text, text_bytes, "%s", element->interface);
		break;
	}
}

static void print_element(
	enum cfg_set_kind kind, const struct cfg_element *element, struct text_out *out)
{
	enum { NOT_LEN = sizeof("not ") - 1 };
	char text[2 * ADDR_STR_BYTES] = "not ";
	char *bare = text + NOT_LEN;

	if (element->set != NULL)
		snprintf(bare, sizeof(text) - NOT_LEN, "%s", element->set);
	else
		element_str(kind, element, bare, sizeof(text) - NOT_LEN);
	value_print_scalar(element->is_negated ? text : bare, out);
}

// --- all of them ---

static void print_prefix(
	const struct model_key *key, const struct ip_prefix *prefix, struct text_out *out)
{
	bool is_one = prefix->len == ip_family_bits(prefix->addr.family);
	char text[ADDR_STR_BYTES];

	if (key->type == MODEL_PREFIX && key->family == IP_NONE && is_one)
		value_print_scalar(ip_addr_str(&prefix->addr, text), out);
	else
		value_print_scalar(ip_prefix_str(prefix, text), out);
}

static void print_bool(bool value, struct text_out *out)
{
	text_out_add(out, value ? "true" : "false");
}

void value_print(const struct model_key *key, const void *value, struct text_out *out)
{
	char text[ADDR_STR_BYTES];

	switch (key->type) {
	case MODEL_BOOL:
		print_bool(*(const bool *)value, out);
		break;
	case MODEL_SWITCH:
		print_bool(((const struct cfg_switches *)value)->on & key->bit, out);
		break;
	case MODEL_WHOLE:
		text_out_addf(out, "%" PRIu32, load(value, key->bytes));
		break;
	case MODEL_CHOICE:
		print_choice(key, value, out);
		break;
	case MODEL_BITS:
		print_bits(key, *(const uint8_t *)value, out);
		break;
	case MODEL_NAME:
	case MODEL_NETDEV:
	case MODEL_PATH:
	case MODEL_TEXT:
		value_print_text(*(const char *const *)value, out);
		break;
	case MODEL_PCI:
		value_print_scalar(*(const char *const *)value, out);
		break;
	case MODEL_MAC:
		value_print_scalar(mac_addr_str(value, text), out);
		break;
	case MODEL_ADDRESS:
		value_print_scalar(ip_addr_str(value, text), out);
		break;
	case MODEL_HOST:
	case MODEL_NETWORK:
	case MODEL_PREFIX:
		print_prefix(key, value, out);
		break;
	case MODEL_ELEMENT:
	case MODEL_MATCH:
		print_element(key->set_kind, value, out);
		break;
	case MODEL_SECONDS:
	case MODEL_DSCP:
	case MODEL_TCP_FLAG:
	case MODEL_MARK:
	case MODEL_RATE:
	case MODEL_TIME:
		value_rule_print(key, value, out);
		break;
	case MODEL_GROUP:
	case MODEL_NAMED:
	case MODEL_LIST:
		break; // no scalars
	}
}
