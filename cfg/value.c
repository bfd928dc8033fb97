// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/value.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cfg/element.h"
#include "cfg/report.h"
#include "cfg/suggest.h"
#include "cfg/value_addr.h"
#include "cfg/value_rule.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void list_choices(const struct model_choice *choices, char *out, size_t out_bytes)
{
	size_t len = 0;

	for (const struct model_choice *c = choices; c->name != NULL && len < out_bytes; c++)
		len += (size_t)snprintf(out + len, out_bytes - len, "%s%s",
			c == choices		? ""
			: (c + 1)->name == NULL ? " or "
						: ", ",
			c->name);
}

static size_t name_max(const struct model_key *key)
{
	return key->max != 0 ? key->max : CFG_NAME_MAX;
}

const char *value_expected(const struct model_key *key, char *out)
{
	const char *expected = "";

	switch (key->type) {
	case MODEL_BOOL:
		expected = "true or false";
		break;
	case MODEL_WHOLE:
		snprintf(out, VALUE_EXPECTED_BYTES, "a whole number from %" PRIu64 " to %" PRIu64,
			key->min, key->max);
		return out;
	case MODEL_CHOICE:
	case MODEL_BITS:
		list_choices(key->choices, out, VALUE_EXPECTED_BYTES);
		return out;
	case MODEL_NAME:
		snprintf(out, VALUE_EXPECTED_BYTES,
			"a name of 1 to %zu letters, digits, `_`, `.` and `-`, a letter first",
			name_max(key));
		return out;
	case MODEL_NETDEV:
		expected = "the name of a Linux network device such as eth1: 1 to 15 characters, "
			   "no blanks "
			   "and none of / : , = % [ ]";
		break;
	case MODEL_PATH:
		snprintf(out, VALUE_EXPECTED_BYTES,
			"a path of 1 to %" PRIu64
			" bytes without commas, brackets and control characters",
			key->max);
		return out;
	case MODEL_MAC:
		expected = "a MAC address such as 02:00:00:00:00:01";
		break;
	case MODEL_PCI:
		expected = "a PCI address with its domain such as 0000:03:00.0";
		break;
	case MODEL_ADDRESS:
		expected = "an address such as 198.51.100.1 or 2001:db8::1";
		break;
	case MODEL_HOST:
		expected = "an address with its prefix length such as 198.51.100.2/24 or "
			   "2001:db8::2/64";
		break;
	case MODEL_NETWORK:
		expected = key->family == IP_V4
				   ? "an IPv4 network such as 198.51.100.0/24"
				   : "a network such as 198.51.100.0/24 or 2001:db8::/64";
		break;
	case MODEL_PREFIX:
		expected = key->family == IP_V6 ? "an IPv6 network such as 2001:db8::/64"
						: "an address or a network such as 198.51.100.7, "
						  "198.51.100.0/28 or "
						  "2001:db8::/64";
		break;
	case MODEL_TEXT:
		snprintf(out, VALUE_EXPECTED_BYTES, "a text of 1 to %" PRIu64 " bytes on one line",
			key->max);
		return out;
	case MODEL_ELEMENT:
		expected = element_expected(key->set_kind);
		break;
	case MODEL_MATCH:
		snprintf(out, VALUE_EXPECTED_BYTES, "%s, or the name of a set",
			element_expected(key->set_kind));
		return out;
	case MODEL_SWITCH:
		expected = "true or false";
		break;
	case MODEL_SECONDS:
	case MODEL_DSCP:
	case MODEL_TCP_FLAG:
	case MODEL_MARK:
	case MODEL_RATE:
	case MODEL_TIME:
		expected = value_rule_expected(key->type);
		break;
	case MODEL_GROUP:
	case MODEL_NAMED:
		expected = "a mapping";
		break;
	case MODEL_LIST:
		expected = "a list";
		break;
	}
	snprintf(out, VALUE_EXPECTED_BYTES, "%s", expected);
	return out;
}

int value_unexpected(
	const struct model_key *key, const char *text, const char *hint, struct error *err)
{
	char expected[VALUE_EXPECTED_BYTES], shown[REPORT_SHOWN_BYTES];

	return error_set(err, "expected %s, got `%s`%s", value_expected(key, expected),
		report_shown(text, shown), hint);
}

