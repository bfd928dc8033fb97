// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/dhcp4_option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/addr.h"
#include "cfg/base/cursor.h"

const struct dhcp4_option_kind dhcp4_option_kinds[] = {
	{2, "time-offset", DHCP4_TYPE_U32, "seconds east of UTC"},
	{DHCP4_OPTION_ROUTERS, "routers", DHCP4_TYPE_ADDRESSES, "the hosts' gateways"},
	{4, "time-servers", DHCP4_TYPE_ADDRESSES, "RFC 868"},
	{DHCP4_OPTION_DNS, "dns", DHCP4_TYPE_ADDRESSES, "who answers DNS"},
	{7, "log-servers", DHCP4_TYPE_ADDRESSES, "who takes logs"},
	{9, "lpr-servers", DHCP4_TYPE_ADDRESSES, "who prints"},
	{DHCP4_OPTION_DOMAIN, "domain", DHCP4_TYPE_TEXT, "the hosts' domain"},
	{17, "root-path", DHCP4_TYPE_TEXT, "the root disk of a host that has none"},
	{19, "ip-forwarding", DHCP4_TYPE_BOOL, "whether the host forwards"},
	{23, "default-ttl", DHCP4_TYPE_U8, "of what the host sends"},
	{DHCP4_OPTION_MTU, "mtu", DHCP4_TYPE_U16, "the link's, from 68"},
	{33, "static-routes", DHCP4_TYPE_ADDRESSES, "pairs of host and router"},
	{40, "nis-domain", DHCP4_TYPE_TEXT, "NIS"},
	{41, "nis-servers", DHCP4_TYPE_ADDRESSES, "NIS"},
	{DHCP4_OPTION_NTP, "ntp", DHCP4_TYPE_ADDRESSES, "who tells the time"},
	{43, "vendor", DHCP4_TYPE_BYTES, "what the vendor has defined"},
	{44, "wins", DHCP4_TYPE_ADDRESSES, "NetBIOS names"},
	{46, "netbios-node-type", DHCP4_TYPE_U8, "1, 2, 4 or 8"},
	{47, "netbios-scope", DHCP4_TYPE_TEXT, "NetBIOS"},
	{DHCP4_OPTION_TFTP_SERVER, "tftp-server", DHCP4_TYPE_TEXT, "the boot server's name"},
	{DHCP4_OPTION_BOOT_FILE, "boot-file", DHCP4_TYPE_TEXT, "what to boot"},
	{69, "smtp", DHCP4_TYPE_ADDRESSES, "who takes mail"},
	{70, "pop3", DHCP4_TYPE_ADDRESSES, "who has mail"},
	{100, "posix-timezone", DHCP4_TYPE_TEXT, "RFC 4833"},
	{101, "timezone", DHCP4_TYPE_TEXT, "RFC 4833: Europe/Berlin"},
	{DHCP4_OPTION_IPV6_ONLY, "ipv6-only", DHCP4_TYPE_U32,
		"who can do without IPv4 does, for so many seconds (RFC 8925)"},
	{DHCP4_OPTION_CAPTIVE_PORTAL, "captive-portal", DHCP4_TYPE_TEXT, "its URI (RFC 8910)"},
	{DHCP4_OPTION_SEARCH, "search", DHCP4_TYPE_NAMES,
		"domains that names are looked for in (RFC 3397)"},
	{120, "sip-servers", DHCP4_TYPE_BYTES, "RFC 3361"},
	{DHCP4_OPTION_ROUTES, "routes", DHCP4_TYPE_ROUTES, "classless routes (RFC 3442)"},
	{125, "vendor-info", DHCP4_TYPE_BYTES, "RFC 3925"},
	{138, "capwap", DHCP4_TYPE_ADDRESSES, "controllers of access points (RFC 5417)"},
	{150, "tftp-addresses", DHCP4_TYPE_ADDRESSES, "RFC 5859"},
	{208, "pxelinux-magic", DHCP4_TYPE_BYTES, "RFC 5071"},
	{209, "pxelinux-config", DHCP4_TYPE_TEXT, "RFC 5071"},
	{210, "pxelinux-prefix", DHCP4_TYPE_TEXT, "RFC 5071"},
	{252, "wpad", DHCP4_TYPE_TEXT, "where a proxy's settings are"},
	{DHCP4_OPTION_NEXT_SERVER, "next-server", DHCP4_TYPE_ADDRESS,
		"who has the boot file (siaddr)"},
	{0},
};

