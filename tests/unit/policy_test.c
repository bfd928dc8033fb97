// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/policy_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { FIRST_RULE_LINE = 6 }; // of what many_rules makes

static void open_text(const char *text, const char *absent)
{
	struct error err = {0};

	if (policy_fixture_open(text, absent, &err) != 0)
		fail_msg("%s", err.text);
}

// --- rules ---

#define RULE_SETS                                                                                  \
	"sets: {web: {ports: [80, 443]}, vips: {addresses: [198.18.0.7]},"                         \
	" more: {addresses: [2001:db8::/32, 203.0.113.0/24]},"                                     \
	" outer: {interfaces: [wan]}, banned: {addresses: 198.51.100.1, timeout: 1d}}\n"

static const struct {
	const char *rule, *means;
} rule_rows[] = {
	{"from: home, to: [internet, none], action: accept", "from=0x4 to=0xa accept"},
	{"from: any, action: drop", "drop"},
	{"in-interface: lan, out-interface: [wan], action: accept", "in=[10] out=[11] accept"},
	{"in-interface: not lan, action: drop", "!in=[10] drop"},
	{"out-interface: outer, action: drop", "out=[11] drop"},
	{"family: ipv6, action: accept", "family=6 accept"},
	{"source: 198.18.0.0/24, destination: not 203.0.113.9, action: drop",
		"src=[198.18.0.0/24] !dst=[203.0.113.9/32] drop"},
	{"source: 198.18.0.5-198.18.0.8, action: drop",
		"src=[198.18.0.5/32 198.18.0.6/31 198.18.0.8/32] drop"},
	{"source: vips, action: drop", "src=[198.18.0.7/32] drop"},
	{"source: [198.18.0.9, vips, more], action: drop",
		"src=[198.18.0.9/32 198.18.0.7/32 2001:db8::/32 203.0.113.0/24] drop"},
	{"source: banned, action: drop", "src=[198.51.100.1/32 timed 0] drop"},
	{"source: [not banned, not 198.18.0.3], action: drop",
		"!src=[198.51.100.1/32 198.18.0.3/32 timed 0] drop"},
	{"port: 443, action: accept", "dport=[443] proto=[6 17] accept"},
	{"port: ['@web', 8000-8099], protocol: tcp, action: accept",
		"dport=[80 443 8000-8099] proto=[6] accept"},
	{"source-port: 67-68, protocol: udp, action: accept", "sport=[67-68] proto=[17] accept"},
	{"protocol: [esp, 47], action: accept", "proto=[50 47] accept"},
	{"icmp: [echo-request, 3/4], action: accept", "proto=[1] icmp=[2048-2303 772] accept"},
	{"icmp6: echo-request, action: accept", "proto=[58] icmp6=[32768-33023] accept"},
	{"mac: 02:00:00:00:00:01, action: accept", "mac=[02:00:00:00:00:01] accept"},
	{"tcp-flags: 'syn,!ack', action: drop", "proto=[6] flags=0x2/0x12 drop"},
	{"dscp: [ef, cs1], action: accept", "dscps=0x400000000100 accept"},
	{"state: [established, related], action: accept", "states=0x6 accept"},
	{"dnat: true, action: accept", "dnat=1 accept"},
	{"dnat: false, action: drop", "dnat=0 drop"},
	{"mark: 0x10/0xff, action: accept", "mark=0x10/0xff accept"},
	{"time: mon-fri 08:00-18:00, action: drop", "schedule=0 drop"},
	{"rate: 5/s, action: accept", "rate=5/1s burst 5 accept"},
	{"rate: over 10/m burst 20 per source, action: drop",
		"above=10/60s burst 20 per source drop"},
	{"count: seen", "counter=0 continue"},
	{"log: 'in: ', action: drop", "log='in: ' at=10/1s burst 10 drop"},
	{"log: x, log-rate: 1/m", "log='x' at=1/60s burst 1 continue"},
	{"set-mark: 7", "set=0x7/0xffffffff continue"},
	{"add-to: {set: banned}, action: drop", "add=src/64 to 0 for 86400s drop"},
	{"add-to: {set: banned, address: destination, timeout: 10m}",
		"add=dst/128 to 0 for 600s continue"},
	{"add-to: {set: banned, ipv6-prefix: 56}", "add=src/56 to 0 for 86400s continue"},
	{"action: reject", "reject"},
	{"action: reject, reject-with: admin-prohibited", "reject with 5"},
	{"action: reject, reject-with: tcp-reset, protocol: tcp", "proto=[6] reject with 1"},
	{"jump: deeper", "jump 4"},
	{"action: return", "return"},
};

