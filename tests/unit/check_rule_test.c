// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/config_fixture.h"

#define SETS                                                                                       \
	"sets: {hosts: {addresses: 198.18.0.8/29}, hosts6: {addresses: 2001:db8::/64}, "           \
	"caught: {addresses: [], timeout: 1d}, late: {addresses: [], timeout: 2d}, "               \
	"web: {ports: [http, https]}, inside: {interfaces: lan}, tunnels: {protocols: [gre, "      \
	"esp]}}\n"                                                                                 \
	"zones: {home: {interfaces: lan}, outside: {interfaces: wan}}\n"
// The rule begins at 5:24.
#define IN(hook, rule) ROUTER SETS "firewall: {" hook ": [{ " rule " }]}\n"
#define INPUT(rule)    IN("  input", rule)
#define FORWARD(rule)  IN("forward", rule)
#define OUTPUT(rule)   IN(" output", rule)

static void names_are_of_the_file(void **state)
{
	static const struct fault faults[] = {
		{FORWARD("from: hme, action: drop"), 5, 30,
			"rule: `from`: there is no zone `hme`, did you mean `home`?"},
		{FORWARD("to: [home, lan], action: drop"), 5, 35, "`to`: there is no zone `lan`"},
		{FORWARD("from: [home, any], action: drop"), 5, 37, "`any` makes the other"},
		{FORWARD("in-interface: wam, action: drop"), 5, 38,
			"`wam` is not the name of an interface, nor the name of a set, did you "
			"mean "
			"`wan`?"},
		{FORWARD("source: hots, action: drop"), 5, 32, "did you mean `hosts`?"},
		{FORWARD("source: \"@hots\", action: drop"), 5, 32, "did you mean `hosts`?"},
		{FORWARD("source: not hots, action: drop"), 5, 32, "did you mean `hosts`?"},
		{FORWARD("source: \"@a b\", action: drop"), 5, 32, "expected an address"},
		{FORWARD("source: web, action: drop"), 5, 32,
			"set `web` on line 3 holds ports, not addresses"},
		{FORWARD("port: hosts, action: drop"), 5, 30, "holds addresses, not ports"},
		{FORWARD("port: htps, action: drop"), 5, 30, "did you mean `https`?"},
		{FORWARD("protocol: upd, action: drop"), 5, 34, "did you mean `udp`?"},
		{FORWARD("icmp: echo-requst, action: drop"), 5, 30, "did you mean `echo-request`?"},
		{FORWARD("jump: nowhere"), 5, 30, "`jump`: there is no list `nowhere`"},
		{FORWARD("add-to: {set: cauht}"), 5, 38, "no set `cauht`, did you mean `caught`?"},
		{FORWARD("add-to: {set: hosts}"), 5, 38, "set `hosts` has no `timeout`"},
		{FORWARD("action: drop, colour: red"), 5, 38, "rule: unknown key `colour`"},
		{FORWARD("actoin: drop"), 5, 24, "did you mean `action`?"},
		{FORWARD("action: deny"), 5, 32, "accept, drop, reject, return or continue"},
		{FORWARD("source: [hosts, not hosts6], action: drop"), 5, 40,
			"`not` is before all of a list or before none of it"},
		{FORWARD("source: [caught, late], action: drop"), 5, 41,
			"both have a timeout; that takes two rules"},
	};

	expect_faults(faults, COUNT(faults));
}

static void a_rule_that_can_never_hold_is_refused(void **state)
{
	static const struct fault faults[] = {
		{INPUT("to: home, action: drop"), 5, 28, "what passes through is for `forward`"},
		{INPUT("from: router, action: drop"), 5, 30, "is for `output`"},
		{INPUT("out-interface: lan, action: drop"), 5, 39, "leaves by none"},
		{FORWARD("to: router, action: drop"), 5, 28, "is for `input`"},
		{FORWARD("from: [home, router], action: drop"), 5, 30, "is for `output`"},
		{OUTPUT("from: home, action: drop"), 5, 30, "what passes through is for `forward`"},
		{OUTPUT("to: router, action: drop"), 5, 28, "is for `input`"},
		{OUTPUT("in-interface: lan, action: drop"), 5, 38, "came in by none"},
		{OUTPUT("mac: 02:00:00:00:00:01, action: drop"), 5, 29, "no sender's MAC"},
		{FORWARD("source: hosts, destination: hosts6, action: drop"), 5, 52,
			"a source of one family and a destination of the other"},
		{FORWARD("family: ipv6, source: hosts, action: drop"), 5, 32,
			"the addresses are of the other family"},
		{FORWARD("icmp: echo-request, family: ipv6, action: drop"), 5, 30,
			"for IPv6 say `icmp6`"},
		{FORWARD("icmp6: echo-request, source: hosts, action: drop"), 5, 31,
			"for IPv4 say `icmp`"},
		{FORWARD("protocol: gre, port: 80, action: drop"), 5, 34, "ports are for tcp, udp"},
		{FORWARD("protocol: [tcp, icmp], port: 80, action: drop"), 5, 34,
			"ports are for tcp, udp"},
		{FORWARD("protocol: not tcp, source-port: 80, action: drop"), 5, 34,
			"ports are for tcp, udp"},
		{FORWARD("protocol: tunnels, port: 80, action: drop"), 5, 34,
			"ports are for tcp, udp"},
		{FORWARD("icmp: echo-request, port: 80, action: drop"), 5, 30,
			"neither ports nor TCP flags"},
		{FORWARD("icmp6: echo-request, tcp-flags: syn, action: drop"), 5, 31,
			"neither ports nor TCP flags"},
		{FORWARD("icmp: echo-request, protocol: udp, action: drop"), 5, 54,
			"only ICMP has types"},
		{FORWARD("tcp-flags: syn, protocol: udp, action: drop"), 5, 35,
			"only TCP has them"},
		{FORWARD("tcp-flags: [syn, not syn], action: drop"), 5, 41,
			"syn cannot be there and not be there"},
	};

	expect_faults(faults, COUNT(faults));
}

