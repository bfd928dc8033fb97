// SPDX-License-Identifier: BSD-3-Clause
// What the router is managed by, open to the internet; hosts inside who may not ask for what others
// get; rules that are odd by themselves.
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/config_fixture.h"

// Begins on line 5: the rules that follow are on 8 and below.
#define INPUT                                                                                      \
	ROUTER "nat: [{masquerade: wan}]\n"                                                        \
	       "zones: {lan: {interfaces: lan}, wan: {interfaces: wan}}\n"                         \
	       "firewall:\n"                                                                       \
	       "  input:\n"                                                                        \
	       "  - {from: lan, action: accept}\n"

static void management_that_is_open_to_the_internet_is_named(void **state)
{
	static const struct fault rows[] = {
		{INPUT "  - {from: wan, protocol: tcp, port: ssh, action: accept}\n", 8, 5,
			"SSH (TCP 22) of the router itself is open to everybody on the internet, "
			"by "
			"interface wan"},
		{INPUT "  - {in-interface: wan, port: [8291, 5000], action: accept}\n", 8, 5,
			"WinBox (TCP 8291)"},
		{INPUT "  - {in-interface: not lan, port: 443, action: accept}\n", 8, 5,
			"HTTPS (TCP 443)"},
		{INPUT "  - {port: web, action: accept}\nsets: {web: {ports: [http, https]}}\n", 8,
			5, "HTTP (TCP 80)"},
		{INPUT "  - {from: wan, protocol: tcp, action: accept}\n", 8, 5, "SSH (TCP 22)"},
		{INPUT "  - {from: wan, port: 22, jump: a}\n  lists: {a: [{action: accept}]}\n", 9,
			15, "SSH (TCP 22)"},
		{INPUT "  - {from: wan, port: 23, action: drop}\n"
		       "  - {from: wan, port: 20-23, action: accept}\n",
			9, 5, "SSH (TCP 22)"},
		{INPUT "  - {from: wan, source: 198.51.100.7, port: 22, action: accept}\n"
		       "  - {from: wan, destination: 203.0.113.2, port: 22, action: accept}\n",
			9, 5, "SSH (TCP 22)"},
		{INPUT "  - {from: wan, port: 161, action: accept}\n", 8, 5, "SNMP (UDP 161)"},
		{INPUT "  - {from: wan, port: 53, action: accept}\n", 8, 5,
			"DNS (UDP 53) of the router itself is open to everybody on the internet, "
			"by "
			"interface wan [resolver-open]"},
	};

	expect_warnings(rows, COUNT(rows));
}

static void management_that_has_a_guard_is_not(void **state)
{
	expect_no_warnings(
		INPUT "  - {from: wan, source: 198.51.100.7, port: 22, action: accept}\n"
		      "  - {from: wan, port: 22, rate: 5/m, action: accept}\n"
		      "  - {from: wan, port: 22, time: mon 08:00-09:00, action: accept}\n"
		      "  - {from: wan, protocol: udp, port: [443, 22], action: accept}\n"
		      "  - {from: wan, dnat: true, protocol: tcp, action: accept}\n"
		      "  - {from: wan, protocol: tcp, port: 25, action: accept}\n");
	expect_no_warnings(
		INPUT "  - {from: wan, port: 22, rate: over 5/m per source, action: drop}\n"
		      "  - {from: wan, port: 22, action: accept}\n");
	expect_no_warnings(INPUT "  - {source: banned, action: drop}\n"
				 "  - {from: wan, port: 22, action: accept}\n"
				 "sets: {banned: {addresses: [], timeout: 1d}}\n");
	// a private network that is translated to is not the internet
	expect_no_warnings(PORTS
		"interfaces: {wan: {port: p, addresses: 203.0.113.2/24}, "
		"lan: {port: q, addresses: [10.0.0.1/24, \"fd00::1/64\"]}}\n"
		"routes: [{to: 0.0.0.0/0, via: 203.0.113.1}]\nnat: [{masquerade: [lan, wan]}]\n"
		"firewall: {input: [{in-interface: lan, port: ssh, action: accept}]}\n");
	expect_no_warnings(INPUT "  - {from: wan, port: 22, action: drop}\n"
				 "  - {port: [22, 5000], action: accept}\n");
	expect_no_warnings(INPUT "  - {from: wan, action: drop}\n"
				 "  - {in-interface: [wan, lan], port: 22, action: accept}\n");
}