static void each_key_of_a_rule_reaches_the_workers(void **state)
{
	char text[2048];

	for (size_t i = 0; i < COUNT(rule_rows); i++) {
		snprintf(text, sizeof(text),
			LAN_AND_WAN RULE_SETS
			"firewall: {forward: [{%s}],"
			" lists: {other: [{action: drop}], deeper: [{action: accept}]}}\n",
			rule_rows[i].rule);
		open_text(text, NULL);
		assert_string_equal(policy_fixture_rule(0), rule_rows[i].means);
		policy_fixture_close();
	}
}

static void lists_of_hooks_come_first_and_jumps_find_theirs(void **state)
{
	const struct dp_policy *policy = &recording.policy;

	open_text(LAN_AND_WAN "firewall:\n"
			      "  defaults: {input: reject, forward: drop, output: accept}\n"
			      "  input: [{port: 22, action: accept}, {jump: b}]\n"
			      "  output: [{action: return}]\n"
			      "  lists: {a: [{action: drop}], b: [{jump: a}]}\n",
		NULL);
	assert_true(policy->has_firewall);
	assert_int_equal(policy->n_lists, 5);
	assert_int_equal(policy->n_rules, 5);
	for (unsigned hook = 0; hook < DP_HOOK_COUNT; hook++)
		assert_int_equal(policy->hooks[hook], hook);
	assert_int_equal(policy->lists[DP_HOOK_FORWARD].n, 0);
	assert_int_equal(policy->lists[DP_HOOK_OUTPUT].first, 2);
	assert_string_equal(policy_fixture_rule(1), "jump 4");
	assert_string_equal(policy_fixture_rule(policy->lists[4].first), "jump 3");
	assert_int_equal(policy->defaults[DP_HOOK_INPUT], DP_REJECT);
	assert_int_equal(policy->defaults[DP_HOOK_FORWARD], DP_DROP);
	assert_int_equal(policy->defaults[DP_HOOK_OUTPUT], DP_ACCEPT);
	policy_fixture_close();
}

static void without_firewall_there_is_none(void **state)
{
	open_text(LAN_AND_WAN "nat: [{masquerade: wan}]\n", NULL);
	assert_false(recording.policy.has_firewall);
	assert_true(recording.policy.picks_up);
	assert_int_equal(recording.policy.hygiene[FIRST_ID], 0);
	policy_fixture_close();
}

// --- interfaces ---

static void zones_and_hygiene_are_the_interfaces(void **state)
{
	const struct dp_policy *policy = &recording.policy;
	const uint16_t all = (1 << 9) - 1;

	open_text("ports: {a: {driver: 'null'}, b: {driver: 'null'}, c: {driver: 'null'}}\n"
		  "interfaces: {a: {port: a}, b: {port: b}, c: {port: c}}\n"
		  "zones: {one: {interfaces: [c]}, two: {interfaces: [a]}}\n"
		  "firewall: {hygiene: {reverse-path: loose, martians: false, interfaces:"
		  " {c: {land: false, reverse-path: off}, b: {reverse-path: feasible}}}}\n",
		NULL);
	assert_int_equal(policy->zones[FIRST_ID], DP_ZONE_NONE + 2);
	assert_int_equal(policy->zones[FIRST_ID + 1], DP_ZONE_NONE);
	assert_int_equal(policy->zones[FIRST_ID + 2], DP_ZONE_NONE + 1);
	assert_int_equal(policy->zones[0], DP_ZONE_NONE);
	assert_int_equal(
		policy->hygiene[FIRST_ID], (all & ~DP_HYGIENE_MARTIAN) | DP_HYGIENE_RPF_LOOSE);
	assert_int_equal(policy->hygiene[FIRST_ID + 1],
		(all & ~DP_HYGIENE_MARTIAN) | DP_HYGIENE_RPF_FEASIBLE);
	assert_int_equal(
		policy->hygiene[FIRST_ID + 2], all & ~DP_HYGIENE_MARTIAN & ~DP_HYGIENE_LAND);
	assert_int_equal(policy->hygiene[0], 0);
	policy_fixture_close();
}