static void what_happens_is_said_once(void **state)
{
	static const struct fault faults[] = {
		{FORWARD("from: home"), 5, 22, "nothing happens: expected `action` or `jump`"},
		{ROUTER "firewall: {lists: {x: []}, input: [{jump: x, action: drop}]}", 3, 43,
			"beside `action`: one of them decides"},
		{FORWARD("reject-with: tcp-reset, action: drop"), 5, 37, "is for `action: reject`"},
		{FORWARD("reject-with: tcp-reset, protocol: udp, action: reject"), 5, 37,
			"only TCP has a reset"},
		{FORWARD("reject-with: tcp-rst, action: reject"), 5, 37,
			"did you mean `tcp-reset`"},
		{FORWARD("log-rate: 5/s, action: drop"), 5, 34, "there is no `log`"},
		{FORWARD("log: x, log-rate: over 5/s, action: drop"), 5, 42, "goes over a rate"},
		{FORWARD("log: \"\", action: drop"), 5, 29, "a text of 1 to 63 bytes"},
		{FORWARD("comment: \"\\e[1m\", action: drop"), 5, 33, "on one line"},
		{FORWARD("state: [new, old], action: drop"), 5, 37,
			"expected new, established, related or invalid, got `old`"},
		{FORWARD("time: always, action: drop"), 5, 30, "expected a time such as"},
		{FORWARD("rate: fast, action: drop"), 5, 30, "expected a rate such as"},
	};

	expect_faults(faults, COUNT(faults));
}

static const struct cfg_rule *rule_of(const struct config *config)
{
	assert_int_equal(config->firewall.hooks[CFG_HOOK_FORWARD].n_rules, 1);
	return &config->firewall.hooks[CFG_HOOK_FORWARD].rules[0];
}

static void a_rule_is_read_field_by_field(void **state)
{
	struct config *config = parse_good(FORWARD(
		"from: [home, none], to: any, in-interface: inside, out-interface: not wan, "
		"family: ipv4, source: not hosts, destination: [198.51.100.0/24, caught], "
		"protocol: [tcp, sctp], port: [web, 8080], source-port: 1024-65535, "
		"dscp: [ef, 3], mac: 02:00:00:00:00:01, state: [new, invalid], dnat: false, "
		"mark: 1/3, time: [mon-fri, sat 10:00-12:00], rate: 5/s, action: reject, "
		"reject-with: net-unreachable, count: c, log: \"l: \", log-rate: 1/m, "
		"set-mark: 0x10/0xf0, "
		"add-to: {set: caught, address: destination, timeout: 5m}, comment: why"));
	const struct cfg_rule *rule = rule_of(config);

	assert_int_equal(rule->place.line, 5);
	assert_int_equal(rule->place.column, 22);
	assert_int_equal(rule->from.n, 2);
	assert_string_equal(rule->from.names[1], "none");
	assert_int_equal(rule->to.n, 0); // any
	assert_string_equal(rule->in_interface.elements[0].set, "inside");
	assert_null(rule->out_interface.elements[0].set);
	assert_string_equal(rule->out_interface.elements[0].interface, "wan");
	assert_true(rule->out_interface.is_negated);
	assert_int_equal(rule->family, IP_V4);
	assert_true(rule->source.is_negated);
	assert_int_equal(rule->destination.n, 2);
	assert_false(rule->destination.is_negated);
	assert_string_equal(rule->destination.elements[1].set, "caught");
	assert_int_equal(rule->protocol.n, 2);
	assert_string_equal(rule->port.elements[0].set, "web");
	assert_int_equal(rule->port.elements[1].numbers.first, 8080);
	assert_int_equal(rule->source_port.elements[0].numbers.first, 1024);
	assert_true(rule->dscps == (1ull << 46 | 1ull << 3));
	assert_int_equal(rule->mac.elements[0].mac.bytes[5], 1);
	assert_int_equal(rule->states, CFG_STATE_NEW | CFG_STATE_INVALID);
	assert_true(rule->has_dnat);
	assert_false(rule->is_dnat);
	assert_int_equal(rule->mark.value, 1);
	assert_int_equal(rule->mark.mask, 3);
	assert_int_equal(rule->n_times, 2);
	assert_int_equal(rule->times[1].last_min, 720);
	assert_int_equal(rule->rate.packets, 5);
	assert_int_equal(rule->action, CFG_REJECT);
	assert_int_equal(rule->reject, CFG_REJECT_NET);
	assert_string_equal(rule->counter, "c");
	assert_string_equal(rule->log, "l: ");
	assert_int_equal(rule->log_rate.per_sec, 60);
	assert_int_equal(rule->set_mark.mask, 0xf0);
	assert_string_equal(rule->add_set, "caught");
	assert_int_equal(rule->add_sec, 300);
	assert_true(rule->add_destination);
	assert_int_equal(rule->add_ip6_len, 128);
	assert_string_equal(rule->comment, "why");
	config_free(config);
}

