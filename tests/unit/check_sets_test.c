// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/config_fixture.h"

static void sets_hold_one_kind_of_thing(void **state)
{
	static const struct fault faults[] = {
		{ROUTER "sets: {a: {}}", 3, 8, "set a: say what it holds: addresses, ports"},
		{ROUTER "sets: {a: {file: /etc/list}}", 3, 8, "set a: say what it holds"},
		{ROUTER "sets: {a: {addresses: [], ports: 80}}", 3, 27,
			"set a: `ports` beside `addresses`"},
		{ROUTER "sets: {a: {address: []}}", 3, 12, "did you mean `addresses`?"},
		{ROUTER "sets: {a: [198.18.0.1]}", 3, 11, "expected a mapping of keys"},
		{ROUTER "sets: [a]", 3, 7, "each key the name of one set"},
		{ROUTER "sets: {9: {ports: 80}}", 3, 8, "set name: expected a name of 1 to 31"},
		{ROUTER "sets: {any: {ports: 80}}", 3, 8, "`any` is taken"},
		{ROUTER "sets: {not: {ports: 80}}", 3, 8, "`not` is taken"},
	};

	expect_faults(faults, COUNT(faults));
}

static void elements_are_of_the_kind(void **state)
{
	static const struct fault faults[] = {
		{ROUTER "sets: {a: {addresses: [198.18.0.1, 198.18.0.1/24]}}", 3, 36,
			"set a: `addresses`: 198.18.0.1/24 has bits set after its prefix"},
		{ROUTER "sets: {a: {addresses: [198.18.0.9-198.18.0.1]}}", 3, 24,
			"before its beginning"},
		{ROUTER "sets: {a: {addresses: [b]}}", 3, 24, "expected an address, a network"},
		{ROUTER "sets: {a: {addresses: \"not 198.18.0.1\"}}", 3, 23, "expected an address"},
		{ROUTER "sets: {a: {addresses: \"@b\"}}", 3, 23, "expected an address"},
		{ROUTER "sets: {a: {ports: [80, 65536]}}", 3, 24,
			"expected a port such as 443, 8000-8099 or https, got `65536`"},
		{ROUTER "sets: {a: {macs: [02:00:00:00:00]}}", 3, 19, "expected a MAC address"},
		{ROUTER "sets: {a: {icmp-types: [neighbour-solicitation]}}", 3, 25,
			"expected an ICMP type"},
		{ROUTER "sets: {a: {icmp6-types: [256]}}", 3, 26, "expected an ICMPv6 type"},
		{ROUTER "sets: {a: {protocols: [tpc]}}", 3, 24, "expected a protocol"},
		{ROUTER "sets: {a: {interfaces: [lan, wam]}}", 3, 30,
			"there is no interface `wam`, did you mean `wan`?"},
		{ROUTER "sets: {a: {addresses: }}", 3, 23, "or a list of them, got nothing"},
		{ROUTER "sets: {a: {addresses: [[198.18.0.1]]}}", 3, 24, "got a list"},
	};

	expect_faults(faults, COUNT(faults));
}

static void files_and_timeouts_go_with_some_sets(void **state)
{
	static const struct fault faults[] = {
		{ROUTER "sets: {a: {ports: 80, timeout: 1d}}", 3, 32,
			"set a: `timeout` is for addresses, not for ports"},
		{ROUTER "sets: {a: {addresses: [], timeout: 0s}}", 3, 36, "at least 1 s"},
		{ROUTER "sets: {a: {addresses: [], timeout: 86400}}", 3, 36, "its unit is missing"},
		{ROUTER "sets: {a: {addresses: [], capacity: 9}}", 3, 37,
			"set a: `capacity` goes with `timeout`"},
		{ROUTER "sets: {a: {addresses: [], timeout: 1d, capacity: 0}}", 3, 50, "1"},
		{ROUTER "sets: {a: {addresses: [], timeout: 1d, capacity: 1048577}}", 3, 50,
			"1048576"},
		{ROUTER "sets: {a: {addresses: [], file: list.txt}}", 3, 33,
			"a path from the root"},
	};

	expect_faults(faults, COUNT(faults));
}

// In a rule `ssh` would be the service.
static void a_set_is_not_called_as_one_of_its_elements(void **state)
{
	static const struct fault faults[] = {
		{ROUTER "sets: {ssh: {ports: 2222}}", 3, 8,
			"set ssh: the name means something of its own among ports"},
		{ROUTER "sets: {tcp: {protocols: 6}}", 3, 8, "among protocols"},
		{ROUTER "sets: {redirect: {icmp6-types: 137}}", 3, 8, "among icmp6-types"},
		{ROUTER "sets: {lan: {interfaces: wan}}", 3, 8, "an interface has this name"},
	};

	expect_faults(faults, COUNT(faults));
}

static void sets_are_read_field_by_field(void **state)
{
	struct config *config = parse_good(
		ROUTER "sets:\n"
		       "  a: { addresses: [198.18.0.5, 2001:db8::/64], file: /etc/list }\n"
		       "  b: { addresses: [], timeout: 1d, capacity: 1048576 }\n"
		       "  ssh: { addresses: 198.18.0.5 }\n" // no port: no service either
		       "  c: { macs: 02:00:00:aa:bb:cc }\n"
		       "  d: { icmp-types: [echo-request, 3/4] }\n"
		       "  e: { icmp6-types: packet-too-big }\n"
		       "  f: { interfaces: [lan, wan] }\n"
		       "  g: { protocols: [tcp, 47] }\n"
		       "  h: { addresses: [], timeout: 1h }\n");
	const struct cfg_set *sets = config->sets;

	assert_int_equal(config->n_sets, 9);
	assert_string_equal(sets[0].name, "a");
	assert_int_equal(sets[0].kind, CFG_SET_ADDRESSES);
	assert_int_equal(sets[0].n_elements, 2);
	assert_int_equal(sets[0].elements[1].addresses.first.family, IP_V6);
	assert_string_equal(sets[0].file, "/etc/list");
	assert_int_equal(sets[0].timeout_sec, 0);
	assert_int_equal(sets[1].n_elements, 0);
	assert_null(sets[1].file);
	assert_int_equal(sets[1].timeout_sec, 86400);
	assert_int_equal(sets[1].capacity, 1 << 20);
	assert_int_equal(sets[3].kind, CFG_SET_MACS);
	assert_int_equal(sets[3].elements[0].mac.bytes[5], 0xcc);
	assert_int_equal(sets[4].kind, CFG_SET_ICMP);
	assert_int_equal(sets[4].elements[1].numbers.first, 0x0304);
	assert_int_equal(sets[5].kind, CFG_SET_ICMP6);
	assert_int_equal(sets[5].elements[0].numbers.last, 0x02ff);
	assert_int_equal(sets[6].kind, CFG_SET_INTERFACES);
	assert_string_equal(sets[6].elements[1].interface, "wan");
	assert_int_equal(sets[7].kind, CFG_SET_PROTOCOLS);
	assert_int_equal(sets[7].elements[1].numbers.first, 47);
	assert_int_equal(sets[8].capacity, 65536);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_hold_one_kind_of_thing),
		cmocka_unit_test(elements_are_of_the_kind),
		cmocka_unit_test(files_and_timeouts_go_with_some_sets),
		cmocka_unit_test(a_set_is_not_called_as_one_of_its_elements),
		cmocka_unit_test(sets_are_read_field_by_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
