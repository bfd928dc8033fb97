// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/address_kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <rte_common.h>

// IANA's registries, row by row: source, destination, forwardable, globally reachable, reserved by
// protocol; '-' where the registry says nothing, or "N/A".
static const struct row {
	const char *prefix;
	const char *columns;
	bool is_test; // documentation or benchmarking
} rows[] = {
	{"0.0.0.0/8", "TFFFT"},
	{"0.0.0.0/32", "TFFFT"},
	{"10.0.0.0/8", "TTTFF"},
	{"100.64.0.0/10", "TTTFF"},
	{"127.0.0.0/8", "FFFFT"},
	{"169.254.0.0/16", "TTFFT"},
	{"172.16.0.0/12", "TTTFF"},
	{"192.0.0.0/24", "FFFFF"},
	{"192.0.0.0/29", "TTTFF"},
	{"192.0.0.8/32", "TFFFF"},
	{"192.0.0.9/32", "TTTTF"},
	{"192.0.0.10/32", "TTTTF"},
	{"192.0.0.170/32", "FFFFT"},
	{"192.0.0.171/32", "FFFFT"},
	{"192.0.2.0/24", "FFFFF", true},
	{"192.31.196.0/24", "TTTTF"},
	{"192.52.193.0/24", "TTTTF"},
	{"192.88.99.0/24", "-----"},
	{"192.88.99.2/32", "TTTFF"},
	{"192.168.0.0/16", "TTTFF"},
	{"192.175.48.0/24", "TTTTF"},
	{"198.18.0.0/15", "TTTFF", true},
	{"198.51.100.0/24", "FFFFF", true},
	{"203.0.113.0/24", "FFFFF", true},
	{"240.0.0.0/4", "FFFFT"},
	{"255.255.255.255/32", "FTFFT"},
	{"::1/128", "FFFFT"},
	{"::/128", "TFFFT"},
	{"::ffff:0:0/96", "FFFFT"},
	{"64:ff9b::/96", "TTTTF"},
	{"64:ff9b:1::/48", "TTTFF"},
	{"100::/64", "TTTFF"},
	{"100:0:0:1::/64", "TFFFF"},
	{"2001::/23", "FFFFF"},
	{"2001::/32", "TTT-F"},
	{"2001:1::1/128", "TTTTF"},
	{"2001:1::2/128", "TTTTF"},
	{"2001:1::3/128", "TTTTF"},
	{"2001:2::/48", "TTTFF", true},
	{"2001:3::/32", "TTTTF"},
	{"2001:4:112::/48", "TTTTF"},
	{"2001:10::/28", "-----"},
	{"2001:20::/28", "TTTTF"},
	{"2001:30::/28", "TTTTF"},
	{"2001:db8::/32", "FFFFF", true},
	{"2002::/16", "TTT-F"},
	{"2620:4f:8000::/48", "TTTTF"},
	{"3fff::/20", "FFFFF", true},
	{"5f00::/16", "TTTFF"},
	{"fc00::/7", "TTTFF"},
	{"fe80::/10", "TTFFT"},
	// not of these registries, but of RFC 5771 and RFC 4291
	{"224.0.0.0/4", "FTFFT"},
	{"ff00::/8", "FTFFT"},
};

static struct ip_prefix prefixes[RTE_DIM(rows)];

static int parse_rows(void **state)
{
	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		if (ip_prefix_parse(rows[i].prefix, &prefixes[i]) != 0)
			return -1;
	return 0;
}

static enum address_kind kind_of(const struct row *row)
{
	static const struct {
		const char *columns;
		enum address_kind kind;
	} kinds[] = {
		{"TTTTF", ADDRESS_GLOBAL},
		{"TTT-F", ADDRESS_GLOBAL},
		{"TTTFF", ADDRESS_PRIVATE},
		{"TTFFT", ADDRESS_LINK_LOCAL},
		{"TFFFF", ADDRESS_SOURCE},
		{"TFFFT", ADDRESS_NOWHERE},
		{"FFFFF", ADDRESS_NOWHERE},
		{"FFFFT", ADDRESS_NOWHERE},
		{"FTFFT", ADDRESS_GROUP},
	};