static void what_a_rule_does_not_say_has_a_default(void **state)
{
	struct config *config = parse_good(FORWARD("log: x, add-to: {set: caught}"));
	const struct cfg_rule *rule = rule_of(config);

	assert_int_equal(rule->action, CFG_CONTINUE);
	assert_int_equal(rule->reject, CFG_REJECT_AUTO);
	assert_int_equal(rule->log_rate.packets, 10);
	assert_int_equal(rule->log_rate.per_sec, 1);
	assert_int_equal(rule->add_sec, 86400); // as the set says
	assert_false(rule->add_destination);
	assert_int_equal(rule->add_ip6_len, 64); // as a rate counts it
	assert_false(rule->has_dnat);
	assert_int_equal(rule->rate.packets, 0);
	assert_int_equal(rule->protocol.n, 0);
	config_free(config);
}

// Ports, flags and types without a protocol say what it is.
static void protocols_are_completed(void **state)
{
	static const struct {
		const char *text;
		unsigned protocols[2];
	} rows[] = {
		{FORWARD("port: 80, action: drop"), {6, 17}},
		{FORWARD("source-port: 80, action: drop"), {6, 17}},
		{FORWARD("port: 80, protocol: sctp, action: drop"), {132, 0}},
		{FORWARD("port: 80, tcp-flags: syn, action: drop"), {6, 0}},
		{FORWARD("tcp-flags: syn, action: drop"), {6, 0}},
		{FORWARD("icmp: echo-request, action: drop"), {1, 0}},
		{FORWARD("icmp6: echo-request, action: drop"), {58, 0}},
		{FORWARD("icmp: echo-request, icmp6: echo-request, action: drop"), {1, 58}},
		{FORWARD("action: drop"), {0, 0}},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *config = parse_good(rows[i].text);
		const struct cfg_match *protocol = &rule_of(config)->protocol;

		assert_int_equal(
			protocol->n, (rows[i].protocols[0] != 0) + (rows[i].protocols[1] != 0));
		for (unsigned j = 0; j < protocol->n; j++) {
			assert_int_equal(protocol->elements[j].numbers.first, rows[i].protocols[j]);
			assert_int_equal(protocol->elements[j].numbers.last, rows[i].protocols[j]);
		}
		config_free(config);
	}
}

// A mistake in one place is not found again in another.
static void a_fault_is_named_once(void **state)
{
	static const struct fault faults[] = {
		{ROUTER "sets: []\nfirewall: {input: [{source: hosts, action: drop}]}", 3, 7,
			"each key the name of one set"},
		{ROUTER "zones: []\nfirewall: {input: [{from: home, action: drop}]}", 3, 8,
			"each key the name of one zone"},
		{ROUTER "firewall: {lists: [], input: [{jump: x}]}", 3, 19,
			"each key the name of one list"},
		{PORTS "interfaces: []\nfirewall: {input: [{in-interface: lan, action: drop}]}", 2,
			13, "each key the name of one interface"},
		{FORWARD("protocol: [tcp, xyz w], port: 80, reject-with: auto, action: drop"), 5,
			40, "expected a protocol"},
	};

	expect_faults(faults, COUNT(faults));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_of_the_file),
		cmocka_unit_test(a_rule_that_can_never_hold_is_refused),
		cmocka_unit_test(what_happens_is_said_once),
		cmocka_unit_test(a_rule_is_read_field_by_field),
		cmocka_unit_test(what_a_rule_does_not_say_has_a_default),
		cmocka_unit_test(protocols_are_completed),
		cmocka_unit_test(a_fault_is_named_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
