// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/base/addr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ip_addr addr_of(const char *text)
{
	struct ip_addr addr;

	assert_int_equal(ip_addr_parse(text, &addr), 0);
	return addr;
}

static struct ip_prefix prefix_of(const char *text)
{
	struct ip_prefix prefix;

	assert_int_equal(ip_prefix_parse(text, &prefix), 0);
	return prefix;
}

static void addresses_are_printed_as_rfc_5952_says(void **state)
{
	static const struct {
		const char *text;
		const char *printed;
	} rows[] = {
		{"198.18.0.1", "198.18.0.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"::", "::"},
		{"::1", "::1"},
		{"1::", "1::"},
		{"2001:DB8::A", "2001:db8::a"},			  // 4.3: lower case
		{"2001:0db8::0001", "2001:db8::1"},		  // 4.1: no leading zeros
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, // 4.2.2: not for one group
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},	  // 4.2.3: the first of equals
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},	  // 4.2.3: the longest
		{"0:0:0:1:0:0:0:0", "0:0:0:1::"},
		{"0:0:1:0:0:0:0:1", "0:0:1::1"},
		{"::198.51.100.7", "::c633:6407"},
		{"::ffff:c633:6407", "::ffff:198.51.100.7"}, // 5: IPv4 inside shows
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[ADDR_STR_BYTES];
		struct ip_addr addr = addr_of(rows[i].text);
		struct ip_addr again;

		assert_string_equal(ip_addr_str(&addr, out), rows[i].printed);
		again = addr_of(out);
		assert_true(ip_addr_equal(&addr, &again));
	}
}

static void odd_addresses_are_refused(void **state)
{
	static const char *const rows[] = {"", " ", "1", "198.18.1", "198.18.0.256", "198.18.0.01",
		"0x7f.0.0.1", "198.18.0.1 ", " 198.18.0.1", "198.18.0.1.", "198.18.0.-1",
		"1.2.3.4.5", "198.18.0.1/24", ":", ":::", "1::2::3", "1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9", "fe80::1%eth1", "::12345", "::g", "[::1]", "::198.18.0",
		"::198.18.0.1:1", "\xc2\xb9.2.3.4"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_addr addr;

		if (ip_addr_parse(rows[i], &addr) != -EINVAL)
			fail_msg("`%s` was taken for an address", rows[i]);
	}
}

static void odd_prefixes_are_refused(void **state)
{
	static const char *const rows[] = {"", "/", "/24", "198.18.0.0", "198.18.0.0/",
		"198.18.0.0/33", "198.18.0.0/-1", "198.18.0.0/+8", "198.18.0.0/08", "198.18.0.0/00",
		"198.18.0.0/ 8", "198.18.0.0/8 ", "198.18.0.0/8/8", "198.18.0.0/0x8",
		"198.18.0.0/255.255.0.0", "198.18.0.0/4294967304", "2001:db8::/129",
		"2001:db8::/1000", "2001:db8::", "198.18/15",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_prefix prefix;

		if (ip_prefix_parse(rows[i], &prefix) != -EINVAL)
			fail_msg("`%s` was taken for a prefix", rows[i]);
	}
}

static void prefixes_keep_their_host_bits(void **state)
{
	static const char *const rows[] = {"198.18.0.2/24", "0.0.0.0/0", "::/0", "2001:db8::2/64",
		"198.18.0.1/32", "2001:db8::1/128"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_prefix prefix = prefix_of(rows[i]);
		char out[ADDR_STR_BYTES];

		assert_string_equal(ip_prefix_str(&prefix, out), rows[i]);
	}
}

static void the_longest_texts_fit(void **state)
{
	struct ip_prefix prefix = prefix_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
	char out[ADDR_STR_BYTES];

	assert_true(strlen(ip_prefix_str(&prefix, out)) < ADDR_STR_BYTES);
	prefix = prefix_of("::ffff:255.255.255.255/128");
	assert_string_equal(ip_prefix_str(&prefix, out), "::ffff:255.255.255.255/128");
}

