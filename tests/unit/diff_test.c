// SPDX-License-Identifier: BSD-3-Clause
// What changes from one file to another, as an operator would say it.
#include "cfg/diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/config_fixture.h"

enum { CHANGE_BYTES = 600 };

static void change_str(const struct cfg_change *change, char *out)
{
	static const char signs[] = {[CFG_ADDED] = '+', [CFG_REMOVED] = '-', [CFG_CHANGED] = '~'};

	snprintf(out, CHANGE_BYTES, "%c %s: %s%s%s", signs[change->kind], change->path,
		change->before != NULL ? change->before : "",
		change->before != NULL && change->after != NULL ? " -> " : "",
		change->after != NULL ? change->after : "");
}

// `expected` up to NULL.
static void expect_changes(const char *before, const char *after, const char *const *expected)
{
	struct config *a = parse_good(before), *b = parse_good(after);
	struct cfg_changes changes;
	unsigned n = 0;

	assert_int_equal(config_diff(a, b, &changes), 0);
	config_free(a); // the changes do without
	config_free(b);
	while (expected[n] != NULL)
		n++;
	for (unsigned i = 0; i < changes.n; i++) {
		char text[CHANGE_BYTES];

		change_str(&changes.list[i], text);
		if (i >= n)
			fail_msg("not expected: %s", text);
		assert_string_equal(text, expected[i]);
	}
	assert_int_equal(changes.n, n);
	cfg_changes_free(&changes);
}

#define CHANGES(...)                                                                               \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

static const char *const nothing[] = {NULL};

static void how_it_is_written_makes_no_difference(void **state)
{
	expect_changes(ROUTER, INTERFACES PORTS, nothing);
	expect_changes("workers: {idle: adaptive}\n", "workers:\n", nothing);
	expect_changes("firewall: {input: [{port: 443, action: accept}]}\n",
		"firewall:\n  input:\n  # the web\n  - action: accept\n    port: [https]\n",
		nothing);
}

static void what_dhcp_gives_is_compared_by_its_names(void **state)
{
	expect_changes(ROUTER
		"dhcp-server: {lan: {pool: 198.18.0.9, options: {dns: 198.18.0.1, mtu: 1400}}}\n",
		ROUTER "dhcp-server: {lan: {pool: 198.18.0.8, options: {dns: [198.18.0.1, "
		       "198.18.0.2]}, reservations: {a: {client-id: x, address: 198.18.0.7}}}}\n",
		CHANGES("~ dhcp-server.lan.pool: 198.18.0.9 -> 198.18.0.8",
			"+ dhcp-server.lan.reservations.a: {}",
			"+ dhcp-server.lan.reservations.a.address: 198.18.0.7",
			"+ dhcp-server.lan.reservations.a.client-id: x",
			"~ dhcp-server.lan.options.dns: \"198.18.0.1\" -> [\"198.18.0.1\", "
			"\"198.18.0.2\"]",
			"- dhcp-server.lan.options.mtu: \"1400\""));
}

static void keys_are_named_by_their_path(void **state)
{
	expect_changes(ROUTER
		"workers: {cores: [0, 1], idle: busy}\nflows: {timeouts: {icmp: 1m}}\n",
		PORTS
		"interfaces: {wan: {port: p, addresses: 203.0.113.2/24}, lan: {port: q}}\n"
		"workers: {cores: 1}\nflows: {timeouts: {icmp: 90s, other: 1h}, capacity: 2048}\n",
		CHANGES("~ workers.cores: [0, 1] -> 1", "~ workers.idle: busy -> adaptive",
			"+ flows.capacity: 2048", "~ flows.timeouts.icmp: 1m -> 1m30s",
			"+ flows.timeouts.other: 1h", "- interfaces.lan.addresses: 198.18.0.1/24",
			"~ interfaces.wan.addresses: [203.0.113.2/24, 2001:db8:0:1::2/64] -> "
			"203.0.113.2/24"));
}

static void named_things_come_and_go_as_a_whole(void **state)
{
	expect_changes(ROUTER "sets: {a: {ports: 1}, b: {ports: [2, 3]}}\n",
		ROUTER "sets: {c: {macs: \"02:00:00:00:00:0a\"}, b: {ports: [2, 3]}}\n",
		CHANGES("- sets.a: { ports: 1 }", "+ sets.c: { macs: 02:00:00:00:00:0a }"));
}

#define RULES(rules) "firewall: {forward: [" rules "]}\n"
#define RULE(port)   "{port: " #port ", action: accept}"