static void an_absent_interface_has_no_effect_until_it_appears(void **state)
{
	struct error err = {0};

	open_text(LAN_AND_WAN "firewall: {forward: [{in-interface: wan, action: drop},"
			      " {in-interface: [not wan, not lan], action: drop}]}\n"
			      "nat: [{masquerade: [wan, lan]}]\n",
		"wan");
	assert_string_equal(policy_fixture_rule(0), "in=[] drop");
	assert_string_equal(policy_fixture_rule(1), "!in=[10] drop");
	assert_int_equal(recording.policy.n_nats, 1);
	assert_int_equal(recording.policy.zones[FIRST_ID + 1], DP_ZONE_NONE);

	policy_fixture_set_there("wan", true);
	assert_int_equal(firewall_update(&fixture.firewall, POLICY_FIXTURE_NOW, &err), 0);
	assert_string_equal(policy_fixture_rule(0), "in=[11] drop");
	assert_string_equal(policy_fixture_rule(1), "!in=[11 10] drop");
	assert_int_equal(recording.policy.n_nats, 2);
	assert_int_equal(recording.policy.zones[FIRST_ID + 1], DP_ZONE_NONE + 2);
	policy_fixture_close();
}

// --- translations ---

static const struct {
	const char *nat;
	const char *means[3]; // as many as there are
} nat_rows[] = {
	{"masquerade: wan", {"source family=4 interface=11"}},
	{"masquerade: [wan, lan], family: both, from: 198.18.0.0/24",
		{"source family=0 interface=11 src=[198.18.0.0/24]",
			"source family=0 interface=10 src=[198.18.0.0/24]"}},
	{"masquerade: wan, random-ports: true, keep-parity: true, full-cone: true",
		{"source family=4 interface=11 random parity cone"}},
	{"masquerade: wan, protocol: udp, to: not 198.51.100.0/24",
		{"source family=4 interface=11 !dst=[198.51.100.0/24] proto=[17]"}},
	{"source: 203.0.113.64/28, interface: wan",
		{"source family=4 interface=11 outside=203.0.113.64/28"}},
	{"source: 203.0.113.9", {"source family=4 interface=-1 outside=203.0.113.9/32"}},
	{"one-to-one: {inside: 198.18.0.8/30, outside: 203.0.113.8/30}",
		{"one-to-one family=4 interface=-1 outside=203.0.113.8/30 inside=198.18.0.8/30"}},
	{"forward: {to: 198.18.0.5, ports: 443}, interface: wan",
		{"forward family=4 interface=11 proto=[6 17] inside=198.18.0.5/32 ports=443-443"}},
	{"forward: {to: 198.18.0.5, ports: [80, 8000-8010], protocol: tcp}, address: 203.0.113.5",
		{"forward family=4 interface=-1 proto=[6] outside=203.0.113.5/32 "
		 "inside=198.18.0.5/32 ports=80-80",
			"forward family=4 interface=-1 proto=[6] outside=203.0.113.5/32 "
			"inside=198.18.0.5/32 ports=8000-8010"}},
	{"forward: {to: 198.18.0.5, ports: 8000-8010, to-port: 9000}, interface: wan",
		{"forward family=4 interface=11 proto=[6 17] inside=198.18.0.5/32 ports=8000-8010 "
		 "port=9000"}},
	{"forward: {to: '2001:db8::5'}, interface: wan",
		{"forward family=6 interface=11 inside=2001:db8::5/128"}},
	{"redirect: {ports: 53, protocol: udp}, interface: lan, family: ipv4",
		{"redirect family=4 interface=10 proto=[17] ports=53-53"}},
	{"prefix: {inside: 'fd00:1::/48', outside: '2001:db8:1::/48'}, interface: wan",
		{"prefix family=6 interface=11 outside=2001:db8:1::/48 inside=fd00:1::/48"}},
	{"exempt: wan, to: 198.51.100.0/24",
		{"exempt family=4 interface=11 dst=[198.51.100.0/24]"}},
};

