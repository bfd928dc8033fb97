// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/dns_local_fixture.h"

static struct dns_known_name known_of(
	const char *text, const char *address, uint64_t owner, enum dns_name_source source)
{
	struct dns_known_name known = {
		.source = source, .owner = owner, .ends_at_sec = NOW_SEC + 60};

	assert_int_equal(dns_name_parse(text, &known.name), 0);
	assert_int_equal(ip_addr_parse(address, &known.addr), 0);
	return known;
}

static void leases_have_names_both_ways(void **state)
{
	struct dns_known_name known =
		known_of("laptop.home.arpa", "198.18.0.50", 1, DNS_SOURCE_LEASE);

	configure("");
	assert_int_equal(dns_names_add(names, &known, NOW_SEC), 0);
	known = known_of("laptop.home.arpa", "2001:db8::50", 1, DNS_SOURCE_LEASE);
	assert_int_equal(dns_names_add(names, &known, NOW_SEC), 0);
	ask("Laptop.home.arpa", DNS_A);
	assert_answer(DNS_STAGE_NAMES, DNS_NOERROR, "Laptop.home.arpa A 198.18.0.50");
	ask("laptop", DNS_AAAA);
	assert_answer(DNS_STAGE_NAMES, DNS_NOERROR, "laptop AAAA 2001:db8::50");
	ask("laptop.home.arpa", DNS_MX);
	assert_answer(DNS_STAGE_NAMES, DNS_NOERROR, ";laptop.home.arpa");
	ask("50.0.18.198.in-addr.arpa", DNS_PTR);
	assert_answer(
		DNS_STAGE_NAMES, DNS_NOERROR, "50.0.18.198.in-addr.arpa PTR laptop.home.arpa");
	ask("nobody", DNS_A);
	assert_answer(DNS_STAGE_SPECIAL, DNS_NXDOMAIN, ";nobody");
	assert_goes_on("nobody", DNS_NS);
	assert_int_equal(dns_names_remove(names, &known.name, &known.addr), 0);
	ask("laptop", DNS_AAAA);
	assert_answer(DNS_STAGE_NAMES, DNS_NOERROR, ";laptop");
}

static void a_name_that_is_taken_stays(void **state)
{
	struct dns_known_name first = known_of("pc.home.arpa", "198.18.0.50", 1, DNS_SOURCE_LEASE);
	struct dns_known_name second = known_of("PC.home.arpa", "198.18.0.51", 2, DNS_SOURCE_LEASE);
	struct dns_known_name better =
		known_of("pc.home.arpa", "198.18.0.52", 3, DNS_SOURCE_RESERVATION);

	configure("");
	assert_int_equal(dns_names_add(names, &first, NOW_SEC), 0);
	assert_int_equal(dns_names_add(names, &second, NOW_SEC), -EEXIST);
	assert_int_equal(dns_names_add(names, &second, NOW_SEC + 60), 0); // it has ended
	second.ends_at_sec = DNS_NAMES_FOREVER;
	assert_int_equal(dns_names_add(names, &second, NOW_SEC), 0);
	assert_int_equal(dns_names_add(names, &better, NOW_SEC), 0);
	assert_int_equal(dns_names_add(names, &second, NOW_SEC), -EEXIST);
	assert_int_equal(dns_names_count(names), 1);
	ask("pc.home.arpa", DNS_A);
	assert_answer(DNS_STAGE_NAMES, DNS_NOERROR, "pc.home.arpa A 198.18.0.52");
	configure("  records: [{name: pc.home.arpa, addresses: 198.18.0.2}]\n");
	assert_int_equal(dns_names_add(names, &first, NOW_SEC), 0);
	ask("pc.home.arpa", DNS_A);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "pc.home.arpa A 198.18.0.2");
}

static void the_table_of_names_is_bounded(void **state)
{
	unsigned n = 0;

	configure("");
	for (; n <= DNS_NAMES_MAX; n++) {
		char text[32], address[32];
		struct dns_known_name known;

		snprintf(text, sizeof(text), "h%u.home.arpa", n);
		snprintf(address, sizeof(address), "198.18.%u.%u", n >> 8 & 255, n & 255);
		known = known_of(text, address, n, DNS_SOURCE_LEASE);
		if (dns_names_add(names, &known, NOW_SEC) != 0)
			break;
	}
	assert_int_equal(n, DNS_NAMES_MAX);
	struct dns_known_name more = known_of("more.home.arpa", "198.18.0.1", n, DNS_SOURCE_LEASE);

	assert_int_equal(dns_names_add(names, &more, NOW_SEC), -ENOSPC);
	more.ends_at_sec += 60;
	assert_int_equal(dns_names_add(names, &more, NOW_SEC + 60), 0); // all others have ended
	assert_int_equal(dns_names_count(names), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(leases_have_names_both_ways, teardown),
		cmocka_unit_test_teardown(a_name_that_is_taken_stays, teardown),
		cmocka_unit_test_teardown(the_table_of_names_is_bounded, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
