// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/element.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/config_fixture.h"

struct numbers {
	enum cfg_set_kind kind;
	const char *text;
	uint32_t first, last;
};

static void numbers_are_read_from_words_and_digits(void **state)
{
	static const struct numbers rows[] = {
		{CFG_SET_PORTS, "443", 443, 443},
		{CFG_SET_PORTS, "0", 0, 0},
		{CFG_SET_PORTS, "8000-8099", 8000, 8099},
		{CFG_SET_PORTS, "0-65535", 0, 65535},
		{CFG_SET_PORTS, "https", 443, 443},
		{CFG_SET_PORTS, "dhcpv6-client", 546, 546},
		{CFG_SET_PROTOCOLS, "tcp", 6, 6},
		{CFG_SET_PROTOCOLS, "6in4", 41, 41},
		{CFG_SET_PROTOCOLS, "udp-lite", 136, 136},
		{CFG_SET_PROTOCOLS, "255", 255, 255},
		{CFG_SET_PROTOCOLS, "6-17", 6, 17},
		{CFG_SET_ICMP, "echo-request", 0x0800, 0x08ff},
		{CFG_SET_ICMP, "0", 0, 0xff},
		{CFG_SET_ICMP, "3/4", 0x0304, 0x0304},
		{CFG_SET_ICMP, "destination-unreachable/4", 0x0304, 0x0304},
		{CFG_SET_ICMP, "fragmentation-needed", 0x0304, 0x0304},
		{CFG_SET_ICMP, "255/255", 0xffff, 0xffff},
		{CFG_SET_ICMP6, "echo-request", 0x8000, 0x80ff},
		{CFG_SET_ICMP6, "packet-too-big", 0x0200, 0x02ff},
		{CFG_SET_ICMP6, "port-unreachable", 0x0104, 0x0104},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cfg_element element;
		struct error err = {.text = ""};

		if (cfg_element_parse(rows[i].kind, rows[i].text, &element, &err) != 0)
			fail_msg("%s: %s", rows[i].text, err.text);
		assert_null(element.set);
		assert_int_equal(element.numbers.first, rows[i].first);
		assert_int_equal(element.numbers.last, rows[i].last);
	}
}

