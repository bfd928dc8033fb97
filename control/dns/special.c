// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/special.h"

#include <stdio.h>

#include "control/dns/dns_message.h"

enum { TTL_SEC = 10800 }; // RFC 6303, section 3

static const struct {
	const char *name, *because;
} special_names[] = {
	{"localhost", "RFC 6761 section 6.3: the machine that asks"},
	{"127.in-addr.arpa", "RFC 6303: loopback"},
	{"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
		"RFC 6303: loopback"},
	{"invalid", "RFC 6761 section 6.4: never there"},
	{"test", "RFC 6761 section 6.2: for tests"},
	{"onion", "RFC 7686: Tor's own, not of DNS"},
	{"alt", "RFC 9476: other name systems than DNS"},
	{"local", "RFC 6762: answered on the link, by mDNS"},
	{"254.169.in-addr.arpa", "RFC 6303: link-local"},
	{"8.e.f.ip6.arpa", "RFC 6303: link-local"},
	{"9.e.f.ip6.arpa", "RFC 6303: link-local"},
	{"a.e.f.ip6.arpa", "RFC 6303: link-local"},
	{"b.e.f.ip6.arpa", "RFC 6303: link-local"},
	{"home.arpa", "RFC 8375: the house's own names"},
	{"internal", "reserved by ICANN for private use"},
	{"service.arpa", "RFC 9665: services of the link"},
	{"resolver.arpa", "RFC 9462: about this resolver"},
	{"eap-noob.arpa", "RFC 9140: never there"},
	{"10.in-addr.arpa", "RFC 6303: private addresses"},
	{"168.192.in-addr.arpa", "RFC 6303: private addresses"},
	{"d.f.ip6.arpa", "RFC 6303: unique local addresses"},
	{"c.f.ip6.arpa", "RFC 4193: unique local addresses"},
	{"0.in-addr.arpa", "RFC 6303: this network"},
	{"255.255.255.255.in-addr.arpa", "RFC 6303: broadcast"},
	{"2.0.192.in-addr.arpa", "RFC 6303: for documentation"},
	{"100.51.198.in-addr.arpa", "RFC 6303: for documentation"},
	{"113.0.203.in-addr.arpa", "RFC 6303: for documentation"},
	{"8.b.d.0.1.0.0.2.ip6.arpa", "RFC 6303: for documentation"},
	{"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
		"RFC 6303: no address"},
};

// Runs of zones: 16 to 31.172.in-addr.arpa (RFC 6303), 64 to 127.100.in-addr.arpa (RFC 7793).
static const struct {
	unsigned first, last;
	const char *parent, *because;
} special_runs[] = {
	{16, 31, "172.in-addr.arpa", "RFC 6303: private addresses"},
	{64, 127, "100.in-addr.arpa", "RFC 7793: addresses that providers share"},
};

static int add(
	struct dns_zones *zones, const char *text, enum dns_zone_kind kind, const char *because)
{
	struct dns_name name;

	return dns_name_parse(text, &name) == 0
		       ? dns_zones_add(zones, &name, kind, TTL_SEC, because)
		       : -1;
}

static int add_localhost(struct dns_zones *zones)
{
	static const char *const addresses[] = {"127.0.0.1", "::1"};
	struct dns_name localhost;

	if (add(zones, "localhost", DNS_ZONE_WILD, special_names[0].because) != 0)
		return -1;
	dns_name_parse("localhost", &localhost);
	for (unsigned i = 0; i < 2; i++) {
		struct dns_name reverse;
		struct ip_addr addr;

		ip_addr_parse(addresses[i], &addr);
		dns_name_of_address(&addr, &reverse);
		if (dns_zones_add_address(zones, &localhost, TTL_SEC, &addr) != 0 ||
			dns_zones_add_record(
				zones, &reverse, DNS_PTR, TTL_SEC, NULL, 0, &localhost) != 0)
			return -1;
	}
	return 0;
}

