// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/config_fixture.h"

static void an_interface_is_in_one_zone_at_most(void **state)
{
	static const struct fault faults[] = {
		{ROUTER "zones: {a: {interfaces: lan}, b: {interfaces: [wan, lan]}}", 3, 53,
			"zone: `interfaces`: lan is in zone a on line 3 already"},
		{ROUTER "zones: {a: {interfaces: [lan, lan]}}", 3, 31, "lan is in zone a"},
		{ROUTER "zones: {a: {interfaces: lam}}", 3, 25, "did you mean `lan`?"},
		{ROUTER "zones: {a: {}}", 3, 9, "zone a: `interfaces` is missing"},
		{ROUTER "zones: {a: lan}", 3, 12, "such as `interfaces: ...`"},
		{ROUTER "zones: {router: {interfaces: lan}}", 3, 9, "`router` is taken"},
		{ROUTER "zones: {any: {interfaces: lan}}", 3, 9, "`any` is taken"},
		{ROUTER "zones: {none: {interfaces: lan}}", 3, 9, "`none` is taken"},
	};

	expect_faults(faults, COUNT(faults));
}

static void the_section_has_known_parts(void **state)
{
	static const struct fault faults[] = {
		{ROUTER "firewall: []", 3, 11, "such as `defaults: ...`, got a list"},
		{ROUTER "firewall: {default: {input: drop}}", 3, 12, "did you mean `defaults`?"},
		{ROUTER "firewall: {defaults: {input: return}}", 3, 30,
			"expected accept, drop or reject"},
		{ROUTER "firewall: {input: {action: drop}}", 3, 19,
			"expected a list, each item one rule"},
		{ROUTER "firewall: {lists: {a: {action: drop}}}", 3, 23,
			"list a: `rules`: expected a list"},
		{ROUTER "firewall: {lists: {a: [{action: dorp}]}}", 3, 33,
			"list a: rule: `action`: expected accept"},
		{ROUTER "firewall: {lists: {-: []}}", 3, 20, "list name: expected a name"},
		{ROUTER "firewall: {hygiene: {land: off}}", 3, 28, "expected true or false"},
		{ROUTER "firewall: {hygiene: {reverse-path: true}}", 3, 36,
			"off, strict, feasible or loose"},
		{ROUTER "firewall: {hygiene: {interfaces: {wam: {land: false}}}}", 3, 35,
			"there is no interface `wam`, did you mean `wan`?"},
		{ROUTER "firewall: {hygiene: {interfaces: {wan: {interfaces: {}}}}}", 3, 41,
			"unknown key `interfaces`"},
		{ROUTER "flows: {per-host: 0}", 3, 19, "from 1 to"},
		{ROUTER "flows: {timeouts: {tcp: 1h}}", 3, 20, "unknown key `tcp`"},
		{ROUTER "flows: {timeouts: {icmp: 60}}", 3, 26, "its unit is missing"},
	};

	expect_faults(faults, COUNT(faults));
}

static void jumps_lead_to_an_end(void **state)
{
	static const struct fault faults[] = {
		{ROUTER "firewall:\n  lists:\n    a:\n    - {jump: a}\n", 6, 14,
			"list a leads back to itself"},
		{ROUTER "firewall:\n  lists:\n    a: [{jump: b}]\n    b: [{jump: c}]\n"
			"    c: [{action: drop, port: 1}, {jump: a}]\n",
			7, 41, "list a leads back to itself"},
	};

	expect_faults(faults, COUNT(faults));
}

// Lists l1 to ln, each jumping to the next.
static const char *chain_of_lists(unsigned n)
{
	static char text[4096];
	size_t len = (size_t)snprintf(
		text, sizeof(text), ROUTER "firewall:\n  input: [{jump: l1}]\n  lists:\n");

	for (unsigned i = 1; i < n; i++)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "    l%u: [{jump: l%u}]\n", i, i + 1);
	snprintf(text + len, sizeof(text) - len, "    l%u: [{action: accept}]\n", n);
	return text;
}