static void a_prefix_contains_what_shares_its_bits(void **state)
{
	static const struct {
		const char *prefix;
		const char *addr;
		bool is_inside;
	} rows[] = {
		{"198.18.0.0/15", "198.19.255.255", true},
		{"198.18.0.0/15", "198.20.0.0", false},
		{"198.18.0.7/24", "198.18.0.200", true}, // host bits do not count
		{"198.18.0.7/24", "198.18.1.7", false},
		{"198.18.0.1/32", "198.18.0.1", true},
		{"198.18.0.1/32", "198.18.0.0", false},
		{"198.18.0.0/31", "198.18.0.1", true},
		{"198.18.0.0/31", "198.18.0.2", false},
		{"0.0.0.0/0", "255.255.255.255", true},
		{"0.0.0.0/0", "::", false},
		{"::/0", "198.18.0.1", false},
		{"2001:db8::/33", "2001:db8:7fff::1", true},
		{"2001:db8::/33", "2001:db8:8000::1", false},
		{"2001:db8::1/128", "2001:db8::1", true},
		{"2001:db8::1/128", "2001:db8::", false},
		{"2001:db8::/127", "2001:db8::1", true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_prefix prefix = prefix_of(rows[i].prefix);
		struct ip_addr addr = addr_of(rows[i].addr);

		if (ip_prefix_contains(&prefix, &addr) != rows[i].is_inside)
			fail_msg("%s in %s", rows[i].addr, rows[i].prefix);
	}
}

static void prefixes_overlap_when_one_is_within_the_other(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} rows[] = {
		{"198.18.0.0/15", "198.19.7.0/24", true},
		{"198.18.0.1/24", "198.18.0.200/24", true},
		{"198.18.0.0/24", "198.18.1.0/24", false},
		{"0.0.0.0/0", "203.0.113.9/32", true},
		{"2001:db8::/32", "2001:db8:1::/64", true},
		{"2001:db8:1::/64", "2001:db8:2::/64", false},
		{"0.0.0.0/0", "::/0", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_prefix a = prefix_of(rows[i].a), b = prefix_of(rows[i].b);

		if (ip_prefix_overlaps(&a, &b) != rows[i].overlap ||
			ip_prefix_overlaps(&b, &a) != rows[i].overlap)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
	}
}

static void an_address_of_ip4_is_a_number_and_back(void **state)
{
	struct ip_addr addr = addr_of("198.18.2.3"), again;

	assert_int_equal(ip4_number(&addr), 0xc6120203);
	again = ip4_addr(0xc6120203);
	assert_true(ip_addr_equal(&addr, &again));
}

static void the_network_has_no_host_bits(void **state)
{
	static const char *const rows[][2] = {
		{"198.18.77.9/24", "198.18.77.0/24"},
		{"198.18.77.9/20", "198.18.64.0/20"},
		{"198.18.77.9/32", "198.18.77.9/32"},
		{"198.18.77.9/0", "0.0.0.0/0"},
		{"198.18.77.9/1", "128.0.0.0/1"},
		{"2001:db8:ffff::1/35", "2001:db8:e000::/35"},
		{"2001:db8::1/128", "2001:db8::1/128"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_prefix prefix = prefix_of(rows[i][0]);
		struct ip_prefix network = ip_prefix_network(&prefix);
		char out[ADDR_STR_BYTES];

		assert_string_equal(ip_prefix_str(&network, out), rows[i][1]);
	}
}

static void kinds_of_address_are_told_apart(void **state)
{
	static const struct {
		const char *addr;
		bool is_multicast;
		bool is_link_local;
	} rows[] = {
		{"223.255.255.255", false, false},
		{"224.0.0.1", true, false},
		{"239.255.255.255", true, false},
		{"240.0.0.1", false, false},
		{"169.254.0.1", false, true},
		{"169.253.0.1", false, false},
		{"ff02::1", true, false},
		{"fe80::1", false, true},
		{"febf::1", false, true},
		{"fec0::1", false, false},
		{"fe7f::1", false, false},
		{"2001:db8::1", false, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_addr addr = addr_of(rows[i].addr);

		assert_int_equal(ip_addr_is_multicast(&addr), rows[i].is_multicast);
		assert_int_equal(ip_addr_is_link_local(&addr), rows[i].is_link_local);
	}
}

static void addresses_of_two_families_differ(void **state)
{
	struct ip_addr v4 = addr_of("0.0.0.0");
	struct ip_addr v6 = addr_of("::");
	struct ip_addr other = addr_of("0.0.0.1");

	assert_false(ip_addr_equal(&v4, &v6));
	assert_true(ip_addr_equal(&v4, &v4));
	assert_false(ip_addr_equal(&v4, &other));
}

static void mac_addresses_have_six_full_octets(void **state)
{
	static const char *const bad[] = {"", "02:00:00:00:00", "02:00:00:00:00:1",
		"2:00:00:00:00:001", "02-00-00-00-00-01", "02:00:00:00:00:01:", "02:00:00:00:00:0g",
		"0200.0000.0001", " 2:00:00:00:00:01", "02:00:00:00:00:01 ", "+2:00:00:00:00:01"};
	struct mac_addr mac;
	char out[ADDR_STR_BYTES];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (mac_addr_parse(bad[i], &mac) != -EINVAL)
			fail_msg("`%s` was taken for a MAC address", bad[i]);
	}
	assert_int_equal(mac_addr_parse("02:00:5E:aA:0f:F0", &mac), 0);
	assert_string_equal(mac_addr_str(&mac, out), "02:00:5e:aa:0f:f0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_printed_as_rfc_5952_says),
		cmocka_unit_test(odd_addresses_are_refused),
		cmocka_unit_test(odd_prefixes_are_refused),
		cmocka_unit_test(prefixes_keep_their_host_bits),
		cmocka_unit_test(the_longest_texts_fit),
		cmocka_unit_test(a_prefix_contains_what_shares_its_bits),
		cmocka_unit_test(prefixes_overlap_when_one_is_within_the_other),
		cmocka_unit_test(an_address_of_ip4_is_a_number_and_back),
		cmocka_unit_test(the_network_has_no_host_bits),
		cmocka_unit_test(kinds_of_address_are_told_apart),
		cmocka_unit_test(addresses_of_two_families_differ),
		cmocka_unit_test(mac_addresses_have_six_full_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
