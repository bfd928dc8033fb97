// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/config_fixture.h"

#define NAT(rule) ROUTER "nat: [{" rule "}]\n" // the rule begins at 3:8, its place is 3:7

static void a_rule_does_one_thing(void **state)
{
	static const struct fault faults[] = {
		{NAT("from: 198.18.0.0/24"), 3, 7, "expected one of masquerade, source"},
		{NAT("masquerade: wan, exempt: wan"), 3, 25, "`exempt` beside `masquerade`"},
		{NAT("masquerade: wan, interface: wan"), 3, 25,
			"`interface` does not go with `masquerade`"},
		{NAT("source: 203.0.113.9, address: 203.0.113.9"), 3, 29,
			"`address` does not go with `source`"},
		{NAT("source: 203.0.113.9, family: ipv6"), 3, 29,
			"`family` does not go with `source`"},
		{NAT("exempt: wan, random-ports: true"), 3, 21,
			"`random-ports` does not go with `exempt`"},
		{NAT("forward: {ports: 80, to: 198.18.0.9}, interface: wan, protocol: tcp"), 3, 62,
			"`protocol` does not go with `forward`"},
		{NAT("redirect: {ports: 80, to: 198.18.0.9}, interface: wan"), 3, 30,
			"redirect: unknown key `to`"},
		{NAT("masquerade: wam"), 3, 20, "no interface `wam`, did you mean `wan`?"},
		{NAT("source: 203.0.113.9, interface: [wan, wam]"), 3, 46, "no interface `wam`"},
		{NAT("masquerade: [wan, any]"), 3, 26, "no interface `any`"},
	};

	expect_faults(faults, COUNT(faults));
}

static void addresses_fit_each_other(void **state)
{
	static const struct fault faults[] = {
		{NAT("source: 224.0.0.1"), 3, 16, "no host's address"},
		{NAT("source: 0.0.0.0/0"), 3, 16, "no host's address"},
		{NAT("source: 203.0.113.9, from: 2001:db8::/64"), 3, 35,
			"2001:db8::/64 is IPv6, but the rule is for IPv4"},
		{NAT("source: 203.0.113.9/24"), 3, 16, "has bits set after its prefix"},
		{NAT("masquerade: wan, family: ipv4, from: 2001:db8::/64"), 3, 45,
			"unless it says `family: both`"},
		{NAT("masquerade: wan, from: [198.18.0.0/24, 2001:db8::/64]"), 3, 47,
			"unless it says `family: both`"},
		{NAT("one-to-one: {inside: 198.18.0.9}"), 3, 8, "`outside` is missing"},
		{NAT("one-to-one: {inside: 198.18.0.9, outside: 2001:db8::9}"), 3, 50,
			"not of the same family"},
		{NAT("one-to-one: {inside: 198.18.0.0/28, outside: 203.0.113.9}"), 3, 53,
			"not of the same size"},
		{NAT("prefix: {inside: 198.18.0.0/24, outside: 203.0.113.0/24}"), 3, 25,
			"for IPv4 there is `one-to-one`"},
		{NAT("prefix: {inside: 2001:db8:1::/48, outside: 2001:db8:2::/64}"), 3, 51,
			"not of the same size"},
		{NAT("prefix: {inside: 2001:db8:1::/96, outside: 2001:db8:2::/96}"), 3, 25,
			"a /64 or shorter"},
		{NAT("forward: {ports: 80}, interface: wan"), 3, 8, "`to` is missing"},
		{NAT("forward: {ports: 80, to: 198.18.0.0/24}, interface: wan"), 3, 33,
			"expected one address"},
		{NAT("forward: {ports: 80, to: 198.18.0.9}, address: 2001:db8::9"), 3, 55,
			"not of the same family"},
		{NAT("forward: {ports: 80, to: 198.18.0.9}"), 3, 7,
			"expected `interface` (where it comes in), `address`"},
		{NAT("redirect: {ports: 80}"), 3, 7, "expected `interface`"},
		{NAT("redirect: {ports: 80}, address: 203.0.113.2, family: ipv6"), 3, 61,
			"of the other family"},
	};

	expect_faults(faults, COUNT(faults));
}

static void ports_fit_each_other(void **state)
{
	static const struct fault faults[] = {
		{NAT("forward: {ports: 0, to: 198.18.0.9}, interface: wan"), 3, 25,
			"there is no port 0"},
		{NAT("forward: {protocol: gre, ports: 80, to: 198.18.0.9}, interface: wan"), 3, 28,
			"ports are for tcp, udp"},
		{NAT("forward: {to-port: 80, to: 198.18.0.9}, interface: wan"), 3, 27,
			"one port or range in `ports`"},
		{NAT("forward: {ports: [80, 81], to-port: 80, to: 198.18.0.9}, interface: wan"), 3,
			44, "one port or range in `ports`"},
		{NAT("forward: {ports: 80-81, to-port: 65535, to: 198.18.0.9}, interface: wan"), 3,
			41, "above 65535"},
		{NAT("forward: {ports: 80, to-port: 0, to: 198.18.0.9}, interface: wan"), 3, 38,
			"from 1 to 65535"},
		{NAT("forward: {ports: web, to: 198.18.0.9}, interface: wan"), 3, 25,
			"expected a port such as"},
	};

	expect_faults(faults, COUNT(faults));
}