static void jumps_go_sixteen_lists_deep(void **state)
{
	struct fault fault = {chain_of_lists(17), 6, 17, "more than 16 lists deep"};

	expect_fault(&fault, strlen(fault.text));
	expect_no_warnings(chain_of_lists(16));
}

// Each list asks twice for the next: a thousand of them are walked once each.
static void many_jumps_take_no_time(void **state)
{
	static char text[65536];
	size_t len = (size_t)snprintf(text, sizeof(text), ROUTER "firewall:\n  lists:\n");
	struct cfg_errors errors;

	for (unsigned i = 0; i < 1020; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"    l%u: [{jump: l%u}, {jump: l%u}]\n", i, i + 1, i + 1);
	snprintf(text + len, sizeof(text) - len, "    l1020: [{action: accept}]\n");
	assert_null(parse(text, &errors));
	assert_non_null(strstr(errors.list[0].text, "more than 16 lists deep"));
	cfg_errors_free(&errors);
}

// Three jumps to the next in each: from l5 on 442866 rules, from l4 on three times as many.
static void a_packet_passes_a_bounded_number_of_rules(void **state)
{
	static char text[4096];
	size_t len = (size_t)snprintf(text, sizeof(text), ROUTER "firewall:\n  lists:\n");
	struct fault fault = {text, 8, 34, "may have to pass more than 1048576 rules"};

	for (unsigned i = 1; i < 16; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"    l%u: [{jump: l%u}, {jump: l%u}, {jump: l%u}]\n", i, i + 1, i + 1,
			i + 1);
	snprintf(text + len, sizeof(text) - len, "    l16: [{action: accept}]\n");
	expect_fault(&fault, strlen(text));
}

static void an_empty_firewall_has_its_defaults(void **state)
{
	struct config *config = parse_good(ROUTER "firewall:\n");
	const struct cfg_firewall *firewall = &config->firewall;

	assert_true(firewall->is_there);
	assert_int_equal(firewall->defaults[CFG_HOOK_INPUT], CFG_DROP);
	assert_int_equal(firewall->defaults[CFG_HOOK_FORWARD], CFG_DROP);
	assert_int_equal(firewall->defaults[CFG_HOOK_OUTPUT], CFG_ACCEPT);
	assert_int_equal(firewall->hygiene.checks.on, CFG_HYGIENE_ALL);
	assert_int_equal(firewall->hygiene.reverse_path, CFG_REVERSE_PATH_STRICT);
	assert_false(config->picks_up);
	config_free(config);
}

static void without_firewall_nothing_is_checked(void **state)
{
	struct config *config = parse_good(ROUTER);

	assert_false(config->firewall.is_there);
	assert_int_equal(config->firewall.hygiene.checks.on, 0);
	assert_int_equal(config->firewall.hygiene.reverse_path, CFG_REVERSE_PATH_OFF);
	assert_true(config->picks_up);
	assert_int_equal(config->host_flows_max, 0);
	config_free(config);
}