static void a_rule_put_between_others_is_one_change(void **state)
{
	expect_changes(RULES(RULE(1) "," RULE(2) "," RULE(3)),
		RULES(RULE(1) "," RULE(9) "," RULE(2) "," RULE(3)),
		CHANGES("+ firewall.forward[2]: { port: 9, action: accept }"));
	expect_changes(RULES(RULE(1) "," RULE(2) "," RULE(3)), RULES(RULE(1) "," RULE(3)),
		CHANGES("- firewall.forward[2]: { port: 2, action: accept }"));
	expect_changes(RULES(RULE(1) "," RULE(2) "," RULE(3)),
		RULES(RULE(1) "," RULE(9) "," RULE(3)),
		CHANGES("~ firewall.forward[2]: { port: 2, action: accept } -> { port: 9, action: "
			"accept }"));
}

static void a_rule_that_moves_leaves_the_others_alone(void **state)
{
	expect_changes(RULES(RULE(1) "," RULE(2) "," RULE(3) "," RULE(4)),
		RULES(RULE(4) "," RULE(1) "," RULE(2) "," RULE(3)),
		CHANGES("+ firewall.forward[1]: { port: 4, action: accept }",
			"- firewall.forward[4]: { port: 4, action: accept }"));
	// the same rule twice
	expect_changes(RULES(RULE(1) "," RULE(2) "," RULE(1)), RULES(RULE(2) "," RULE(1)),
		CHANGES("- firewall.forward[1]: { port: 1, action: accept }"));
}

static void a_firewall_that_comes_or_goes_is_told_rule_by_rule(void **state)
{
	static const char with[] =
		"firewall: {input: [{action: accept}], lists: {web: [{port: 80, action: drop}]}, "
		"hygiene: {land: false}}\n";

	expect_changes("workers:\n", with,
		CHANGES("+ firewall: {}", "+ firewall.input[1]: { action: accept }",
			"+ firewall.lists.web: []",
			"+ firewall.lists.web[1]: { port: http, action: drop }",
			"+ firewall.hygiene.land: false"));
	expect_changes(with, "workers:\n",
		CHANGES("- firewall: {}", "- firewall.input[1]: { action: accept }",
			"- firewall.lists.web: []",
			"- firewall.lists.web[1]: { port: http, action: drop }",
			"- firewall.hygiene.land: false"));
}

// --- many ---

static char *many_rules(unsigned n, unsigned without, const char *more)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *stream = open_memstream(&text, &bytes);

	fputs("firewall:\n  forward:\n", stream);
	for (unsigned i = 0; i < n; i++) {
		if (i == n / 2)
			fputs(more, stream);
		if (i != without)
			fprintf(stream, "  - {source: 10.%u.%u.%u, action: drop}\n", i >> 16,
				i >> 8 & 255, i & 255);
	}
	fclose(stream);
	return text;
}

static void of_a_long_list_only_what_changed_is_told(void **state)
{
	enum { N = 100000 };
	char *before = many_rules(N, N, "");
	char *after = many_rules(N, 7, "  - {port: 1, action: drop}\n");

	expect_changes(before, after,
		CHANGES("- firewall.forward[8]: { source: 10.0.0.7, action: drop }",
			"+ firewall.forward[50000]: { port: 1, action: drop }"));
	free(after);
	free(before);
}

static void values_of_a_long_list_are_told_one_by_one(void **state)
{
	char *text[2];

	for (unsigned i = 0; i < 2; i++) {
		size_t bytes = 0;
		FILE *stream = open_memstream(&text[i], &bytes);

		fputs("sets: {s: {addresses: [198.18.0.1", stream);
		for (unsigned j = i; j < 200; j++)
			fprintf(stream, ", 10.0.0.%u", j);
		fputs(i == 1 ? ", 10.0.1.0/24]}}\n" : "]}}\n", stream);
		fclose(stream);
	}
	expect_changes(text[0], text[1],
		CHANGES("- sets.s.addresses[2]: 10.0.0.0", "+ sets.s.addresses[201]: 10.0.1.0/24"));
	free(text[1]);
	free(text[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_it_is_written_makes_no_difference),
		cmocka_unit_test(what_dhcp_gives_is_compared_by_its_names),
		cmocka_unit_test(keys_are_named_by_their_path),
		cmocka_unit_test(named_things_come_and_go_as_a_whole),
		cmocka_unit_test(a_rule_put_between_others_is_one_change),
		cmocka_unit_test(a_rule_that_moves_leaves_the_others_alone),
		cmocka_unit_test(a_firewall_that_comes_or_goes_is_told_rule_by_rule),
		cmocka_unit_test(of_a_long_list_only_what_changed_is_told),
		cmocka_unit_test(values_of_a_long_list_are_told_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