static void nat_is_read_field_by_field(void **state)
{
	struct config *config = parse_good(ROUTER
		"sets: { admins: { addresses: 198.18.0.0/24 } }\n"
		"nat:\n"
		"  - { masquerade: wan, from: not admins, to: 198.51.100.0/24 }\n"
		"  - { masquerade: [wan, lan], family: both, protocol: udp, full-cone: true }\n"
		"  - { masquerade: wan, from: 2001:db8::/64, keep-parity: true }\n"
		"  - { source: 203.0.113.16/28, random-ports: true }\n"
		"  - { one-to-one: { inside: 198.18.0.9, outside: 203.0.113.9 }, interface: wan }\n"
		"  - { forward: { ports: 8000-8009, to: 198.18.0.9, to-port: 80 }, interface: wan "
		"}\n"
		"  - { redirect: { protocol: tcp, ports: [dns, 853] }, address: 0.0.0.0/0 }\n"
		"  - { forward: { protocol: gre, to: 2001:db8::9 }, interface: wan }\n"
		"  - { prefix: { inside: 2001:db8:1::/48, outside: 2001:db8:2::/48 } }\n"
		"  - { exempt: any, to: 198.51.100.0/24 }\n");
	const struct cfg_nat *nat = config->nats;

	assert_int_equal(config->n_nats, 10);
	assert_int_equal(nat[0].kind, CFG_NAT_MASQUERADE);
	assert_int_equal(nat[0].family, IP_V4);
	assert_string_equal(nat[0].interfaces.names[0], "wan");
	assert_true(nat[0].from.is_negated);
	assert_string_equal(nat[0].from.elements[0].set, "admins");
	assert_false(nat[0].to.is_negated);
	assert_int_equal(nat[0].outside.addr.family, IP_NONE);
	assert_int_equal(nat[1].interfaces.n, 2);
	assert_int_equal(nat[1].family, IP_NONE);
	assert_int_equal(nat[1].protocol.elements[0].numbers.first, 17);
	assert_true(nat[1].is_full_cone);
	assert_false(nat[1].keeps_parity);
	assert_int_equal(nat[2].family, IP_V6);
	assert_true(nat[2].keeps_parity);
	assert_int_equal(nat[3].kind, CFG_NAT_SOURCE);
	assert_int_equal(nat[3].outside.len, 28);
	assert_int_equal(nat[3].interfaces.n, 0);
	assert_true(nat[3].is_random);
	assert_int_equal(nat[4].kind, CFG_NAT_ONE_TO_ONE);
	assert_int_equal(nat[4].inside.len, 32);
	assert_int_equal(nat[4].family, IP_V4);
	assert_int_equal(nat[5].kind, CFG_NAT_FORWARD);
	assert_int_equal(nat[5].ports.elements[0].numbers.last, 8009);
	assert_int_equal(nat[5].inside_port, 80);
	assert_int_equal(nat[5].protocol.n, 2); // ports alone are of TCP and UDP
	assert_int_equal(nat[5].protocol.elements[0].numbers.first, 6);
	assert_int_equal(nat[5].protocol.elements[1].numbers.last, 17);
	assert_int_equal(nat[5].outside.addr.family, IP_NONE);
	assert_int_equal(nat[6].kind, CFG_NAT_REDIRECT);
	assert_int_equal(nat[6].ports.n, 2);
	assert_int_equal(nat[6].protocol.n, 1);
	assert_int_equal(nat[6].outside.len, 0);
	assert_int_equal(nat[6].family, IP_V4);
	assert_int_equal(nat[7].ports.n, 0);
	assert_int_equal(nat[7].family, IP_V6);
	assert_int_equal(nat[8].kind, CFG_NAT_PREFIX);
	assert_int_equal(nat[8].inside.len, 48);
	assert_int_equal(nat[9].kind, CFG_NAT_EXEMPT);
	assert_int_equal(nat[9].interfaces.n, 0);
	assert_int_equal(nat[9].family, IP_V4);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_does_one_thing),
		cmocka_unit_test(addresses_fit_each_other),
		cmocka_unit_test(ports_fit_each_other),
		cmocka_unit_test(nat_is_read_field_by_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