#define THREE                                                                                      \
	"ports: {p: {match: {name: eth1}}, q: {match: {name: eth2}}, r: {match: {name: eth3}}}\n"  \
	"interfaces: {wan: {port: p, addresses: 203.0.113.2/24}, lan: {port: q}, iot: {port: "     \
	"r}}\n"                                                                                    \
	"routes: [{to: 0.0.0.0/0, via: 203.0.113.1}]\n"                                            \
	"zones: {lan: {interfaces: lan}, iot: {interfaces: iot}, wan: {interfaces: wan}}\n"        \
	"firewall:\n  input:\n"                                                                    \
	"  - {from: lan, protocol: tcp, port: ssh, action: accept}\n"

static void hosts_that_may_not_ask_as_others_may_are_named(void **state)
{
	static const struct fault rows[] = {
		{THREE "  - {from: lan, port: [dhcp-server, ntp], action: accept}\n", 2, 73,
			"interface iot: its hosts may not ask for an address as others may by the "
			"rule on line 8 [lan-without-dhcp]\n    fix: add to `input` { from: iot, "
			"protocol: udp, port: dhcp-server, action: accept }"},
		{THREE "  - {from: iot, port: dns, action: accept}\n", 2, 57,
			"interface lan: its hosts may not ask for names"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(THREE "  - {from: [lan, iot], port: dns, action: accept}\n"
				 "  - {from: lan, port: dhcp-server, action: accept}\n"
				 "  - {in-interface: iot, jump: a}\n"
				 "  lists: {a: [{protocol: udp, port: 60-70, action: accept}]}\n");
	expect_no_warnings(THREE "  - {from: lan, action: accept}\n");
}

static void lists_that_no_hook_leads_to_are_named(void **state)
{
	static const char text[] = INPUT "  lists:\n    a: [{jump: b}]\n"
					 "    b: [{port: 80, action: drop}]\n"
					 "    c: [{port: 81, action: drop}]\n";
	static const char *const said[] = {
		"list a: no rule jumps to it [list-unused]",
		"list b: only lists that are never asked jump to it [list-unused]",
		"list c: no rule jumps to it [list-unused]",
	};
	struct cfg_errors errors;
	struct config *config = parse(text, &errors);
	char line[ERROR_STR_BYTES];

	assert_non_null(config);
	assert_int_equal(errors.n_warnings, COUNT(said));
	for (unsigned i = 0; i < errors.n_warnings; i++)
		assert_non_null(
			strstr(error_str(&errors.warnings[i], line, sizeof(line)), said[i]));
	config_free(config);
	cfg_errors_free(&errors);
	expect_no_warnings(INPUT "  - {port: 7, jump: a}\n  lists: {a: [{jump: b}], "
				 "b: [{port: 80, action: drop}]}\n");
}

static void rules_that_are_odd_by_themselves_are_named(void **state)
{
	static const struct fault rows[] = {
		{INPUT "  - {port: dhcp-client, action: drop}\n", 8, 12, "does not stop DHCP:"},
		{INPUT "  - {from: wan, port: 546, action: reject, family: ipv6}\n", 8, 23,
			"does not stop DHCPv6:"},
		{INPUT "  - {log: x, log-rate: 101/s, action: drop}\n", 8, 24,
			"101 lines a second fill a disk"},
		{INPUT "  - {log: x, log-rate: 5/s per source, action: drop}\n", 8, 24,
			"senders that are made up"},
		{INPUT "  - {from: wan, in-interface: lan, action: drop}\n", 8, 31,
			"no interface is among these and in a zone of `from`: it never holds"},
		{INPUT "  forward: [{to: none, out-interface: lan, action: drop}]\n", 8, 39,
			"in a zone of `to`: it never holds"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(
		INPUT "  - {port: dhcp-client, source-port: 1-66, action: drop}\n"
		      "  - {protocol: tcp, port: 68, action: drop}\n"
		      "  - {protocol: udp, action: drop, log: all, log-rate: 100/s}\n"
		      "  forward: [{port: 68, action: drop}, {to: wan, out-interface: [lan, wan], "
		      "from: lan, action: accept}]\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(management_that_is_open_to_the_internet_is_named),
		cmocka_unit_test(management_that_has_a_guard_is_not),
		cmocka_unit_test(hosts_that_may_not_ask_as_others_may_are_named),
		cmocka_unit_test(lists_that_no_hook_leads_to_are_named),
		cmocka_unit_test(rules_that_are_odd_by_themselves_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
