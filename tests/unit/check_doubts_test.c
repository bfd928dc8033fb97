// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/config_fixture.h"

#define THREE                                                                                      \
	"ports: {p: {match: {name: eth1}}, q: {match: {name: eth2}}, r: {match: {name: eth3}}}\n"  \
	"interfaces: {wan: {port: p, addresses: 203.0.113.2/24}, lan: {port: q}, dsl: {port: "     \
	"r}}\n"                                                                                    \
	"routes: [{to: 0.0.0.0/0, via: 203.0.113.1}]\n"                                            \
	"firewall: {input: [{from: lan, action: accept}]}\n"

static void an_interface_in_the_wrong_zone_is_named(void **state)
{
	static const struct fault rows[] = {
		{THREE "zones: {lan: {interfaces: lan}, out: {interfaces: [wan, dsl]}}\n", 5, 57,
			"zone out: interface dsl has neither a default route nor a masquerade as "
			"wan has"},
		{THREE "zones: {lan: {interfaces: lan}, WAN1: {interfaces: dsl}, x: {interfaces: "
		       "wan}}\n",
			5, 52, "zone WAN1: interface dsl"},
		{THREE "zones: {lan: {interfaces: [lan, dsl]}}\n", 2, 14,
			"interface wan: in no zone"},
		{ROUTER "zones: {lan: {interfaces: [lan, wan]}}\n", 3, 1,
			"nothing asks for them: there is no `firewall:`"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(THREE "zones: {lan: {interfaces: lan}, wan: {interfaces: [wan, dsl]}}\n"
				 "nat: [{source: 203.0.113.9, interface: dsl}]\n");
	expect_no_warnings(THREE "zones: {lan: {interfaces: lan}, out: {interfaces: wan}, iot: "
				 "{interfaces: dsl}}\n");
}

static void sets_that_say_nothing_are_named(void **state)
{
	static const struct fault rows[] = {
		{ROUTER "sets: {a: {addresses: 198.18.0.1}}\n", 3, 8, "set a: no rule asks for it"},
		{ROUTER "sets: {a: {addresses: []}}\nnat: [{masquerade: wan, from: a}]\n", 3, 8,
			"set a: it is empty"},
		{ROUTER "sets: {wan-side: {interfaces: [wan, lan]}}\nnat: [{masquerade: wan}]\n"
			"firewall: {input: [{in-interface: wan-side, port: 5555, action: "
			"accept}]}\n",
			3, 37, "set wan-side: interface lan has neither"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(
		ROUTER "sets: {a: {addresses: [], timeout: 1d}, b: {addresses: [], file: "
		       "/etc/b}}\nnat: [{masquerade: wan, from: a, to: b}]\n");
	expect_no_warnings(ROUTER "sets: {a: {addresses: [], timeout: 1d}}\n"
				  "firewall: {input: [{add-to: {set: a}}, {source: not a, action: "
				  "accept}]}\n");
}

static void outside_addresses_that_nobody_answers_for_are_named(void **state)
{
	static const struct fault rows[] = {
		{ROUTER "nat: [{one-to-one: {inside: 198.18.0.9, outside: 203.0.113.9}}]\n", 3, 7,
			"nobody on the link of wan answers for 203.0.113.9/32"},
		{ROUTER "nat: [{source: 203.0.113.8/29, interface: wan}]\n", 3, 7,
			"nobody on the link of wan answers for 203.0.113.8/29"},
		{ROUTER "nat: [{forward: {protocol: tcp, ports: 80, to: 198.18.0.9}, address: "
			"203.0.113.9, interface: wan}]\n",
			3, 7, "nobody on the link of wan answers for 203.0.113.9/32"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(ROUTER
		"nat: [{one-to-one: {inside: 198.18.0.9, outside: 203.0.113.2}}, {one-to-one: "
		"{inside: 198.18.0.8, outside: 198.51.100.8}}, {masquerade: wan}]\n");
}

static void a_translation_behind_one_that_takes_all_is_named(void **state)
{
	static const struct fault rows[] = {
		{ROUTER "nat: [{masquerade: wan}, {exempt: wan, to: 10.0.0.0/8}]\n", 3, 26,
			"decides about nothing that leaves: the one on line 3 is asked first"},
		{ROUTER "nat: [{masquerade: [wan, lan]}, {masquerade: lan, random-ports: true}]\n",
			3, 33, "the one on line 3"},
		{ROUTER "nat:\n  - {exempt: wan}\n  - {source: 198.51.100.9, interface: wan, "
			"from: 198.18.0.0/24}\n",
			5, 5, "the one on line 4"},
		{ROUTER "nat:\n  - {source: 198.51.100.9}\n  - {masquerade: wan}\n", 5, 5,
			"the one on line 4"},
		{ROUTER "nat:\n  - {masquerade: wan}\n  - {one-to-one: {inside: 198.18.0.8, "
			"outside: 198.51.100.8}, interface: wan}\n",
			5, 5, "the one on line 4"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(ROUTER "nat:\n"
				  "  - {exempt: wan, to: 10.0.0.0/8}\n"
				  "  - {masquerade: wan, protocol: tcp, random-ports: true}\n"
				  "  - {masquerade: wan, from: 198.18.0.9, full-cone: true}\n"
				  "  - {masquerade: wan}\n"
				  "  - {masquerade: wan, family: ipv6}\n"
				  "  - {masquerade: [lan, wan]}\n"
				  "  - {source: 198.51.100.9}\n"
				  "  - {forward: {ports: 443, to: 198.18.0.9}, interface: wan}\n");
}

static void a_core_of_two_workers_is_named(void **state)
{
	static const struct fault rows[] = {
		{ROUTER "workers: {cores: [0, 1, 0]}\n", 3, 25, "core 0 is here twice"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(ROUTER "workers: {cores: [0, 1, 2]}\n");
}

static void timeouts_below_the_rfcs_are_named(void **state)
{
	static const struct fault rows[] = {
		{ROUTER "flows: {timeouts: {tcp-established: 2h3m59s}}\n", 3, 37,
			"should not be less than 2h4m (RFC 5382 REQ-5)"},
		{ROUTER "flows: {timeouts: {tcp-unreplied: 239s}}\n", 3, 35, "4m (RFC 5382 REQ-5)"},
		{ROUTER "flows: {timeouts: {tcp-closing: 10s}}\n", 3, 33, "4m (RFC 5382 REQ-5)"},
		{ROUTER "flows: {timeouts: {udp-unreplied: 30s}}\n", 3, 35, "2m (RFC 4787 REQ-5)"},
		{ROUTER "flows: {timeouts: {udp-assured: 119s}}\n", 3, 33, "2m (RFC 4787 REQ-5)"},
		{ROUTER "flows: {timeouts: {icmp: 59s}}\n", 3, 26, "1m (RFC 5508 REQ-2)"},
		{ROUTER "flows: {pick-up: true}\n"
			"firewall: {hygiene: {tcp-new: true}, input: [{action: accept}]}\n",
			3, 18, "`tcp-new` of the firewall's hygiene drops"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(ROUTER
		"flows: {timeouts: {tcp-established: 2h4m, tcp-unreplied: 4m, tcp-closing: "
		"4m, tcp-closed: 1s, udp-unreplied: 2m, udp-assured: 2m, icmp: 1m, other: 1s}, "
		"pick-up: true}\n"
		"firewall: {input: [{action: accept}]}\n");
}

// They may follow from the errors.
static void a_file_with_errors_has_no_warnings(void **state)
{
	static const struct fault rows[] = {
		{ROUTER "flows: {timeouts: {icmp: 1s}}\nnat: [{masquerade: wam}]\n", 4, 20,
			"no interface `wam`"},
	};

	expect_faults(rows, COUNT(rows));
}

static void warnings_come_in_the_order_of_the_file(void **state)
{
	struct cfg_errors errors;
	struct config *config =
		parse(ROUTER "flows:\n  timeouts:\n    icmp: 1s\n    udp-assured: 1s\n"
			     "    tcp-established: 1s\nsets: {a: {ports: []}}\n",
			&errors);
	static const int lines[] = {5, 6, 7, 8, 8};

	assert_non_null(config);
	assert_int_equal(errors.n, 0);
	assert_int_equal(errors.n_warnings, COUNT(lines));
	for (unsigned i = 0; i < errors.n_warnings; i++)
		assert_int_equal(errors.warnings[i].line, lines[i]);
	config_free(config);
	cfg_errors_free(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interface_in_the_wrong_zone_is_named),
		cmocka_unit_test(sets_that_say_nothing_are_named),
		cmocka_unit_test(outside_addresses_that_nobody_answers_for_are_named),
		cmocka_unit_test(a_translation_behind_one_that_takes_all_is_named),
		cmocka_unit_test(a_core_of_two_workers_is_named),
		cmocka_unit_test(timeouts_below_the_rfcs_are_named),
		cmocka_unit_test(a_file_with_errors_has_no_warnings),
		cmocka_unit_test(warnings_come_in_the_order_of_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
