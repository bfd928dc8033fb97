// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/nat_prefix.h"
#include "tests/unit/random.h"
#include "tests/unit/text_addr.h"

static uint32_t ones_sum(const struct ip_addr *addr)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 16; i += 2)
		sum += (uint32_t)(addr->v6[i] << 8 | addr->v6[i + 1]);
	return sum % 0xffff;
}

static void known_addresses_map_both_ways(void **state)
{
	static const struct {
		const char *inside, *outside, *host, *seen;
	} rows[] = {
		// RFC 6296 3.4 and appendix B: the RFC's own
		{"fd01:203:405::/48", "2001:db8:1::/48", "fd01:203:405:1::1234",
			"2001:db8:1:d550::1234"},
		// shorter: still bits 48 to 63
		{"fd00::/8", "2000::/8", "fd12::1", "2012:0:0:dd00::1"},
		// longer: the interface identifier, its first word that is not 0xffff
		{"fd01:203:405:1::/64", "2001:db8:1:2::/64", "fd01:203:405:1::1234",
			"2001:db8:1:2:d54e::1234"},
		{"fd01:203:405:1::/64", "2001:db8:1:2::/64", "fd01:203:405:1:ffff::1234",
			"2001:db8:1:2:ffff:d54e:0:1234"},
		{"fd01:203:405:100::/56", "2001:db8:1:200::/56", "fd01:203:405:1ab::1",
			"2001:db8:1:2ab:d44f::1"},
		// a sum of 0xffff is written as zero
		{"fd01:203:405::/48", "2001:db8:1::/48", "fd01:203:405:2ab0::1", "2001:db8:1::1"},
		{"fd01:203:405::/48", "fd01:203:405::/48", "fd01:203:405:7::1",
			"fd01:203:405:7::1"},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_prefix inside = prefix(rows[i].inside), outside = prefix(rows[i].outside);
		struct ip_addr host = address(rows[i].host), seen, back;
		char text[ADDR_STR_BYTES];

		assert_true(nat_prefix_fits(&inside, &outside));
		assert_true(nat_prefix_map(&inside, &outside, &host, &seen));
		assert_string_equal(ip_addr_str(&seen, text), rows[i].seen);
		assert_true(nat_prefix_map(&outside, &inside, &seen, &back));
		assert_true(ip_addr_equal(&host, &back));
	}
}

static void every_host_comes_back_and_no_checksum_changes(void **state)
{
	for (unsigned n = 0; n < 500000; n++) {
		uint8_t len = (uint8_t)(1 + random32() % 112);
		struct ip_prefix inside = {.addr.family = IP_V6, .len = len}, outside = inside;
		struct ip_addr host, seen, back;

		for (unsigned i = 0; i < 16; i++) {
			inside.addr.v6[i] = (uint8_t)random32();
			outside.addr.v6[i] = (uint8_t)random32();
		}
		host = inside.addr;
		if (random32() % 4 == 0) // many words of 0xffff
			for (unsigned word = 0; word < 8; word++)
				if (random32() % 2)
					memset(host.v6 + 2 * word, 0xff, 2);
		inside.addr = host; // the host's own bits are ignored in a prefix
		inside = ip_prefix_network(&inside);
		outside = ip_prefix_network(&outside);
		if (!nat_prefix_map(&inside, &outside, &host, &seen))
			continue;
		assert_true(ip_prefix_contains(&outside, &seen));
		assert_int_equal(ones_sum(&host), ones_sum(&seen));
		assert_true(nat_prefix_map(&outside, &inside, &seen, &back));
		assert_true(ip_addr_equal(&host, &back));
	}
}

static void what_has_no_word_to_adjust_has_no_counterpart(void **state)
{
	static const struct {
		const char *inside, *outside, *host;
	} rows[] = {
		{"fd01:203:405::/48", "2001:db8:1::/48", "fd01:203:405:ffff::1"},
		{"fd01:203:405:1::/64", "2001:db8:1:2::/64", "fd01:203:405:1:ffff:ffff:ffff:ffff"},
		{"fd01::/112", "2001:db8::/112", "fd01::ffff"},
	};
	struct ip_addr seen;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_prefix inside = prefix(rows[i].inside), outside = prefix(rows[i].outside);
		struct ip_addr host = address(rows[i].host);

		assert_false(nat_prefix_map(&inside, &outside, &host, &seen));
	}
}

static void only_prefixes_of_one_length_fit(void **state)
{
	static const struct {
		const char *inside, *outside;
		bool fits;
	} rows[] = {
		{"fd00::/48", "2001:db8::/48", true},
		{"fd00::/112", "2001:db8::/112", true},
		{"fd00::/48", "2001:db8::/56", false},
		{"fd00::/113", "2001:db8::/113", false},
		{"::/0", "::/0", false},
		{"10.0.0.0/8", "11.0.0.0/8", false},
		{"fd00::/16", "11.0.0.0/16", false},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_prefix inside = prefix(rows[i].inside), outside = prefix(rows[i].outside);

		assert_int_equal(nat_prefix_fits(&inside, &outside), rows[i].fits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_addresses_map_both_ways),
		cmocka_unit_test(every_host_comes_back_and_no_checksum_changes),
		cmocka_unit_test(what_has_no_word_to_adjust_has_no_counterpart),
		cmocka_unit_test(only_prefixes_of_one_length_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