int dns_special_add(struct dns_zones *zones)
{
	char text[64];

	if (add_localhost(zones) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(special_names) / sizeof(special_names[0]); i++)
		if (add(zones, special_names[i].name, DNS_ZONE_STATIC, special_names[i].because) !=
			0)
			return -1;
	for (size_t i = 0; i < sizeof(special_runs) / sizeof(special_runs[0]); i++) {
		for (unsigned n = special_runs[i].first; n <= special_runs[i].last; n++) {
			snprintf(text, sizeof(text), "%u.%s", n, special_runs[i].parent);
			if (add(zones, text, DNS_ZONE_STATIC, special_runs[i].because) != 0)
				return -1;
		}
	}
	return 0;
}

int dns_special_add_link(struct dns_zones *zones)
{
	static const char *const names[] = {"local", "254.169.in-addr.arpa", "8.e.f.ip6.arpa",
		"9.e.f.ip6.arpa", "a.e.f.ip6.arpa", "b.e.f.ip6.arpa"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (add(zones, names[i], DNS_ZONE_LINK, "RFC 6762: of the link") != 0)
			return -1;
	return 0;
}

int dns_special_add_canary(struct dns_zones *zones)
{
	return add(zones, DNS_SPECIAL_CANARY, DNS_ZONE_STATIC,
		"browsers are to keep to this "
		"resolver");
}

// --- addresses ---

struct special_prefix {
	uint8_t family, len, bytes[4]; // what is behind these bytes is zero
	const char *is;
};

static const struct special_prefix special_prefixes[] = {
	{IP_V4, 8, {0}, "this network"},
	{IP_V4, 8, {10}, "private"},
	{IP_V4, 10, {100, 64}, "shared by providers"},
	{IP_V4, 8, {127}, "loopback"},
	{IP_V4, 16, {169, 254}, "link-local"},
	{IP_V4, 12, {172, 16}, "private"},
	{IP_V4, 16, {192, 168}, "private"},
	{IP_V4, 32, {255, 255, 255, 255}, "broadcast"},
	{IP_V6, 128, {0}, "no address"},
	{IP_V6, 7, {0xfc}, "unique local"},
	{IP_V6, 10, {0xfe, 0x80}, "link-local"},
	{IP_V6, 10, {0xfe, 0xc0}, "site-local"},
};

static bool is_in(const struct special_prefix *special, const struct ip_addr *addr)
{
	struct ip_prefix prefix = {.addr = {.family = special->family}, .len = special->len};

	memcpy(prefix.addr.bytes, special->bytes, sizeof(special->bytes));
	return ip_prefix_contains(&prefix, addr);
}

static const char *find_prefix(const struct ip_addr *addr)
{
	for (size_t i = 0; i < sizeof(special_prefixes) / sizeof(special_prefixes[0]); i++)
		if (is_in(&special_prefixes[i], addr))
			return special_prefixes[i].is;
	return NULL;
}

// Where an address of IPv6 has one of IPv4 within: compatible and mapped (RFC 4291, section
// 2.5.5; ::1 among them), translated (RFC 6052), 6to4 (RFC 3056). 0: it has none.
static unsigned find_inner(const struct ip_addr *addr)
{
	static const uint8_t zeroes[12], mapped[2] = {0xff, 0xff};
	static const uint8_t translated[12] = {0, 0x64, 0xff, 0x9b}, sixtofour[2] = {0x20, 0x02};

	if (memcmp(addr->v6, zeroes, 12) == 0 || memcmp(addr->v6, translated, 12) == 0)
		return 12;
	if (memcmp(addr->v6, zeroes, 10) == 0 && memcmp(addr->v6 + 10, mapped, 2) == 0)
		return 12;
	return memcmp(addr->v6, sixtofour, 2) == 0 ? 2 : 0;
}

const char *dns_special_address(const struct ip_addr *addr)
{
	struct ip_addr inner = {.family = IP_V4};
	const char *is = find_prefix(addr);
	unsigned at = addr->family == IP_V6 && is == NULL ? find_inner(addr) : 0;

	if (at == 0)
		return is;
	memcpy(inner.v4, addr->v6 + at, sizeof(inner.v4));
	return find_prefix(&inner);
}
