// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/value.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cfg/report.h"
#include "cfg/suggest.h"

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
		list_choices(key->choices, out, VALUE_EXPECTED_BYTES);
		return out;
	case MODEL_NAME:
		expected = "a name of 1 to 15 letters, digits, `_`, `.` and `-`, a letter first";
		break;
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

static int unexpected(
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
		return unexpected(key, text, "", err);
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
		return unexpected(key, text, "", err);
	for (const char *c = text; *c != '\0'; c++) {
		if (!is_digit(*c))
			return unexpected(key, text, "", err);
		value = value * 10 + (uint64_t)(*c - '0');
		if (value > key->max)
			return unexpected(key, text, "", err);
	}
	if (value < key->min)
		return unexpected(key, text, "", err);
	store_whole(value, key->bytes, out);
	return 0;
}

static int read_choice(const struct model_key *key, const char *text, void *out, struct error *err)
{
	struct suggestion suggestion = {.written = text};
	char hint[64];

	for (const struct model_choice *c = key->choices; c->name != NULL; c++) {
		if (strcmp(text, c->name) == 0) {
			store_whole((uint64_t)c->value, key->bytes, out);
			return 0;
		}
		suggest_offer(&suggestion, c->name);
	}
	return unexpected(key, text, suggest_str(&suggestion, hint, sizeof(hint)), err);
}

static bool is_name(const char *text)
{
	if (!is_letter(text[0]))
		return false;
	for (const char *c = text; *c != '\0'; c++) {
		if (c - text == CFG_NAME_MAX)
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
		return unexpected(key, text, "", err);
	*out = arena_strdup(arena, text);
	return 0;
}

// sysfs writes the digits small, and is compared with.
static int read_pci(const struct model_key *key, const char *text, struct arena *arena,
	const char **out, struct error *err)
{
	char *copy;

	if (!is_pci(text))
		return unexpected(key, text, "", err);
	copy = arena_strdup(arena, text);
	for (char *c = copy; c != NULL && *c != '\0'; c++) {
		if (*c >= 'A' && *c <= 'F')
			*c += 'a' - 'A';
	}
	*out = copy;
	return 0;
}

static int read_mac(
	const struct model_key *key, const char *text, struct mac_addr *out, struct error *err)
{
	static const struct mac_addr zero;
	struct mac_addr mac;

	if (mac_addr_parse(text, &mac) != 0)
		return unexpected(key, text, "", err);
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
		return unexpected(key, text,
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
		return unexpected(key, text,
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

static int read_network(
	const struct model_key *key, const char *text, struct ip_prefix *out, struct error *err)
{
	char network_text[ADDR_STR_BYTES], host_text[ADDR_STR_BYTES], hint[ADDR_STR_BYTES + 32];
	char expected[VALUE_EXPECTED_BYTES];
	struct ip_prefix network;
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
		return unexpected(key, text, hint, err);
	}
	if (key->family != IP_NONE && out->addr.family != key->family)
		return error_set(err, "expected %s, got %s `%s`", value_expected(key, expected),
			family_name(out->addr.family), text);
	network = ip_prefix_network(out);
	if (!ip_addr_equal(&network.addr, &out->addr))
		return error_set(err,
			"%s has bits set after its prefix: the network is %s, the host %s/%u", text,
			ip_prefix_str(&network, network_text), ip_addr_str(&out->addr, host_text),
			ip_family_bits(out->addr.family));
	return 0;
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
		return read_text(key, text, is_name(text), arena, out, err);
	case MODEL_NETDEV:
		return read_text(key, text, is_netdev(text), arena, out, err);
	case MODEL_PATH:
		return read_text(key, text, is_path(text, key->max), arena, out, err);
	case MODEL_MAC:
		return read_mac(key, text, out, err);
	case MODEL_PCI:
		return read_pci(key, text, arena, out, err);
	case MODEL_ADDRESS:
		return read_address(key, text, out, err);
	case MODEL_HOST:
		return read_host(key, text, out, err);
	case MODEL_NETWORK:
		return read_network(key, text, out, err);
	case MODEL_GROUP:
	case MODEL_NAMED:
	case MODEL_LIST:
		break; // no scalars
	}
	return unexpected(key, text, "", err);
}