static void hygiene_of_an_interface_is_that_of_all_but_for_what_it_says(void **state)
{
	struct config *config = parse_good(
		ROUTER "firewall:\n"
		       "  hygiene:\n"
		       "    land: false\n"
		       "    martians: true\n"
		       "    reverse-path: feasible\n"
		       "    interfaces:\n"
		       "      wan: { land: true, tcp-mss: false }\n"
		       "      lan: { reverse-path: \"off\" }\n"
		       "flows: { pick-up: true, per-host: 1000, timeouts: { icmp: 2m } }\n");
	const struct cfg_hygiene *all = &config->firewall.hygiene;
	unsigned on = CFG_HYGIENE_ALL & ~CFG_HYGIENE_LAND & ~CFG_HYGIENE_TCP_NEW;

	assert_int_equal(all->checks.on, on); // what picks up takes new ones without SYN
	assert_int_equal(all->checks.said, CFG_HYGIENE_LAND | CFG_HYGIENE_MARTIAN);
	assert_int_equal(all->reverse_path, CFG_REVERSE_PATH_FEASIBLE);
	assert_int_equal(all->n_interfaces, 2);
	assert_string_equal(all->interfaces[0].interface, "wan");
	assert_int_equal(all->interfaces[0].checks.on,
		(on | CFG_HYGIENE_LAND) & ~(unsigned)CFG_HYGIENE_TCP_MSS);
	assert_int_equal(all->interfaces[0].reverse_path, CFG_REVERSE_PATH_FEASIBLE);
	assert_int_equal(all->interfaces[1].checks.on, on);
	assert_int_equal(all->interfaces[1].reverse_path, CFG_REVERSE_PATH_OFF);
	assert_true(config->picks_up);
	assert_int_equal(config->host_flows_max, 1000);
	assert_int_equal(config->timeouts.icmp, 120);
	assert_int_equal(config->timeouts.other, 0);
	config_free(config);
}

static void lists_and_zones_are_read(void **state)
{
	struct config *config =
		parse_good(ROUTER "zones: { home: { interfaces: [lan, wan] } }\n"
				  "firewall:\n"
				  "  defaults: { input: reject, forward: accept, output: drop }\n"
				  "  output: [{ to: home, action: accept }]\n"
				  "  input: [{ from: home, jump: guard }, { action: return }]\n"
				  "  lists: { empty: [], guard: [{ action: drop }, { action: "
				  "accept, port: ssh }] }\n");
	const struct cfg_firewall *firewall = &config->firewall;

	assert_int_equal(config->n_zones, 1);
	assert_string_equal(config->zones[0].name, "home");
	assert_int_equal(config->zones[0].interfaces.n, 2);
	assert_string_equal(config->zones[0].interfaces.names[1], "wan");
	assert_int_equal(firewall->defaults[CFG_HOOK_INPUT], CFG_REJECT);
	assert_int_equal(firewall->defaults[CFG_HOOK_FORWARD], CFG_ACCEPT);
	assert_int_equal(firewall->defaults[CFG_HOOK_OUTPUT], CFG_DROP);
	assert_int_equal(firewall->hooks[CFG_HOOK_INPUT].n_rules, 2);
	assert_int_equal(firewall->hooks[CFG_HOOK_INPUT].rules[0].action, CFG_JUMP);
	assert_string_equal(firewall->hooks[CFG_HOOK_INPUT].rules[0].jump, "guard");
	assert_int_equal(firewall->hooks[CFG_HOOK_INPUT].rules[1].action, CFG_RETURN);
	assert_int_equal(firewall->hooks[CFG_HOOK_FORWARD].n_rules, 0);
	assert_int_equal(firewall->hooks[CFG_HOOK_OUTPUT].n_rules, 1);
	assert_int_equal(firewall->n_lists, 2);
	assert_string_equal(firewall->lists[0].name, "empty");
	assert_int_equal(firewall->lists[0].n_rules, 0);
	assert_int_equal(firewall->lists[1].n_rules, 2);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interface_is_in_one_zone_at_most),
		cmocka_unit_test(the_section_has_known_parts),
		cmocka_unit_test(jumps_lead_to_an_end),
		cmocka_unit_test(jumps_go_sixteen_lists_deep),
		cmocka_unit_test(many_jumps_take_no_time),
		cmocka_unit_test(a_packet_passes_a_bounded_number_of_rules),
		cmocka_unit_test(an_empty_firewall_has_its_defaults),
		cmocka_unit_test(without_firewall_nothing_is_checked),
		cmocka_unit_test(hygiene_of_an_interface_is_that_of_all_but_for_what_it_says),
		cmocka_unit_test(lists_and_zones_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