static void addresses_are_read_as_ranges(void **state)
{
	static const struct {
		const char *text, *first, *last;
	} rows[] = {
		{"198.18.0.5", "198.18.0.5", "198.18.0.5"},
		{"198.18.1.0/24", "198.18.1.0", "198.18.1.255"},
		{"0.0.0.0/0", "0.0.0.0", "255.255.255.255"},
		{"198.18.2.10-198.18.2.20", "198.18.2.10", "198.18.2.20"},
		{"198.18.2.10-198.18.2.10", "198.18.2.10", "198.18.2.10"},
		{"2001:db8::/64", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff"},
		{"2001:db8::1-2001:db8::1:0", "2001:db8::1", "2001:db8::1:0"},
		{"::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cfg_element element;
		char text[ADDR_STR_BYTES];

		assert_int_equal(
			cfg_element_parse(CFG_SET_ADDRESSES, rows[i].text, &element, NULL), 0);
		assert_string_equal(ip_addr_str(&element.addresses.first, text), rows[i].first);
		assert_string_equal(ip_addr_str(&element.addresses.last, text), rows[i].last);
	}
}

static void what_is_no_element_is_refused_with_a_reason(void **state)
{
	static const struct {
		enum cfg_set_kind kind;
		const char *text, *piece;
	} rows[] = {
		{CFG_SET_ADDRESSES, "", "expected an address, a network or a range"},
		{CFG_SET_ADDRESSES, "198.18.0", "expected an address"},
		{CFG_SET_ADDRESSES, "198.18.0.1/24", "the network is 198.18.0.0/24"},
		{CFG_SET_ADDRESSES, "198.18.0.0/33", "expected an address"},
		{CFG_SET_ADDRESSES, "198.18.0.9-198.18.0.8", "before its beginning"},
		{CFG_SET_ADDRESSES, "198.18.0.9-2001:db8::1", "of its family"},
		{CFG_SET_ADDRESSES, "-", "expected an address"},
		{CFG_SET_ADDRESSES, "198.18.0.9-", "expected an address"},
		{CFG_SET_ADDRESSES, "-198.18.0.9", "expected an address"},
		{CFG_SET_ADDRESSES, "admins", "expected an address"},
		{CFG_SET_ADDRESSES,
			"1111111111111111111111111111111111111111111111111111111111111111111-::1",
			"expected an address"},
		{CFG_SET_PORTS, "65536", "expected a port"},
		{CFG_SET_PORTS, "080", "expected a port"},
		{CFG_SET_PORTS, "4294967739", "expected a port"},
		{CFG_SET_PORTS, "90-80", "before its beginning"},
		{CFG_SET_PORTS, "80-", "expected a port"},
		{CFG_SET_PORTS, "-80", "expected a port"},
		{CFG_SET_PORTS, "http-https", "expected a port"},
		{CFG_SET_PORTS, "htt", "expected a port"},
		{CFG_SET_PORTS, "https1", "expected a port"},
		{CFG_SET_PROTOCOLS, "256", "expected a protocol"},
		{CFG_SET_ICMP, "256", "expected an ICMP type"},
		{CFG_SET_ICMP, "3/256", "expected an ICMP type"},
		{CFG_SET_ICMP, "3/", "expected an ICMP type"},
		{CFG_SET_ICMP, "/3", "expected an ICMP type"},
		{CFG_SET_ICMP, "packet-too-big", "expected an ICMP type"},
		{CFG_SET_ICMP6, "fragmentation-needed", "expected an ICMPv6 type"},
		{CFG_SET_MACS, "02:00:00:00:00", "expected a MAC address"},
		{CFG_SET_MACS, "03:00:00:00:00:01", "group address"},
		{CFG_SET_INTERFACES, "a/b", "the name of an interface"},
		{CFG_SET_INTERFACES, "a-much-too-long-name", "the name of an interface"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cfg_element element;
		struct error err = {.text = ""};

		if (cfg_element_parse(rows[i].kind, rows[i].text, &element, &err) == 0)
			fail_msg("not refused: %s", rows[i].text);
		if (strstr(err.text, rows[i].piece) == NULL)
			fail_msg("%s: expected %s, got %s", rows[i].text, rows[i].piece, err.text);
	}
}

// --- ranges as prefixes ---

static struct ip_addr addr(const char *text)
{
	struct ip_addr result;

	assert_int_equal(ip_addr_parse(text, &result), 0);
	return result;
}

static void ranges_are_the_fewest_prefixes(void **state)
{
	static const struct {
		const char *first, *last;
		const char *prefixes;
	} rows[] = {
		{"198.18.0.5", "198.18.0.5", "198.18.0.5/32"},
		{"198.18.0.0", "198.18.0.255", "198.18.0.0/24"},
		{"0.0.0.0", "255.255.255.255", "0.0.0.0/0"},
		{"198.18.2.10", "198.18.2.20",
			"198.18.2.10/31 198.18.2.12/30 198.18.2.16/30 198.18.2.20/32"},
		{"198.18.0.1", "198.18.0.2", "198.18.0.1/32 198.18.0.2/32"},
		{"198.18.0.255", "198.18.1.0", "198.18.0.255/32 198.18.1.0/32"},
		{"0.0.0.1", "255.255.255.255",
			"0.0.0.1/32 0.0.0.2/31 0.0.0.4/30 0.0.0.8/29 0.0.0.16/28 0.0.0.32/27 "
			"0.0.0.64/26 0.0.0.128/25 0.0.1.0/24 0.0.2.0/23 0.0.4.0/22 0.0.8.0/21 "
			"0.0.16.0/20 0.0.32.0/19 0.0.64.0/18 0.0.128.0/17 0.1.0.0/16 0.2.0.0/15 "
			"0.4.0.0/14 0.8.0.0/13 0.16.0.0/12 0.32.0.0/11 0.64.0.0/10 0.128.0.0/9 "
			"1.0.0.0/8 2.0.0.0/7 4.0.0.0/6 8.0.0.0/5 16.0.0.0/4 32.0.0.0/3 64.0.0.0/2 "
			"128.0.0.0/1"},
		{"2001:db8::ffff", "2001:db8::1:0", "2001:db8::ffff/128 2001:db8::1:0/128"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ip_addr first = addr(rows[i].first), last = addr(rows[i].last);
		struct ip_prefix prefixes[CFG_RANGE_PREFIXES_MAX];
		unsigned n = cfg_range_prefixes(&first, &last, prefixes);
		char said[1024] = "", text[ADDR_STR_BYTES];

		for (unsigned j = 0; j < n; j++)
			snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%s",
				j > 0 ? " " : "", ip_prefix_str(&prefixes[j], text));
		assert_string_equal(said, rows[i].prefixes);
	}
}

static void the_worst_range_of_ip6_fits(void **state)
{
	struct ip_addr first = addr("::1"), last = addr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe");
	struct ip_prefix prefixes[CFG_RANGE_PREFIXES_MAX];

	assert_int_equal(cfg_range_prefixes(&first, &last, prefixes), CFG_RANGE_PREFIXES_MAX);
}

// In order, each begins where the one before it ended, and no two could be one.
static void any_range_is_covered_without_gap_and_overlap(void **state)
{
	srandom(3);
	for (unsigned round = 0; round < 100000; round++) {
		uint32_t a = (uint32_t)random() << 1 ^ (uint32_t)random();
		uint32_t b = a ^ (uint32_t)random() >> random() % 31;
		struct ip_addr first = ip4_addr(a < b ? a : b), last = ip4_addr(a < b ? b : a);
		struct ip_prefix prefixes[CFG_RANGE_PREFIXES_MAX];
		unsigned n = cfg_range_prefixes(&first, &last, prefixes);
		uint64_t at = ip4_number(&first);

		assert_in_range(n, 1, 62);
		for (unsigned i = 0; i < n; i++) {
			uint64_t size = 1ull << (32 - prefixes[i].len);

			assert_int_equal(ip4_number(&prefixes[i].addr), at);
			assert_int_equal(at % size, 0);
			if (i > 0 && prefixes[i].len == prefixes[i - 1].len)
				assert_int_not_equal((at - size) % (2 * size), 0);
			at += size;
		}
		assert_int_equal(at, (uint64_t)ip4_number(&last) + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_from_words_and_digits),
		cmocka_unit_test(addresses_are_read_as_ranges),
		cmocka_unit_test(what_is_no_element_is_refused_with_a_reason),
		cmocka_unit_test(ranges_are_the_fewest_prefixes),
		cmocka_unit_test(the_worst_range_of_ip6_fits),
		cmocka_unit_test(any_range_is_covered_without_gap_and_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