	if (row->is_test)
		return ADDRESS_TEST;
	for (unsigned i = 0; i < RTE_DIM(kinds); i++)
		if (strcmp(kinds[i].columns, row->columns) == 0)
			return kinds[i].kind;
	fail_msg("%s has columns that mean nothing", row->prefix);
	return ADDRESS_GLOBAL;
}

// What the registry says: the longest row with columns, and the internet where there is none.
static enum address_kind expected(const struct ip_addr *addr)
{
	int best = -1;

	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		if (rows[i].columns[0] != '-' && ip_prefix_contains(&prefixes[i], addr) &&
			(best < 0 || prefixes[i].len > prefixes[best].len))
			best = (int)i;
	return best < 0 ? ADDRESS_GLOBAL : kind_of(&rows[best]);
}

static void assert_kind(const struct ip_addr *addr)
{
	char text[ADDR_STR_BYTES];

	if (address_kind(addr) != expected(addr))
		fail_msg("%s is of kind %d, not %d", ip_addr_str(addr, text), expected(addr),
			address_kind(addr));
}

static void step(struct ip_addr *addr, int by)
{
	for (int i = (int)ip_family_bits(addr->family) / 8 - 1; i >= 0; i--) {
		addr->bytes[i] = (uint8_t)(addr->bytes[i] + by);
		if (addr->bytes[i] != (by > 0 ? 0 : 0xff))
			break;
	}
}

static void both_ends_of_each_block_and_what_stands_beside_are_what_the_registry_says(void **state)
{
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct ip_addr first = ip_prefix_network(&prefixes[i]).addr, last = first;

		for (unsigned bit = prefixes[i].len; bit < ip_family_bits(first.family); bit++)
			last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		assert_kind(&first);
		assert_kind(&last);
		step(&first, -1);
		assert_kind(&first);
		step(&last, 1);
		assert_kind(&last);
	}
}

static void so_is_what_lies_anywhere_within(void **state)
{
	uint64_t random = 0x9e3779b97f4a7c15;

	for (unsigned n = 0; n < 200000; n++) {
		const struct ip_prefix *prefix = &prefixes[n % RTE_DIM(rows)];
		struct ip_addr addr = prefix->addr;

		// its first bits, or most of them, and chance behind
		for (unsigned bit = n / RTE_DIM(rows) % (prefix->len + 1u);
			bit < ip_family_bits(addr.family); bit++) {
			random = random * 6364136223846793005 + 1442695040888963407;
			addr.bytes[bit / 8] ^= (uint8_t)((random >> 63) << (7 - bit % 8));
		}
		assert_kind(&addr);
	}
}

static void a_source_of_no_host_is_known_by_itself(void **state)
{
	static const struct {
		const char *text;
		bool is_bad;
	} sources[] = {
		{"0.0.0.0", true},
		{"0.255.255.255", true},
		{"1.0.0.0", false},
		{"127.0.0.1", true},
		{"128.0.0.1", false},
		{"223.255.255.255", false},
		{"224.0.0.1", true},
		{"255.255.255.255", true},
		{"::", true},
		{"::1", true},
		{"::2", false},
		{"::ffff:192.0.2.1", true},
		{"::fffe:192.0.2.1", false},
		{"ff02::1", true},
		{"fe80::1", false},
	};

	for (unsigned i = 0; i < RTE_DIM(sources); i++) {
		struct ip_addr addr;
		uint32_t be;

		assert_int_equal(ip_addr_parse(sources[i].text, &addr), 0);
		memcpy(&be, addr.v4, sizeof(be));
		assert_int_equal(
			addr.family == IP_V6 ? ip6_source_is_bad(addr.v6) : ip4_source_is_bad(be),
			sources[i].is_bad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			both_ends_of_each_block_and_what_stands_beside_are_what_the_registry_says),
		cmocka_unit_test(so_is_what_lies_anywhere_within),
		cmocka_unit_test(a_source_of_no_host_is_known_by_itself),
	};

	return cmocka_run_group_tests(tests, parse_rows, NULL);
}
