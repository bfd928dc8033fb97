// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/address_kind.h"

#include <string.h>

#include <rte_common.h>

// Both tables: by first address, a block before what is carved out of it, so the last that holds an
// address is the longest. Of what the registries call globally reachable only that stands here
// which lies in a block that is not. Entries without columns are left to what surrounds them: the
// deprecated 192.88.99.0/24 and 2001:10::/28; so are Teredo and 6to4, reachable "N/A", to the
// internet.
static const struct block4 {
	uint32_t first, last;
	enum address_kind kind;
} blocks4[] = {
	{0x00000000, 0x00ffffff, ADDRESS_NOWHERE},    // 0.0.0.0/8, RFC 791 3.2
	{0x0a000000, 0x0affffff, ADDRESS_PRIVATE},    // 10.0.0.0/8, RFC 1918
	{0x64400000, 0x647fffff, ADDRESS_PRIVATE},    // 100.64.0.0/10, shared: RFC 6598
	{0x7f000000, 0x7fffffff, ADDRESS_NOWHERE},    // 127.0.0.0/8, RFC 1122 3.2.1.3
	{0xa9fe0000, 0xa9feffff, ADDRESS_LINK_LOCAL}, // 169.254.0.0/16, RFC 3927
	{0xac100000, 0xac1fffff, ADDRESS_PRIVATE},    // 172.16.0.0/12, RFC 1918
	{0xc0000000, 0xc00000ff, ADDRESS_NOWHERE},    // 192.0.0.0/24, RFC 6890 2.1
	{0xc0000000, 0xc0000007, ADDRESS_PRIVATE},    // 192.0.0.0/29, DS-Lite: RFC 7335
	{0xc0000008, 0xc0000008, ADDRESS_SOURCE},     // 192.0.0.8, dummy: RFC 7600
	{0xc0000009, 0xc0000009, ADDRESS_GLOBAL},     // 192.0.0.9, PCP: RFC 7723
	{0xc000000a, 0xc000000a, ADDRESS_GLOBAL},     // 192.0.0.10, TURN: RFC 8155
	{0xc0000200, 0xc00002ff, ADDRESS_TEST},	      // 192.0.2.0/24, RFC 5737
	{0xc0586302, 0xc0586302, ADDRESS_PRIVATE},    // 192.88.99.2, 6a44 relay: RFC 6751
	{0xc0a80000, 0xc0a8ffff, ADDRESS_PRIVATE},    // 192.168.0.0/16, RFC 1918
	{0xc6120000, 0xc613ffff, ADDRESS_TEST},	      // 198.18.0.0/15, RFC 2544
	{0xc6336400, 0xc63364ff, ADDRESS_TEST},	      // 198.51.100.0/24, RFC 5737
	{0xcb007100, 0xcb0071ff, ADDRESS_TEST},	      // 203.0.113.0/24, RFC 5737
	{0xe0000000, 0xefffffff, ADDRESS_GROUP},      // 224.0.0.0/4, RFC 5771
	{0xf0000000, 0xffffffff, ADDRESS_NOWHERE},    // 240.0.0.0/4, RFC 1112 4
	{0xffffffff, 0xffffffff, ADDRESS_GROUP},      // limited broadcast: RFC 919 7
};

