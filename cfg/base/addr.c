// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MAC_TEXT_LEN = sizeof("02:00:00:00:00:01") - 1 };

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

// inet_pton has no octal, no missing octets and no scope ids: what is left to refuse is nothing.
int ip_addr_parse(const char *text, struct ip_addr *out)
{
	struct ip_addr addr = {0};

	if (inet_pton(AF_INET, text, addr.v4) == 1)
		addr.family = IP_V4;
	else if (inet_pton(AF_INET6, text, addr.v6) == 1)
		addr.family = IP_V6;
	else
		return -EINVAL;
	*out = addr;
	return 0;
}

int ip_prefix_parse(const char *text, struct ip_prefix *out)
{
	const char *slash = strchr(text, '/');
	char addr_text[INET6_ADDRSTRLEN];
	struct ip_prefix prefix;
	unsigned len = 0;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(addr_text))
		return -EINVAL;
	memcpy(addr_text, text, (size_t)(slash - text));
	addr_text[slash - text] = '\0';
	if (ip_addr_parse(addr_text, &prefix.addr) != 0)
		return -EINVAL;

	const char *digits = slash + 1;
	size_t n_digits = strlen(digits);

	if (n_digits < 1 || n_digits > 3 || (digits[0] == '0' && n_digits > 1))
		return -EINVAL;
	for (size_t i = 0; i < n_digits; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return -EINVAL;
		len = len * 10 + (unsigned)(digits[i] - '0');
	}
	if (len > ip_family_bits(prefix.addr.family))
		return -EINVAL;
	prefix.len = (uint8_t)len;
	*out = prefix;
	return 0;
}

int mac_addr_parse(const char *text, struct mac_addr *out)
{
	struct mac_addr mac;

	if (strlen(text) != MAC_TEXT_LEN)
		return -EINVAL;
	for (unsigned i = 0; i < 6; i++) {
		int high = hex_digit(text[3 * i]);
		int low = hex_digit(text[3 * i + 1]);

		if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':'))
			return -EINVAL;
		mac.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*out = mac;
	return 0;
}

// RFC 5952 section 4.2: `::` stands for the longest run of at least two zero groups, the first
// of several. Returns the length of the run, 0 for none.
static int longest_zero_run(const uint16_t groups[8], int n_groups, int *start)
{
	int best = 1;

	for (int i = 0; i < n_groups; i++) {
		int end = i;

		while (end < n_groups && groups[end] == 0)
			end++;
		if (end - i > best) {
			best = end - i;
			*start = i;
		}
		if (end > i)
			i = end;
	}
	return best > 1 ? best : 0;
}

static void ip6_str(const uint8_t bytes[16], char *out)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	uint16_t groups[8];
	int run_start = -1;
	int len = 0;

	// section 5: an address known to hold an IPv4 one shows it
	if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		snprintf(out, ADDR_STR_BYTES, "::ffff:%u.%u.%u.%u", bytes[12], bytes[13], bytes[14],
			bytes[15]);
		return;
	}
	for (int i = 0; i < 8; i++)
		groups[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);

	int run = longest_zero_run(groups, 8, &run_start);

	for (int i = 0; i < 8; i++) {
		if (run > 0 && i == run_start) {
			len += snprintf(out + len, ADDR_STR_BYTES - (size_t)len, "::");
			i += run - 1;
			continue;
		}
		bool needs_colon = i > 0 && !(run > 0 && i == run_start + run);

		len += snprintf(out + len, ADDR_STR_BYTES - (size_t)len, "%s%x",
			needs_colon ? ":" : "", groups[i]);
	}
}

const char *ip_addr_str(const struct ip_addr *addr, char *out)
{
	if (addr->family == IP_V4)
		snprintf(out, ADDR_STR_BYTES, "%u.%u.%u.%u", addr->v4[0], addr->v4[1], addr->v4[2],
			addr->v4[3]);
	else if (addr->family == IP_V6)
		ip6_str(addr->v6, out);
	else
		snprintf(out, ADDR_STR_BYTES, "none");
	return out;
}

const char *ip_prefix_str(const struct ip_prefix *prefix, char *out)
{
	size_t len;

	ip_addr_str(&prefix->addr, out);
	len = strlen(out);
	snprintf(out + len, ADDR_STR_BYTES - len, "/%u", prefix->len);
	return out;
}

const char *mac_addr_str(const struct mac_addr *mac, char *out)
{
	const uint8_t *b = mac->bytes;

	snprintf(out, ADDR_STR_BYTES, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		b[5]);
	return out;
}

unsigned ip_family_bits(uint8_t family)
{
	if (family == IP_V4)
		return 32;
	return family == IP_V6 ? 128 : 0;
}

bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_addr *addr)
{
	unsigned whole = prefix->len / 8;
	unsigned rest = prefix->len % 8;

	if (prefix->addr.family != addr->family || addr->family == IP_NONE)
		return false;
	if (memcmp(prefix->addr.bytes, addr->bytes, whole) != 0)
		return false;
	return rest == 0 || (prefix->addr.bytes[whole] ^ addr->bytes[whole]) >> (8 - rest) == 0;
}

struct ip_prefix ip_prefix_network(const struct ip_prefix *prefix)
{
	struct ip_prefix network = {.addr.family = prefix->addr.family, .len = prefix->len};
	unsigned whole = prefix->len / 8;
	unsigned rest = prefix->len % 8;

	memcpy(network.addr.bytes, prefix->addr.bytes, whole);
	if (rest != 0)
		network.addr.bytes[whole] = prefix->addr.bytes[whole] & (uint8_t)(0xff00 >> rest);
	return network;
}

bool ip_prefix_overlaps(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return ip_prefix_contains(a, &b->addr) || ip_prefix_contains(b, &a->addr);
}

bool ip_addr_is_multicast(const struct ip_addr *addr)
{
	if (addr->family == IP_V4)
		return addr->v4[0] >> 4 == 0xe;
	return addr->family == IP_V6 && addr->v6[0] == 0xff;
}

bool ip_addr_is_link_local(const struct ip_addr *addr)
{
	if (addr->family == IP_V4)
		return addr->v4[0] == 169 && addr->v4[1] == 254;
	return addr->family == IP_V6 && addr->v6[0] == 0xfe && addr->v6[1] >> 6 == 2;
}

uint32_t ip4_number(const struct ip_addr *addr)
{
	return (uint32_t)addr->v4[0] << 24 | (uint32_t)addr->v4[1] << 16 |
	       (uint32_t)addr->v4[2] << 8 | addr->v4[3];
}

struct ip_addr ip4_addr(uint32_t number)
{
	return (struct ip_addr){
		.v4 = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
			(uint8_t)number},
		.family = IP_V4,
	};
}