static int read_bool(const struct model_key *key, const char *text, bool *out, struct error *err)
{
	if (strcmp(text, "true") == 0)
		*out = true;
	else if (strcmp(text, "false") == 0)
		*out = false;
	else
		return value_unexpected(key, text, "", err);
	return 0;
}

// An int is at most 4 bytes too and never negative here: the model's ranges see to both.
static void store_whole(uint64_t value, size_t bytes, void *out)
{
	if (bytes == sizeof(uint8_t))
		*(uint8_t *)out = (uint8_t)value;
	else if (bytes == sizeof(uint16_t))
		*(uint16_t *)out = (uint16_t)value;
	else
		*(uint32_t *)out = (uint32_t)value;
}

// No sign, no underscores, no other bases: what is octal to one reader of YAML and decimal to the
// next (0100) is refused.
static int read_whole(const struct model_key *key, const char *text, void *out, struct error *err)
{
	uint64_t value = 0;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return value_unexpected(key, text, "", err);
	for (const char *c = text; *c != '\0'; c++) {
		if (!is_digit(*c))
			return value_unexpected(key, text, "", err);
		value = value * 10 + (uint64_t)(*c - '0');
		if (value > key->max)
			return value_unexpected(key, text, "", err);
	}
	if (value < key->min)
		return value_unexpected(key, text, "", err);
	store_whole(value, key->bytes, out);
	return 0;
}

static int find_choice(const struct model_key *key, const char *text, int *out, struct error *err)
{
	struct suggestion suggestion = {.written = text};
	char hint[64];

	for (const struct model_choice *c = key->choices; c->name != NULL; c++) {
		if (strcmp(text, c->name) == 0) {
			*out = c->value;
			return 0;
		}
	}
	for (const struct model_choice *c = key->choices; c->name != NULL; c++)
		suggest_offer(&suggestion, c->name);
	return value_unexpected(key, text, suggest_str(&suggestion, hint, sizeof(hint)), err);
}

static int read_choice(const struct model_key *key, const char *text, void *out, struct error *err)
{
	int value = 0;

	if (find_choice(key, text, &value, err) != 0)
		return -1;
	store_whole((uint64_t)value, key->bytes, out);
	return 0;
}

static int read_bits(const struct model_key *key, const char *text, uint8_t *out, struct error *err)
{
	int bit = 0;

	if (find_choice(key, text, &bit, err) != 0)
		return -1;
	*out |= (uint8_t)bit;
	return 0;
}

static int read_switch(
	const struct model_key *key, const char *text, struct cfg_switches *out, struct error *err)
{
	bool is_on = false;

	if (read_bool(key, text, &is_on, err) != 0)
		return -1;
	out->said |= key->bit;
	if (is_on)
		out->on |= key->bit;
	return 0;
}

bool value_is_name(const char *text, size_t len_max)
{
	if (!is_letter(text[0]))
		return false;
	for (const char *c = text; *c != '\0'; c++) {
		if ((size_t)(c - text) == len_max)
			return false;
		if (!is_letter(*c) && !is_digit(*c) && strchr("_.-", *c) == NULL)
			return false;
	}
	return true;
}

// The kernel refuses "/", ":" and blanks; the others mean something in a DPDK device string.
static bool is_netdev(const char *text)
{
	size_t len = strlen(text);

	if (len < 1 || len > CFG_NAME_MAX || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return false;
	for (const char *c = text; *c != '\0'; c++) {
		if (*c <= ' ' || *c > '~' || strchr("/:,=%[]", *c) != NULL)
			return false;
	}
	return true;
}

// A comma or a bracket would end the argument of a DPDK device string that the path is put in.
static bool is_path(const char *text, size_t len_max)
{
	size_t len = strlen(text);

	if (len < 1 || len > len_max)
		return false;
	for (const char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f || strchr(",[]", *c) != NULL)
			return false;
	}
	return true;
}