static const struct block6 {
	uint64_t high, low;
	uint8_t len;
	enum address_kind kind;
} blocks6[] = {
	{0, 0, 128, ADDRESS_NOWHERE},			 // ::, RFC 4291 2.5.2
	{0, 1, 128, ADDRESS_NOWHERE},			 // ::1, RFC 4291 2.5.3
	{0, 0xffff00000000, 96, ADDRESS_NOWHERE},	 // ::ffff:0:0/96, mapped: RFC 4291 2.5.5.2
	{0x0064ff9b00010000, 0, 48, ADDRESS_PRIVATE},	 // 64:ff9b:1::/48, RFC 8215
	{0x0100000000000000, 0, 64, ADDRESS_PRIVATE},	 // 100::/64, discard: RFC 6666
	{0x0100000000000001, 0, 64, ADDRESS_SOURCE},	 // 100:0:0:1::/64, dummy: RFC 9780
	{0x2001000000000000, 0, 23, ADDRESS_NOWHERE},	 // 2001::/23, RFC 2928
	{0x2001000000000000, 0, 32, ADDRESS_GLOBAL},	 // 2001::/32, Teredo: RFC 4380
	{0x2001000100000000, 1, 128, ADDRESS_GLOBAL},	 // 2001:1::1, PCP: RFC 7723
	{0x2001000100000000, 2, 128, ADDRESS_GLOBAL},	 // 2001:1::2, TURN: RFC 8155
	{0x2001000100000000, 3, 128, ADDRESS_GLOBAL},	 // 2001:1::3, DNS-SD SRP: RFC 9665
	{0x2001000200000000, 0, 48, ADDRESS_TEST},	 // 2001:2::/48, benchmarking: RFC 5180
	{0x2001000300000000, 0, 32, ADDRESS_GLOBAL},	 // 2001:3::/32, AMT: RFC 7450
	{0x2001000401120000, 0, 48, ADDRESS_GLOBAL},	 // 2001:4:112::/48, AS112: RFC 7535
	{0x2001002000000000, 0, 28, ADDRESS_GLOBAL},	 // 2001:20::/28, ORCHIDv2: RFC 7343
	{0x2001003000000000, 0, 28, ADDRESS_GLOBAL},	 // 2001:30::/28, drones: RFC 9374
	{0x20010db800000000, 0, 32, ADDRESS_TEST},	 // 2001:db8::/32, RFC 3849
	{0x3fff000000000000, 0, 20, ADDRESS_TEST},	 // 3fff::/20, RFC 9637
	{0x5f00000000000000, 0, 16, ADDRESS_PRIVATE},	 // 5f00::/16, SRv6 SIDs: RFC 9602
	{0xfc00000000000000, 0, 7, ADDRESS_PRIVATE},	 // fc00::/7, RFC 4193
	{0xfe80000000000000, 0, 10, ADDRESS_LINK_LOCAL}, // fe80::/10, RFC 4291 2.5.6
	{0xff00000000000000, 0, 8, ADDRESS_GROUP},	 // ff00::/8, RFC 4291 2.7
};

// Of blocks4, by an address's first byte: which to look at, and how many. All else is global.
static const struct {
	uint8_t from, n;
} by_first_byte[256] = {
	[0] = {0, 1},
	[10] = {1, 1},
	[100] = {2, 1},
	[127] = {3, 1},
	[169] = {4, 1},
	[172] = {5, 1},
	[192] = {6, 8},
	[198] = {14, 2},
	[203] = {16, 1},
	[224 ... 239] = {17, 1},
	[240 ... 255] = {18, 2},
};

// Apart, for most have nothing to be searched.
static __attribute__((noinline)) enum address_kind search4(uint32_t addr)
{
	const struct block4 *block = &blocks4[by_first_byte[addr >> 24].from];
	enum address_kind kind = ADDRESS_GLOBAL;

	for (unsigned i = 0; i < by_first_byte[addr >> 24].n; i++)
		if (addr >= block[i].first && addr <= block[i].last)
			kind = block[i].kind;
	return kind;
}

enum address_kind address_kind4(uint32_t addr)
{
	return by_first_byte[addr >> 24].n == 0 ? ADDRESS_GLOBAL : search4(addr);
}

static bool block6_holds(const struct block6 *block, uint64_t high, uint64_t low)
{
	if (block->len <= 64)
		return (high ^ block->high) >> (64 - block->len) == 0;
	return high == block->high && (low ^ block->low) >> (128 - block->len) == 0;
}

enum address_kind address_kind6(const uint8_t addr[16])
{
	enum address_kind kind = ADDRESS_GLOBAL;
	uint64_t words[2], high, low;

	memcpy(words, addr, sizeof(words));
	high = rte_be_to_cpu_64(words[0]);
	low = rte_be_to_cpu_64(words[1]);
	// Nearly everybody lives between two blocks: spared the walk.
	if (high >= 0x2001100000000000 && high < 0x3fff000000000000)
		return ADDRESS_GLOBAL;
	for (unsigned i = 0; i < RTE_DIM(blocks6) && blocks6[i].high <= high; i++)
		if (block6_holds(&blocks6[i], high, low))
			kind = blocks6[i].kind;
	return kind;
}

enum address_kind address_kind(const struct ip_addr *addr)
{
	uint32_t word;

	if (addr->family != IP_V4)
		return address_kind6(addr->v6);
	memcpy(&word, addr->v4, sizeof(word));
	return address_kind4(rte_be_to_cpu_32(word));
}

bool ip6_source_is_bad(const uint8_t src[16])
{
	static const uint8_t zeroes[15];

	if (src[0] == 0xff)
		return true;
	if (memcmp(src, zeroes, 10) != 0)
		return false;
	if (src[10] == 0xff && src[11] == 0xff)
		return true; // IPv4-mapped, never on a wire (RFC 4942 2.2)
	return memcmp(src, zeroes, 15) == 0 && src[15] <= 1;
}
