// SPDX-License-Identifier: BSD-3-Clause
// What is printed reads as the same config, and prints as the same text.
#include "cfg/print.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cfg/model.h"
#include "cfg/one_line.h"
#include "cfg/value.h"
#include "cfg/value_print.h"
#include "tests/unit/config_equal.h"
#include "tests/unit/config_fixture.h"

static char *print(const struct config *config)
{
	size_t bytes = 0;
	char *text = config_print(config, &bytes);

	assert_non_null(text);
	assert_int_equal(bytes, strlen(text));
	return text;
}

static void expect_round_trip(const struct config *config)
{
	char *text = print(config);
	struct config *again = parse_good(text);
	const char *difference = config_differs(config, again);
	char *text_again = print(again);

	if (difference != NULL)
		fail_msg("%s: other than printed:\n%s", difference, text);
	assert_string_equal(text, text_again);
	config_free(again);
	free(text_again);
	free(text);
}

static void expect_printed(const char *text, const char *expected)
{
	struct config *config = parse_good(text);
	char *printed = print(config);

	assert_string_equal(printed, expected);
	expect_round_trip(config);
	free(printed);
	config_free(config);
}

static void expect_files(const char *pattern, unsigned n_least)
{
	unsigned n_good = 0;
	glob_t files;

	assert_int_equal(glob(pattern, 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct cfg_errors errors;
		struct config *config = config_load(files.gl_pathv[i], &errors);

		if (config != NULL) {
			expect_round_trip(config);
			n_good++;
		}
		config_free(config);
		cfg_errors_free(&errors);
	}
	assert_true(n_good >= n_least);
	globfree(&files);
}

static void every_example_comes_back(void **state)
{
	expect_files(SOURCE_ROOT "/cfg/examples/*.yaml", 7);
	expect_files(SOURCE_ROOT "/tests/fuzz/corpus/config/*.yaml", 8);
}

static void a_house_is_printed_as_people_write_it(void **state)
{
	expect_printed("nat: [{masquerade: [wan]}]\n"
		       "routes:\n"
		       "- {via: 203.0.113.1, to: 0.0.0.0/0, type: unicast, metric: 0}\n"
		       "- {to: \"0::/0\", via: [\"2001:db8:0:1:0::1\", fe80::1], interface: wan}\n"
		       "uplinks: {u: {interface: wan, via: 203.0.113.1, hold: 90s, lost: 3}}\n"
		       "zones: {home: {interfaces: [lan]}}\n"
		       "firewall:\n"
		       "  defaults: {input: drop, output: reject}\n"
		       "  input:\n"
		       "  - action: accept\n"
		       "    from: any\n"
		       "    port: [443, 8000-8099]\n"
		       "    rate: 100/m burst 100\n"
		       "    comment: \"why: # \\\"so\\\"\"\n"
		       "  hygiene: {reverse-path: off}\n" ROUTER,
		"ports:\n"
		"  p: { match: { name: eth1 } }\n"
		"  q: { match: { name: eth2 } }\n"
		"interfaces:\n"
		"  wan: { port: p, addresses: [203.0.113.2/24, 2001:db8:0:1::2/64] }\n"
		"  lan: { port: q, addresses: 198.18.0.1/24 }\n"
		"routes:\n"
		"  - { to: 0.0.0.0/0, via: 203.0.113.1 }\n"
		"  - { to: \"::/0\", via: [2001:db8:0:1::1, fe80::1], interface: wan }\n"
		"uplinks:\n"
		"  u: { interface: wan, via: 203.0.113.1, hold: 1m30s }\n"
		"zones:\n"
		"  home: { interfaces: lan }\n"
		"firewall:\n"
		"  defaults: { output: reject }\n"
		"  input:\n"
		"    - { port: [https, 8000-8099], rate: 100/m, action: accept, comment: \"why: # "
		"\\\"so\\\"\" }\n"
		"  hygiene:\n"
		"    reverse-path: \"off\"\n"
		"nat:\n"
		"  - { masquerade: wan }\n");
}

// What the checks complete is not said.
static void only_what_was_said_is_printed(void **state)
{
	expect_printed("firewall: {}\n", "firewall: {}\n");
	expect_printed("memory: {hugepages: auto}\n", "ports: {}\n");
	expect_printed("flows: {pick-up: true}\n", "flows: { pick-up: true }\n");
	expect_printed("firewall: {lists: {a: []}, input: [{action: accept}]}\n",
		"firewall:\n"
		"  input:\n"
		"    - { action: accept }\n"
		"  lists:\n"
		"    a: []\n");
	expect_printed("sets: {banned: {addresses: [], timeout: 1d}}\n"
		       "firewall: {input: [{source: not banned, add-to: {set: banned}}]}\n",
		"sets:\n"
		"  banned: { addresses: [], timeout: 1d }\n"
		"firewall:\n"
		"  input:\n"
		"    - { source: not banned, add-to: { set: banned } }\n");
	expect_printed(ROUTER "nat: [{exempt: any, from: 198.18.0.0/24}, {interface: any, source: "
			      "203.0.113.9}]\n",
		"ports:\n"
		"  p: { match: { name: eth1 } }\n"
		"  q: { match: { name: eth2 } }\n"
		"interfaces:\n"
		"  wan: { port: p, addresses: [203.0.113.2/24, 2001:db8:0:1::2/64] }\n"
		"  lan: { port: q, addresses: 198.18.0.1/24 }\n"
		"nat:\n"
		"  - { exempt: any, from: 198.18.0.0/24 }\n"
		"  - { source: 203.0.113.9 }\n");
}

// A rule with one key, and how its value is printed.
static void each_type_of_a_rule_has_one_form(void **state)
{
	static const struct {
		const char *written, *printed;
	} rows[] = {
		{"source: [10.0.0.0-10.0.0.255, 10.0.0.0-10.0.0.6, \"::1\"]",
			"source: [10.0.0.0/24, 10.0.0.0-10.0.0.6, \"::1\"]"},
		{"source: \"!10.0.0.0/8\"", "source: not 10.0.0.0/8"},
		{"source: 0.0.0.0/0", "source: 0.0.0.0/0"},
		{"protocol: [6, 41, 200, 3-5]", "protocol: [tcp, 6in4, 200, 3-5]"},
		{"icmp: [8, 3/4, 3/9, 3, 42]", "icmp: [echo-request, fragmentation-needed, 3/9, "
					       "destination-unreachable, 42]"},
		{"icmp6: [128, 1/0]", "icmp6: [echo-request, no-route]"},
		{"mac: [\"02:00:00:00:00:0A\", \"10:11:12:13:14:15\"]",
			"mac: [02:00:00:00:00:0a, \"10:11:12:13:14:15\"]"},
		{"tcp-flags: \"syn,!ack\"", "tcp-flags: [syn, not ack]"},
		{"dscp: [46, 1, af11, 63]", "dscp: [le, af11, ef, 63]"},
		{"state: [invalid, new]", "state: [new, invalid]"},
		{"mark: 16", "mark: 0x10"},
		{"mark: 0x10/0xFF", "mark: 0x10/0xff"},
		{"time: \"sat,sun,mon 22:00-06:00\"", "time: \"mon,sat,sun 22:00-06:00\""},
		{"time: [mon-fri, 08:00-18:00, sun-sat]", "time: [mon-fri, 08:00-18:00, mon-sun]"},
		{"rate: over 10/m burst 20 per source", "rate: over 10/m burst 20 per source"},
		{"dnat: false", "dnat: false"},
		{"family: ipv6", "family: ipv6"},
		{"log: yes", "log: \"yes\""},
		{"log: 12", "log: \"12\""},
		{"log: \"a\\u2028\\ufeff\\u00e9\\\\\"", "log: \"a\\u2028\\ufeff\xc3\xa9\\\\\""},
		{"log: x, log-rate: 10/s", "log: x"},
		{"log: x, log-rate: 11/s", "log: x, log-rate: 11/s"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char written[256], printed[256];

		snprintf(written, sizeof(written), "firewall: {input: [{%s, count: c}]}\n",
			rows[i].written);
		snprintf(printed, sizeof(printed), "%s", rows[i].printed);

		struct config *config = parse_good(written);
		char *text = print(config);

		if (strstr(text, printed) == NULL)
			fail_msg("expected %s\ngot %s", printed, text);
		expect_round_trip(config);
		free(text);
		config_free(config);
	}
}

static void what_is_too_long_for_a_line_has_several(void **state)
{
	expect_printed("sets: {many: {addresses: [2001:db8:0:1::/64, 2001:db8:0:2::/64, "
		       "2001:db8:0:3::/64, 2001:db8:0:4::/64, 2001:db8:0:5::/64]}}\n"
		       "firewall: {forward: [{source: many, comment: "
		       "\"0123456789012345678901234567890123456789012345678901234567890123456789\","
		       " action: accept}]}\n",
		"sets:\n"
		"  many:\n"
		"    addresses:\n"
		"      - 2001:db8:0:1::/64\n"
		"      - 2001:db8:0:2::/64\n"
		"      - 2001:db8:0:3::/64\n"
		"      - 2001:db8:0:4::/64\n"
		"      - 2001:db8:0:5::/64\n"
		"firewall:\n"
		"  forward:\n"
		"    - source: many\n"
		"      action: accept\n"
		"      comment: "
		"\"0123456789012345678901234567890123456789012345678901234567890123456789\"\n");
}

// --- the model is fit to be printed ---

static void check_object(const struct model_object *object, struct arena *arena)
{
	unsigned n_keys = 0;

	assert_true(object->is_bare || object->said_offset != 0);
	for (const struct model_key *key = object->keys; key->key != NULL; key++, n_keys++) {
		_Alignas(max_align_t) char value[64] = {0};
		struct text_out out = {0};

		if (key->object != NULL)
			check_object(key->object, arena);
		if (key->default_text == NULL)
			continue;
		assert_int_equal(value_read(key, key->default_text, arena, value, NULL), 0);
		value_print(key, value, &out);
		assert_string_equal(out.bytes, key->default_text);
		text_out_fini(&out);
	}
	assert_true(n_keys <= 64);
}

static void defaults_are_written_in_the_form_that_is_printed(void **state)
{
	struct arena *arena = arena_new(1 << 20);

	check_object(&model_config, arena);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_example_comes_back),
		cmocka_unit_test(a_house_is_printed_as_people_write_it),
		cmocka_unit_test(only_what_was_said_is_printed),
		cmocka_unit_test(each_type_of_a_rule_has_one_form),
		cmocka_unit_test(what_is_too_long_for_a_line_has_several),
		cmocka_unit_test(defaults_are_written_in_the_form_that_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
