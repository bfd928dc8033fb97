// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/value.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cfg/element.h"
#include "cfg/report.h"
#include "cfg/suggest.h"
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
		suggest_offer(&suggestion, c->name);
	}
	return value_unexpected(key, text, suggest_str(&suggestion, hint, sizeof(hint)), err);
}

static int read_choice(const struct model_key *key, const char *text, void *out, struct error *err)
{
	int value;

	if (find_choice(key, text, &value, err) != 0)
		return -1;
	store_whole((uint64_t)value, key->bytes, out);
	return 0;
}

static int read_bits(const struct model_key *key, const char *text, uint8_t *out, struct error *err)
{
	int bit;

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

// Fit for a log and for a terminal.
static bool is_line(const char *text, size_t len_max)
{
	size_t len = strlen(text);

	if (len < 1 || len > len_max)
		return false;
	for (const char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
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

int value_read_mac(const char *text, struct mac_addr *out, struct error *err)
{
	static const struct model_key mac_key = {.key = "mac", .type = MODEL_MAC};
	static const struct mac_addr zero;
	struct mac_addr mac;

	if (mac_addr_parse(text, &mac) != 0)
		return value_unexpected(&mac_key, text, "", err);
	if (memcmp(&mac, &zero, sizeof(mac)) == 0)
		return error_set(err, "00:00:00:00:00:00 is no address");
	// IEEE 802-2014 8.2
	if (mac.bytes[0] & 1)
		return error_set(err,
			"%s is a group address: the least significant bit of its first octet "
			"(%02x), "
			"the group bit, must be 0 in a card's address (%02x)",
			text, mac.bytes[0], mac.bytes[0] & 0xfe);
	*out = mac;
	return 0;
}

static const char *family_name(uint8_t family)
{
	return family == IP_V4 ? "IPv4" : "IPv6";
}

// RFC 1122 section 3.2.1.3, RFC 4291 section 2.5: what no host may have as its own.
static const char *why_not_a_host(const struct ip_addr *addr)
{
	static const uint8_t zero_then_one[16] = {[15] = 1};
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t all_ones[4] = {0xff, 0xff, 0xff, 0xff};

	if (ip_addr_is_multicast(addr))
		return "a multicast address";
	if (addr->family == IP_V4) {
		if (addr->v4[0] == 0)
			return "in 0.0.0.0/8, the unspecified addresses";
		if (addr->v4[0] == 127)
			return "a loopback address";
		return memcmp(addr->v4, all_ones, 4) == 0 ? "the broadcast address" : NULL;
	}
	if (memcmp(addr->v6, zero_then_one, 15) == 0 && addr->v6[15] <= 1)
		return addr->v6[15] == 1 ? "the loopback address" : "the unspecified address";
	return memcmp(addr->v6, mapped, sizeof(mapped)) == 0 ? "an IPv4 address mapped into IPv6"
							     : NULL;
}

static int read_address(
	const struct model_key *key, const char *text, struct ip_addr *out, struct error *err)
{
	const char *why_not;

	if (ip_addr_parse(text, out) != 0)
		return value_unexpected(key, text,
			strchr(text, '/') != NULL ? "; without a prefix length" : "", err);
	why_not = why_not_a_host(out);
	if (why_not != NULL)
		return error_set(err, "%s is %s, no address of another router", text, why_not);
	return 0;
}

static bool is_broadcast(const struct ip_prefix *host)
{
	struct ip_prefix network = ip_prefix_network(host);

	for (unsigned bit = host->len; bit < 32; bit++)
		network.addr.v4[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return host->addr.family == IP_V4 && ip_addr_equal(&network.addr, &host->addr);
}

const char *value_why_not_in_subnet(const struct ip_prefix *host)
{
	struct ip_prefix network = ip_prefix_network(host);

	// RFC 3021 and RFC 6164: a link of two has no other addresses
	if (host->len >= ip_family_bits(host->addr.family) - 1)
		return NULL;
	if (ip_addr_equal(&network.addr, &host->addr))
		return "the network itself, not the address of a host in it";
	return is_broadcast(host) ? "the network's broadcast address" : NULL;
}

static int read_host(
	const struct model_key *key, const char *text, struct ip_prefix *out, struct error *err)
{
	struct ip_addr bare;
	const char *why_not;

	if (ip_prefix_parse(text, out) != 0)
		return value_unexpected(key, text,
			ip_addr_parse(text, &bare) == 0 ? "; its prefix length is missing" : "",
			err);
	why_not = why_not_a_host(&out->addr);
	if (why_not != NULL)
		return error_set(err, "%s is %s, no address for an interface", text, why_not);
	if (out->len == 0)
		return error_set(
			err, "%s: a prefix length of 0 would put every address on this link", text);
	why_not = value_why_not_in_subnet(out);
	if (why_not != NULL)
		return error_set(err, "%s is %s", text, why_not);
	return 0;
}

int value_check_network(const char *text, const struct ip_prefix *prefix, struct error *err)
{
	char network_text[ADDR_STR_BYTES], host_text[ADDR_STR_BYTES];
	struct ip_prefix network = ip_prefix_network(prefix);

	if (ip_addr_equal(&network.addr, &prefix->addr))
		return 0;
	return error_set(err, "%s has bits set after its prefix: the network is %s, the host %s/%u",
		text, ip_prefix_str(&network, network_text), ip_addr_str(&prefix->addr, host_text),
		ip_family_bits(prefix->addr.family));
}

static int read_network(
	const struct model_key *key, const char *text, struct ip_prefix *out, struct error *err)
{
	char expected[VALUE_EXPECTED_BYTES], host_text[ADDR_STR_BYTES], hint[ADDR_STR_BYTES + 32];
	struct ip_addr bare;

	if (strcmp(text, "default") == 0)
		return error_set(err, key->family == IP_V4
					      ? "write 0.0.0.0/0 instead of `default`"
					      : "write 0.0.0.0/0 (IPv4) or ::/0 (IPv6) "
						"instead of `default`");
	if (ip_prefix_parse(text, out) != 0) {
		hint[0] = '\0';
		if (ip_addr_parse(text, &bare) == 0)
			snprintf(hint, sizeof(hint), "; for one host write %s/%u",
				ip_addr_str(&bare, host_text), ip_family_bits(bare.family));
		return value_unexpected(key, text, hint, err);
	}
	if (key->family != IP_NONE && out->addr.family != key->family)
		return error_set(err, "expected %s, got %s `%s`", value_expected(key, expected),
			family_name(out->addr.family), text);
	return value_check_network(text, out, err);
}

static int read_prefix(
	const struct model_key *key, const char *text, struct ip_prefix *out, struct error *err)
{
	struct ip_addr bare;

	if (key->family != IP_NONE || ip_addr_parse(text, &bare) != 0)
		return read_network(key, text, out, err);
	*out = (struct ip_prefix){.addr = bare, .len = (uint8_t)ip_family_bits(bare.family)};
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
	case MODEL_MAC:
		return value_read_mac(text, out, err);
	case MODEL_PCI:
		return read_pci(key, text, arena, out, err);
	case MODEL_ADDRESS:
		return read_address(key, text, out, err);
	case MODEL_HOST:
		return read_host(key, text, out, err);
	case MODEL_NETWORK:
		return read_network(key, text, out, err);
	case MODEL_PREFIX:
		return read_prefix(key, text, out, err);
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
