// SPDX-License-Identifier: BSD-3-Clause
// IP addresses, prefixes and MAC addresses: bytes in network order, text in and out (RFC 4291,
// RFC 5952 for the form printed). Plain values, nothing owned. Any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum ip_family {
	IP_NONE = 0,
	IP_V4 = 4,
	IP_V6 = 6,
};

struct ip_addr {
	union {
		// IPv4 uses the first four, the rest is zero: it comes first, as what an
		// initializer does not name is zero in the first member only
		uint8_t bytes[16];
		uint8_t v4[4];
		uint8_t v6[16];
	};
	uint8_t family; // enum ip_family
};

struct ip_prefix {
	struct ip_addr addr; // host bits are kept: an interface's address is written as a prefix
	uint8_t len;
};

struct mac_addr {
	uint8_t bytes[6];
};

enum { ADDR_STR_BYTES = 64 }; // enough for any of the *_str functions below

// All parsers want the whole of `text` and return 0 or -EINVAL; nothing is guessed (no octal, no
// missing octets, no scope id).
int ip_addr_parse(const char *text, struct ip_addr *out);
int ip_prefix_parse(const char *text, struct ip_prefix *out); // "a.b.c.d/len"; a length is a must
int mac_addr_parse(const char *text, struct mac_addr *out);   // "02:00:00:aa:bb:cc"

// Each writes at most ADDR_STR_BYTES to `out` and returns it.
const char *ip_addr_str(const struct ip_addr *addr, char *out);
const char *ip_prefix_str(const struct ip_prefix *prefix, char *out);
const char *mac_addr_str(const struct mac_addr *mac, char *out);

static inline bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	if (a->family != b->family)
		return false;
	if (a->family == IP_V6)
		return memcmp(a->v6, b->v6, sizeof(a->v6)) == 0;
	return a->family == IP_NONE || memcmp(a->v4, b->v4, sizeof(a->v4)) == 0;
}
bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_addr *addr);
struct ip_prefix ip_prefix_network(const struct ip_prefix *prefix); // host bits cleared
// Whether an address is of both.
bool ip_prefix_overlaps(const struct ip_prefix *a, const struct ip_prefix *b);
unsigned ip_family_bits(uint8_t family); // 32, 128 or 0
bool ip_addr_is_multicast(const struct ip_addr *addr);
bool ip_addr_is_link_local(const struct ip_addr *addr); // 169.254/16, fe80::/10

// An IPv4 address as a number of host order, and back.
uint32_t ip4_number(const struct ip_addr *addr);
struct ip_addr ip4_addr(uint32_t number);