// Fit for a log and for a terminal: no control characters, which UTF-8 has from U+0080 on as well.
static bool is_line(const char *text, size_t len_max)
{
	size_t len = strlen(text);

	if (len < 1 || len > len_max)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c == 0x7f || (c == 0xc2 && (unsigned char)text[i + 1] < 0xa0))
			return false;
	}
	return true;
}

static bool is_hex_run(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(text[i]) && !(text[i] >= 'a' && text[i] <= 'f') &&
			!(text[i] >= 'A' && text[i] <= 'F'))
			return false;
	}
	return true;
}

// "0000:03:00.0": domain, bus, device below 0x20, function. VMD's domains have a fifth digit.
static bool is_pci(const char *text)
{
	size_t len = strlen(text);
	const char *rest;

	if (len != sizeof("0000:03:00.0") - 1 && len != sizeof("10000:03:00.0") - 1)
		return false;
	rest = text + len - (sizeof(":03:00.0") - 1);
	return is_hex_run(text, (size_t)(rest - text)) && rest[0] == ':' &&
	       is_hex_run(rest + 1, 2) && rest[3] == ':' && (rest[4] == '0' || rest[4] == '1') &&
	       is_hex_run(rest + 5, 1) && rest[6] == '.' && rest[7] >= '0' && rest[7] <= '7';
}

static int read_text(const struct model_key *key, const char *text, bool is_valid,
	struct arena *arena, const char **out, struct error *err)
{
	if (!is_valid)
		return value_unexpected(key, text, "", err);
	*out = arena_strdup(arena, text);
	return 0;
}

// sysfs writes the digits small, and is compared with.
static int read_pci(const struct model_key *key, const char *text, struct arena *arena,
	const char **out, struct error *err)
{
	char *copy;

	if (!is_pci(text))
		return value_unexpected(key, text, "", err);
	copy = arena_strdup(arena, text);
	for (char *c = copy; c != NULL && *c != '\0'; c++) {
		if (*c >= 'A' && *c <= 'F')
			*c += 'a' - 'A';
	}
	*out = copy;
	return 0;
}

const char *value_after_not(const char *text)
{
	static const char word[] = "not ";

	if (text[0] == '!')
		return text + 1;
	return strncmp(text, word, sizeof(word) - 1) == 0 ? text + sizeof(word) - 1 : text;
}

int value_read(const struct model_key *key, const char *text, struct arena *arena, void *out,
	struct error *err)
{
	switch (key->type) {
	case MODEL_BOOL:
		return read_bool(key, text, out, err);
	case MODEL_WHOLE:
		return read_whole(key, text, out, err);
	case MODEL_CHOICE:
		return read_choice(key, text, out, err);
	case MODEL_NAME:
		return read_text(key, text, value_is_name(text, name_max(key)), arena, out, err);
	case MODEL_NETDEV:
		return read_text(key, text, is_netdev(text), arena, out, err);
	case MODEL_PATH:
		return read_text(key, text, is_path(text, key->max), arena, out, err);
	case MODEL_PCI:
		return read_pci(key, text, arena, out, err);
	case MODEL_MAC:
	case MODEL_ADDRESS:
	case MODEL_HOST:
	case MODEL_NETWORK:
	case MODEL_PREFIX:
		return value_addr_read(key, text, out, err);
	case MODEL_TEXT:
		return read_text(key, text, is_line(text, key->max), arena, out, err);
	case MODEL_ELEMENT:
		return element_read(key->set_kind, text, arena, out, err);
	case MODEL_MATCH:
		return element_read_match(key->set_kind, text, arena, out, err);
	case MODEL_BITS:
		return read_bits(key, text, out, err);
	case MODEL_SWITCH:
		return read_switch(key, text, out, err);
	case MODEL_SECONDS:
	case MODEL_DSCP:
	case MODEL_TCP_FLAG:
	case MODEL_MARK:
	case MODEL_RATE:
	case MODEL_TIME:
		return value_rule_read(key, text, out, err);
	case MODEL_GROUP:
	case MODEL_NAMED:
	case MODEL_LIST:
		break; // no scalars
	}
	return value_unexpected(key, text, "", err);
}