static const struct {
	const char *word, *expected;
} types[] = {
	[DHCP4_TYPE_BYTES] = {"hex", "bytes such as 0x0a0b, or a text"},
	[DHCP4_TYPE_TEXT] = {"text", "a text"},
	[DHCP4_TYPE_ADDRESS] = {"address", "an IPv4 address"},
	[DHCP4_TYPE_ADDRESSES] = {"addresses", "an IPv4 address"},
	[DHCP4_TYPE_U8] = {"u8", "a number up to 255"},
	[DHCP4_TYPE_U16] = {"u16", "a number up to 65535"},
	[DHCP4_TYPE_U32] = {"u32", "a number up to 4294967295"},
	[DHCP4_TYPE_BOOL] = {"bool", "true or false"},
	[DHCP4_TYPE_NAMES] = {"names", "a domain such as home.example"},
	[DHCP4_TYPE_ROUTES] = {"routes", "a route such as 198.51.100.0/24 via 198.18.0.1"},
};

enum { TYPES = sizeof(types) / sizeof(types[0]), LABEL_MAX = 63, NAME_MAX_BYTES = 255 };

// --- which ---

static bool read_number(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (text[0] == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
		if (value > max)
			return false;
	}
	*out = value;
	return true;
}

bool dhcp4_option_find(const char *name, struct dhcp4_option_kind *out)
{
	static const char prefix[] = "option-";
	bool is_number = strncmp(name, prefix, sizeof(prefix) - 1) == 0;
	uint64_t number = 0;

	if (is_number && (!read_number(name + sizeof(prefix) - 1, DHCP4_OPTION_END - 1, &number) ||
				 number == DHCP4_OPTION_PAD))
		return false;
	for (const struct dhcp4_option_kind *kind = dhcp4_option_kinds; kind->name != NULL; kind++)
		if (is_number ? kind->number == number : strcmp(kind->name, name) == 0) {
			*out = *kind;
			return true;
		}
	*out = (struct dhcp4_option_kind){(uint16_t)number, name, DHCP4_TYPE_BYTES, ""};
	return is_number;
}

// --- one value ---

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool put_hex(struct cursor_out *out, const char *text)
{
	if (strlen(text) == 0 || strlen(text) % 2 != 0)
		return false;
	for (; *text != '\0'; text += 2) {
		int high = digit_of(text[0]), low = digit_of(text[1]);

		if (high < 0 || low < 0)
			return false;
		cursor_put_u8(out, (uint8_t)(high << 4 | low));
	}
	return true;
}

static bool put_address(struct cursor_out *out, const char *text)
{
	struct ip_addr addr;

	if (ip_addr_parse(text, &addr) != 0 || addr.family != IP_V4)
		return false;
	cursor_put(out, addr.v4, sizeof(addr.v4));
	return true;
}

static bool put_number(struct cursor_out *out, const char *text, unsigned bytes)
{
	uint64_t value;

	if (!read_number(text,
		    bytes == 1	 ? UINT8_MAX
		    : bytes == 2 ? UINT16_MAX
				 : UINT32_MAX,
		    &value))
		return false;
	if (bytes == 4)
		cursor_put_u32(out, (uint32_t)value);
	else if (bytes == 2)
		cursor_put_u16(out, (uint16_t)value);
	else
		cursor_put_u8(out, (uint8_t)value);
	return true;
}

// RFC 1035 section 3.1: each label behind its length, and an empty one at the end.
static bool put_name(struct cursor_out *out, const char *text)
{
	size_t total = 1;

	while (*text != '\0') {
		size_t len = strcspn(text, ".");

		total += len + 1;
		if (len == 0 || len > LABEL_MAX || total > NAME_MAX_BYTES)
			return false;
		for (size_t i = 0; i < len; i++)
			if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f)
				return false;
		cursor_put_u8(out, (uint8_t)len);
		cursor_put(out, text, len);
		text += len;
		if (*text == '.')
			text++;
	}
	cursor_put_u8(out, 0);
	return total > 1;
}

