// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/config_fixture.h"

// Begins on line 5: the rules that follow are on 7 and below.
#define HOME                                                                                       \
	ROUTER "nat: [{masquerade: wan}]\n"                                                        \
	       "zones: {lan: {interfaces: lan}, wan: {interfaces: wan}}\n"
#define INPUT                                                                                      \
	HOME "firewall:\n"                                                                         \
	     "  input:\n"
#define LAN "  - {from: lan, action: accept}\n"

static void a_rule_that_nobody_asks_is_named(void **state)
{
	static const struct fault rows[] = {
		{INPUT LAN "  - {action: drop}\n  - {port: 80, action: accept}\n", 9, 5,
			"never asked: the one on line 8 decides about everything"},
		{INPUT LAN "  - {to: router, action: reject}\n  - {port: 80, action: accept}\n"
			   "  - {port: 81, action: accept}\n",
			9, 5, "never asked"},
		{INPUT LAN "  - {action: return}\n  - {port: 80, action: accept}\n", 9, 5,
			"never asked"},
		{INPUT "  - {jump: a}\n  lists:\n    a:\n    - {action: accept, from: lan}\n"
		       "    - {action: drop}\n    - {port: 80, action: accept}\n",
			12, 7, "the one on line 11"},
		{INPUT LAN "  lists: {a: [{action: accept}]}\n", 8, 11, "list a: no rule jumps to"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(INPUT LAN "  - {action: drop, state: invalid}\n"
				     "  - {action: drop, rate: over 5/s}\n"
				     "  - {action: drop, time: mon}\n"
				     "  - {action: drop, dscp: ef}\n"
				     "  - {action: drop, mark: 1}\n"
				     "  - {action: drop, dnat: false}\n"
				     "  - {action: drop, family: ipv6}\n"
				     "  - {action: drop, tcp-flags: syn}\n"
				     "  - {action: drop, from: [wan, none]}\n"
				     "  - {action: continue, count: c}\n"
				     "  - {port: 80, action: accept}\n");
}

static void needed_icmp_is_not_stopped_unseen(void **state)
{
	static const struct fault rows[] = {
		{INPUT LAN "  - {icmp6: packet-too-big, action: drop}\n", 8, 13,
			"stops packet-too-big: large packets"},
		{INPUT LAN "  - {icmp6: [redirect, 135], action: reject}\n", 8, 13,
			"stops neighbour-solicitation"},
		{INPUT LAN "  - {icmp: destination-unreachable, action: drop}\n", 8, 12,
			"stops fragmentation-needed"},
		{INPUT LAN "  - {icmp: fragmentation-needed, action: drop}\n", 8, 12,
			"stops fragmentation-needed"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(
		INPUT LAN "  - {icmp6: [redirect, node-information-query], action: drop}\n"
			  "  - {icmp: [redirect, port-unreachable], action: drop}\n"
			  "  - {icmp6: packet-too-big, action: accept}\n"
			  "  - {icmp6: not echo-request, action: drop}\n"
			  "  - {icmp: [not echo-request, not echo-reply], action: drop}\n"
			  "  - {protocol: icmp6, rate: over 100/s, action: drop}\n");
}

static void a_rate_without_over_is_doubted_where_it_drops(void **state)
{
	static const struct fault rows[] = {
		{INPUT LAN "  - {port: 22, rate: 5/m, action: drop}\n", 8, 22,
			"`over` is missing?"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(INPUT LAN "  - {port: 22, rate: over 5/m, action: drop}\n"
				     "  - {port: 22, rate: 5/m, action: accept}\n"
				     "  - {rate: 5/m, action: reject}\n");
}

static void a_router_open_to_the_internet_is_named(void **state)
{
	static const struct fault rows[] = {
		{HOME "firewall: {defaults: {input: accept}}\n", 5, 30,
			"everybody on the internet may reach the router itself, by interface wan"},
		{INPUT "  - {from: any, action: accept}\n", 7, 5, "everybody on the internet"},
		{INPUT LAN "  - {from: wan, action: accept}\n", 8, 5, "everybody on the internet"},
		{INPUT LAN "  - {from: wan, state: new, action: accept}\n", 8, 5,
			"everybody on the internet"},
		{INPUT LAN "  - {from: wan, action: return}\n  - {from: [wan, lan], action: drop}\n"
			   "  defaults: {input: accept}\n",
			10, 21, "everybody on the internet"},
		{INPUT LAN "  - {from: wan, jump: a}\n"
			   "  lists:\n    a:\n    - {to: lan, action: drop}\n"
			   "    - {jump: b}\n"
			   "    b:\n    - {port: 23, action: drop}\n    - {action: accept}\n",
			15, 7, "everybody on the internet"},
		{INPUT LAN "  - {jump: a}\n  defaults: {input: accept}\n"
			   "  lists: {a: [{from: wan, action: return}, {action: drop}]}\n",
			9, 21, "everybody on the internet"},
		{ROUTER "routes: [{to: \"::/0\", via: 2001:db8:0:1::1}]\n"
			"firewall: {input: [{action: accept}]}\n",
			4, 20, "by interface wan"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(INPUT "  - {from: wan, action: drop}\n  defaults: {input: accept}\n");
	expect_no_warnings(INPUT LAN "  - {from: wan, state: established, action: accept}\n");
	expect_no_warnings(INPUT LAN "  - {jump: a}\n  defaults: {input: accept}\n"
				     "  lists: {a: [{from: wan, action: drop}]}\n");
	expect_no_warnings(INPUT "  - {port: 7777, jump: a}\n  - {from: lan, jump: a}\n"
				 "  - {jump: b}\n  lists: {a: [{action: accept}],"
				 " b: [{to: lan, action: accept}]}\n");
	expect_no_warnings(ROUTER "firewall: {input: [{action: accept}]}\n"); // no internet
}

static void a_house_open_to_the_internet_is_named(void **state)
{
#define INSIDE "everybody on the internet may reach the hosts behind lan"
	static const struct fault rows[] = {
		{INPUT LAN "  defaults: {forward: accept}\n", 8, 23, INSIDE},
		{INPUT LAN "  forward: [{action: accept}]\n", 8, 13, INSIDE},
		{INPUT LAN "  forward: [{from: wan, to: lan, action: accept}]\n", 8, 13, INSIDE},
		{INPUT LAN "  forward: [{from: wan, jump: a}]\n"
			   "  lists: {a: [{to: lan, action: accept}]}\n",
			9, 15, INSIDE},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(INPUT LAN "  forward: [{from: lan, action: accept},"
				     " {from: wan, dnat: true, action: accept},"
				     " {from: wan, to: lan, port: 443, action: accept}]\n");
	expect_no_warnings(INPUT LAN "  forward: [{from: wan, action: drop}, {action: accept}]\n");
	expect_no_warnings(INPUT LAN "  forward: [{from: [lan, none], to: wan, action: accept},"
				     " {to: wan, action: accept}]\n");
}

static void a_router_that_nobody_reaches_is_named(void **state)
{
	static const struct fault rows[] = {
		{HOME "firewall: {}\n", 5, 1, "nobody can log in to it"},
		{INPUT "  - {icmp: echo-request, action: accept}\n"
		       "  - {port: 5000, protocol: udp, action: accept}\n"
		       "  - {from: lan, state: [established, related], action: accept}\n"
		       "  - {jump: a}\n"
		       "  lists: {a: [{jump: b}], b: [{action: drop}]}\n",
			5, 1, "nobody can log in to it"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(
		INPUT "  - {jump: a}\n"
		      "  lists: {a: [{jump: b}], b: [{from: lan, port: 22, action: accept}]}\n");
}

static void a_port_forward_that_the_rules_stop_is_named(void **state)
{
#define FORWARD                                                                                    \
	ROUTER "nat:\n"                                                                            \
	       "  - {masquerade: wan}\n"                                                           \
	       "  - {forward: {ports: 443, to: 198.18.0.9}, interface: wan}\n"                     \
	       "zones: {lan: {interfaces: lan}, wan: {interfaces: wan}}\n"                         \
	       "firewall:\n"                                                                       \
	       "  input: [{from: lan, action: accept}]\n"
	static const struct fault rows[] = {
		// and not of the forward
		{FORWARD "  defaults: {forward: accept}\n", 9, 23, INSIDE},
		{FORWARD, 5, 5,
			"add to `forward` one such as { from: wan, dnat: true, action: accept }"},
		{FORWARD "  forward: [{from: lan, action: accept}]\n", 5, 5,
			"no rule of `forward` accepts what comes by wan"},
		{FORWARD "  forward: [{from: wan, dnat: false, action: accept}]\n", 5, 5,
			"no rule of `forward` accepts what comes by wan"},
		{ROUTER "nat: [{redirect: {ports: 22}, interface: wan}]\n"
			"zones: {lan: {interfaces: lan}, out: {interfaces: wan}}\n"
			"firewall: {input: [{from: lan, action: accept}]}\n",
			3, 7,
			"add to `input` one such as { from: out, port: ..., action: accept }"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(FORWARD "  forward: [{dnat: true, action: accept}]\n");
	expect_no_warnings(FORWARD "  forward: [{from: wan, port: 443, action: accept}]\n");
}

#define DNS "dns: {listen: [lan, lo], mdns: lan}\n"

static void questions_for_names_that_the_rules_stop_are_named(void **state)
{
	static const struct fault rows[] = {
		{DNS INPUT LAN "  output: [{port: mdns, protocol: udp, action: reject}]\n", 1, 32,
			"no question out to hosts on lan"},
		{DNS INPUT "  - {from: lan, protocol: udp, port: dns, action: accept}\n"
			   "  - {from: lan, protocol: tcp, action: accept}\n",
			1, 32, "no answer in from hosts on lan"},
		{DNS INPUT "  - {from: lan, protocol: udp, port: mdns, action: accept}\n"
			   "  - {from: lan, protocol: tcp, action: accept}\n",
			1, 16, "lets no host on lan ask"},
		// whatever comes after it, and also in a list
		{DNS INPUT "  - {from: lan, protocol: udp, port: [dns, 54], action: drop}\n" LAN, 1,
			16, "lets no host on lan ask"},
		{DNS INPUT "  - {from: lan, jump: a}\n" LAN
			   "  lists: {a: [{protocol: udp, port: mdns, action: drop}]}\n",
			1, 32, "no answer in from hosts on lan"},
		{"dns: {listen: lan, port: 5300}\n" INPUT
		 "  - {from: lan, protocol: udp, port: dns, action: accept}\n"
		 "  - {from: lan, protocol: tcp, action: accept}\n",
			1, 15, "lets no host on lan ask"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(DNS INPUT LAN);
	// of some, now and then, elsewhere: others may
	expect_no_warnings(DNS INPUT
		"  - {from: lan, source: 198.18.0.9, port: dns, protocol: udp, action: drop}\n"
		"  - {from: lan, rate: over 9/s, port: dns, protocol: udp, action: drop}\n"
		"  - {from: lan, source: 198.18.0.9, jump: a}\n"
		"  - {from: wan, port: mdns, protocol: udp, action: drop}\n" LAN
		"  lists: {a: [{protocol: udp, port: mdns, action: drop}]}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_that_nobody_asks_is_named),
		cmocka_unit_test(needed_icmp_is_not_stopped_unseen),
		cmocka_unit_test(a_rate_without_over_is_doubted_where_it_drops),
		cmocka_unit_test(a_router_open_to_the_internet_is_named),
		cmocka_unit_test(a_house_open_to_the_internet_is_named),
		cmocka_unit_test(a_router_that_nobody_reaches_is_named),
		cmocka_unit_test(a_port_forward_that_the_rules_stop_is_named),
		cmocka_unit_test(questions_for_names_that_the_rules_stop_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