static void each_kind_of_translation_reaches_the_workers(void **state)
{
	char text[2048];

	for (size_t i = 0; i < COUNT(nat_rows); i++) {
		unsigned n = 0;

		snprintf(text, sizeof(text), LAN_AND_WAN "nat: [{%s}]\n", nat_rows[i].nat);
		open_text(text, NULL);
		for (; n < COUNT(nat_rows[i].means) && nat_rows[i].means[n] != NULL; n++)
			assert_string_equal(policy_fixture_nat(n), nat_rows[i].means[n]);
		assert_int_equal(recording.policy.n_nats, n);
		policy_fixture_close();
	}
}

// --- sets ---

static void what_says_the_same_shares_a_set(void **state)
{
	const struct dp_rule *rules;

	open_text(LAN_AND_WAN
		"sets: {vips: {addresses: 198.18.0.7}, unused: {addresses: 198.18.0.8}}\n"
		"firewall: {forward: [{source: [198.18.0.1, vips], action: drop},"
		" {destination: [198.18.0.1, vips], action: drop},"
		" {source: [not 198.18.0.1, not vips], action: drop},"
		" {source: vips, action: drop}, {destination: vips, action: drop},"
		" {source: 198.18.0.2, protocol: 6, action: drop},"
		" {port: 6, protocol: tcp, action: drop}]}\n",
		NULL);
	rules = recording.policy.rules;
	assert_int_equal(rules[0].source.set, rules[1].destination.set);
	assert_int_equal(rules[0].source.set, rules[2].source.set);
	assert_true(rules[2].source.is_negated);
	assert_int_equal(rules[3].source.set, rules[4].destination.set);
	assert_int_equal(rules[5].protocol.set, rules[6].protocol.set);
	assert_int_not_equal(rules[6].protocol.set, rules[6].destination_port.set);
	assert_int_equal(recording.policy.n_sets, 5); // not the one that nobody asks
	policy_fixture_close();
}

// --- limits ---

// A config of `n` rules, each with `each`, in which a %u is its number.
static char *many_rules(unsigned n, const char *each)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	fputs(LAN_AND_WAN "firewall:\n  forward:\n", out);
	for (unsigned i = 0; i < n; i++) {
		fputs("  - {", out);
		for (const char *c = each; *c != '\0'; c++) {
			if (*c == '%')
				fprintf(out, "%u", i);
			else
				fputc(*c, out);
		}
		fputs("}\n", out);
	}
	fclose(out);
	return text;
}

// A set that stands beside others in a rule's list is copied into one of that rule's own.
static void what_sets_come_to_together_is_bounded(void **state)
{
	enum { RANGES = 1000, PREFIXES_OF_RANGE = 254 };
	const unsigned fits = DP_ELEMENTS_MAX / (RANGES * PREFIXES_OF_RANGE + 1);

	for (unsigned n = fits; n <= fits + 1; n++) {
		struct error err = {0};
		char *text = NULL;
		size_t bytes = 0;
		FILE *out = open_memstream(&text, &bytes);

		fputs(LAN_AND_WAN "sets: {large: {addresses: [", out);
		for (unsigned i = 0; i < RANGES; i++)
			fputs("'::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe', ", out);
		fputs("]}}\nfirewall:\n  forward:\n", out);
		for (unsigned i = 0; i < n; i++)
			fprintf(out, "  - {source: [large, '2001:db8::%u'], action: drop}\n", i);
		fclose(out);
		assert_int_equal(policy_fixture_open(text, NULL, &err), n == fits ? 0 : -1);
		if (n == fits) {
			assert_int_equal(recording.policy.sets[0].n_prefixes,
				RANGES * PREFIXES_OF_RANGE + 1);
		} else {
			assert_non_null(strstr(err.text, "elements in all sets"));
			assert_int_equal(err.line, FIRST_RULE_LINE + 1 + fits);
		}
		policy_fixture_close();
		free(text);
	}
}

// `--check` says the same, without interfaces.
static void expect_check_says(const struct error *refused)
{
	struct error err = {0};

	assert_int_equal(firewall_check(fixture.config, &err), -1);
	assert_string_equal(err.text, refused->text);
	assert_int_equal(err.line, refused->line);
}