// RFC 3442: the length, as many bytes of the network as count, the router.
static bool put_route(struct cursor_out *out, const char *text)
{
	static const char between[] = " via ";
	const char *via = strstr(text, between);
	char network[ADDR_STR_BYTES];
	struct ip_prefix prefix, clean;

	if (via == NULL || (size_t)(via - text) >= sizeof(network))
		return false;
	snprintf(network, sizeof(network), "%.*s", (int)(via - text), text);
	if (ip_prefix_parse(network, &prefix) != 0 || prefix.addr.family != IP_V4)
		return false;
	clean = ip_prefix_network(&prefix);
	if (!ip_addr_equal(&clean.addr, &prefix.addr))
		return false;
	cursor_put_u8(out, prefix.len);
	cursor_put(out, prefix.addr.v4, (prefix.len + 7u) / 8);
	return put_address(out, via + sizeof(between) - 1);
}

static bool put_value(struct cursor_out *out, enum dhcp4_option_type type, const char *text)
{
	switch (type) {
	case DHCP4_TYPE_BYTES:
		if (strncmp(text, "0x", 2) == 0)
			return put_hex(out, text + 2);
		cursor_put(out, text, strlen(text));
		return true;
	case DHCP4_TYPE_TEXT:
		cursor_put(out, text, strlen(text));
		return true;
	case DHCP4_TYPE_ADDRESS:
	case DHCP4_TYPE_ADDRESSES:
		return put_address(out, text);
	case DHCP4_TYPE_U8:
		return put_number(out, text, 1);
	case DHCP4_TYPE_U16:
		return put_number(out, text, 2);
	case DHCP4_TYPE_U32:
		return put_number(out, text, 4);
	case DHCP4_TYPE_BOOL:
		cursor_put_u8(out, strcmp(text, "true") == 0);
		return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
	case DHCP4_TYPE_NAMES:
		return put_name(out, text);
	case DHCP4_TYPE_ROUTES:
		return put_route(out, text);
	}
	return false;
}

// "u16 1400": what is behind the type, or the text as it is.
static const char *after_type(const char *text, enum dhcp4_option_type *type)
{
	size_t len = strcspn(text, " ");

	for (unsigned i = 0; i < TYPES && text[len] == ' '; i++)
		if (strlen(types[i].word) == len && memcmp(types[i].word, text, len) == 0) {
			*type = (enum dhcp4_option_type)i;
			return text + len + 1;
		}
	return text;
}

static bool put_typed(struct cursor_out *out, enum dhcp4_option_type type, const char *text)
{
	const char *value = text;

	if (type == DHCP4_TYPE_BYTES)
		value = after_type(text, &type);
	if (type == DHCP4_TYPE_BYTES && value != text)
		return put_hex(out, value);
	return put_value(out, type, value);
}

// --- all of them ---

static bool may_be_several(enum dhcp4_option_type type)
{
	return type == DHCP4_TYPE_ADDRESSES || type == DHCP4_TYPE_NAMES ||
	       type == DHCP4_TYPE_ROUTES || type == DHCP4_TYPE_BYTES;
}

int dhcp4_option_encode(const struct dhcp4_option_kind *kind, const char *const *values,
	unsigned n_values, uint8_t *out, struct error *err)
{
	struct cursor_out c = cursor_out_of(out, DHCP4_OPTION_BYTES_MAX);

	if (n_values > 1 && !may_be_several(kind->type))
		return error_set(err, "`%s` has one value", kind->name);
	for (unsigned i = 0; i < n_values; i++)
		if (!put_typed(&c, kind->type, values[i]))
			return error_set(err, "`%s`: expected %s, got `%.60s`", kind->name,
				types[kind->type].expected, values[i]);
	if (c.is_full)
		return error_set(
			err, "`%s`: more than %d bytes", kind->name, DHCP4_OPTION_BYTES_MAX);
	return (int)c.n;
}