static void what_does_not_fit_is_refused_with_its_line(void **state)
{
	static const struct {
		unsigned fits;
		const char *rule, *says;
	} rows[] = {
		{DP_RATES_MAX, "rate: 1/s, action: drop", "rates"}, {DP_LOGS_MAX, "log: x", "rule"},
		{DP_COUNTERS_MAX, "count: c%", "counters"},
		{DP_SETS_MAX - 1, "port: %, action: drop", "sets"}, // one is tcp and udp
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct error err = {0};
		char *text = many_rules(rows[i].fits, rows[i].rule);

		open_text(text, NULL);
		assert_int_equal(firewall_check(fixture.config, &err), 0);
		policy_fixture_close();
		free(text);
		text = many_rules(rows[i].fits + 1, rows[i].rule);
		assert_int_equal(policy_fixture_open(text, NULL, &err), -1);
		assert_non_null(strstr(err.text, rows[i].says));
		assert_int_equal(err.line, FIRST_RULE_LINE + rows[i].fits);
		expect_check_says(&err);
		policy_fixture_close();
		free(text);
	}
}

static void equal_times_share_a_schedule_and_only_64_differ(void **state)
{
	char *text = NULL;
	size_t bytes = 0;
	struct error err = {0};
	FILE *out = open_memstream(&text, &bytes);

	fputs(LAN_AND_WAN "firewall:\n  forward:\n", out);
	for (unsigned i = 0; i <= DP_SCHEDULES_MAX; i++)
		for (unsigned twice = 0; twice < 2; twice++)
			fprintf(out, "  - {time: '%02u:%02u-23:00', action: drop}\n", i / 60,
				i % 60);
	fclose(out);
	assert_int_equal(policy_fixture_open(text, NULL, &err), -1);
	assert_non_null(strstr(err.text, "times"));
	assert_int_equal(err.line, FIRST_RULE_LINE + 2 * DP_SCHEDULES_MAX);
	policy_fixture_close();
	free(text);
}

// --- the rest ---

static void timeouts_and_limits_pass(void **state)
{
	open_text(LAN_AND_WAN "flows: {per-host: 77, pick-up: true, timeouts: {tcp-unreplied: 1s,"
			      " tcp-established: 2s, tcp-closing: 3s, tcp-closed: 4s,"
			      " udp-unreplied: 5s, udp-assured: 6s, icmp: 7s, other: 8s}}\n",
		NULL);
	assert_int_equal(recording.policy.host_flows_max, 77);
	assert_true(recording.policy.picks_up);
	assert_memory_equal(&recording.policy.timeouts,
		&((struct dp_timeouts){1, 2, 3, 4, 5, 6, 7, 8}), sizeof(struct dp_timeouts));
	policy_fixture_close();
}

static void helpers_pass_and_are_off_unless_said(void **state)
{
	open_text(LAN_AND_WAN "nat: [{masquerade: wan}]\n", NULL);
	assert_int_equal(recording.policy.helpers[DP_HELPER_FTP].n, 0);
	assert_int_equal(recording.policy.helpers[DP_HELPER_TFTP].n, 0);
	policy_fixture_close();
	open_text(LAN_AND_WAN "flows: {helpers: {ftp: [21, 2121], tftp: 69}}\n", NULL);
	assert_int_equal(recording.policy.helpers[DP_HELPER_FTP].n, 2);
	assert_int_equal(recording.policy.helpers[DP_HELPER_FTP].ports[0], 21);
	assert_int_equal(recording.policy.helpers[DP_HELPER_FTP].ports[1], 2121);
	assert_int_equal(recording.policy.helpers[DP_HELPER_TFTP].n, 1);
	assert_int_equal(recording.policy.helpers[DP_HELPER_TFTP].ports[0], 69);
	policy_fixture_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_key_of_a_rule_reaches_the_workers),
		cmocka_unit_test(lists_of_hooks_come_first_and_jumps_find_theirs),
		cmocka_unit_test(without_firewall_there_is_none),
		cmocka_unit_test(zones_and_hygiene_are_the_interfaces),
		cmocka_unit_test(an_absent_interface_has_no_effect_until_it_appears),
		cmocka_unit_test(each_kind_of_translation_reaches_the_workers),
		cmocka_unit_test(what_says_the_same_shares_a_set),
		cmocka_unit_test(what_sets_come_to_together_is_bounded),
		cmocka_unit_test(what_does_not_fit_is_refused_with_its_line),
		cmocka_unit_test(equal_times_share_a_schedule_and_only_64_differ),
		cmocka_unit_test(timeouts_and_limits_pass),
		cmocka_unit_test(helpers_pass_and_are_off_unless_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
