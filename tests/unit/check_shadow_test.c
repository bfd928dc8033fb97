// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cfg/doubt.h"
#include "tests/unit/config_fixture.h"

// The rules that follow begin on line 9.
#define FORWARD                                                                                    \
	ROUTER "nat: [{masquerade: wan}]\n"                                                        \
	       "zones: {lan: {interfaces: lan}, wan: {interfaces: wan}}\n"                         \
	       "firewall:\n"                                                                       \
	       "  input: [{from: lan, action: accept}]\n"                                          \
	       "  forward:\n"
#define NEVER "never asked: the one on line 8 takes all that it is about [rule-shadowed]"

static void a_rule_that_an_earlier_one_takes_all_of_is_named(void **state)
{
	static const struct fault rows[] = {
		{FORWARD "  - {from: lan, action: accept}\n"
			 "  - {from: lan, to: wan, port: 25, action: drop}\n",
			9, 5, NEVER "\n    fix: move it before line 8, or delete it"},
		{FORWARD "  - {from: lan, action: accept}\n"
			 "  - {from: lan, to: wan, port: 25, action: accept}\n",
			9, 5, NEVER "\n    fix: delete it: line 8 does the same"},
		{FORWARD "  - {in-interface: lan, action: accept}\n"
			 "  - {from: lan, port: 25, action: drop}\n",
			9, 5, NEVER},
		{FORWARD "  - {from: lan, source: 198.18.0.0/16, action: accept}\n"
			 "  - {from: lan, source: [198.18.7.7, 198.18.9.0/24], action: drop}\n",
			9, 5, NEVER},
		{FORWARD "  - {from: lan, source: \"2001:db8::/32\", action: accept}\n"
			 "  - {from: lan, destination: 198.51.100.0/24, action: accept}\n"
			 "  - {from: lan, port: 80, source: [198.18.0.9, \"2001:db8::9\"], "
			 "destination: [198.51.100.7, \"2001:db8:9::9\"], action: drop}\n",
			10, 5, "never asked: those on line 9 (IPv4) and line 8 (IPv6) take all"},
		{FORWARD "  - {from: lan, mac: [\"02:00:00:00:00:01\", \"02:00:00:00:00:02\"], "
			 "action: accept}\n"
			 "  - {from: lan, mac: \"02:00:00:00:00:02\", port: 80, action: drop}\n",
			9, 5, NEVER},
		{FORWARD "  - {from: lan, tcp-flags: syn, action: accept}\n"
			 "  - {from: lan, tcp-flags: [syn, not ack], action: drop}\n",
			9, 5, NEVER},
		{FORWARD "  - {from: lan, dscp: [ef, af11], action: accept}\n"
			 "  - {from: lan, dscp: ef, action: drop}\n",
			9, 5, NEVER},
		{FORWARD "  - {from: lan, time: mon-fri 08:00-18:00, action: accept}\n"
			 "  - {from: lan, time: mon-fri 08:00-18:00, port: 80, action: drop}\n",
			9, 5, NEVER},
		{FORWARD "  - {from: wan, dnat: true, action: accept}\n"
			 "  - {from: wan, dnat: true, port: 443, action: drop}\n",
			9, 5, NEVER},
		{FORWARD "  - {from: lan, source-port: 1-1023, action: drop}\n"
			 "  - {from: lan, source-port: 7, protocol: udp, rate: 5/s, action: "
			 "accept}\n",
			9, 5, NEVER},
		{FORWARD "  - {from: lan, jump: a}\n"
			 "  - {from: lan, port: 80, action: drop}\n"
			 "  lists: {a: [{port: 22, action: drop}, {action: accept}]}\n",
			9, 5, NEVER},
		{FORWARD "  - {from: lan, jump: a}\n"
			 "  lists:\n    a:\n"
			 "    - {port: 22, action: return}\n    - {port: 22, action: drop}\n",
			12, 7, "the one on line 11"},
	};

	expect_warnings(rows, COUNT(rows));
}

static void a_rule_that_has_packets_left_is_not(void **state)
{
	static const char *const rules[] = {
		"{from: lan, port: 80-90, action: accept}\n  - {from: lan, port: 85-95, action: "
		"drop}",
		"{from: lan, rate: 5/s, action: accept}\n  - {from: lan, action: drop}",
		"{from: lan, mark: 1, action: accept}\n  - {from: lan, mark: 1, action: drop}",
		"{from: lan, count: c}\n  - {from: lan, action: drop}",
		"{from: lan, port: 80, action: accept}\n  - {from: lan, protocol: tcp, action: "
		"drop}",
		"{from: lan, time: mon 08:00-18:00, action: accept}\n"
		"  - {from: lan, time: mon 08:00-17:00, action: drop}",
		"{from: lan, source: 198.18.0.0/24, action: accept}\n"
		"  - {from: lan, source: \"2001:db8::/32\", action: accept}\n  - {from: lan, "
		"action: drop}",
		// what passes if nobody names it is still to be asked about
		"{action: drop}\n  - {icmp6: packet-too-big, action: accept}",
		"{from: lan, action: drop}\n  - {from: lan, jump: a}\n"
		"  lists: {a: [{icmp6: [packet-too-big, redirect], action: accept}]}",
		"{from: lan, jump: a}\n  - {from: lan, action: drop}\n"
		"  lists: {a: [{port: 22, action: return}, {action: accept}]}",
		// who may be in it is not known here
		"{from: lan, source: [banned, 198.18.0.9], action: drop}\n"
		"  - {from: lan, source: 198.18.0.10, action: accept}\n"
		"  - {from: lan, source: banned, port: 80, protocol: tcp, action: accept}\n"
		"  - {from: lan, source: not banned, action: accept}\nsets: "
		"{banned: {addresses: [], timeout: 1d}}",
	};

	for (size_t i = 0; i < COUNT(rules) - 1; i++) {
		char text[1024];

		snprintf(text, sizeof(text), FORWARD "  - %s\n", rules[i]);
		expect_no_warnings(text);
	}
	{
		char text[1024];
		struct fault row = {text, 10, 5, NEVER};

		snprintf(text, sizeof(text), FORWARD "  - %s\n", rules[COUNT(rules) - 1]);
		expect_warnings(&row, 1);
	}
}

// --- many rules ---

// Each against each would take minutes; with sanitizers it may take seconds.
enum { MANY = 100000, SECONDS_MAX = 20 };

// The file, with rule i as `write` has it, and how long it takes to be read and checked.
static double load(void (*write)(FILE *file, unsigned i), struct cfg_errors *errors)
{
	struct timespec begin, end;
	struct config *config;
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	assert_non_null(file);
	fputs(FORWARD, file);
	for (unsigned i = 0; i < MANY; i++)
		write(file, i);
	fclose(file);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	config = config_parse("test.yaml", text, bytes, errors);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	assert_non_null(config);
	config_free(config);
	free(text);
	return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

static void write_host(FILE *file, unsigned i)
{
	fprintf(file,
		"  - {from: lan, destination: 10.%u.%u.%u, protocol: tcp, port: %u, action: %s}\n",
		i >> 16, i >> 8 & 255, i & 255, 1 + i % 60000, i % 2 ? "accept" : "drop");
}

static void write_ports(FILE *file, unsigned i)
{
	fprintf(file,
		"  - {from: lan, source: 198.18.0.0/24, protocol: [tcp, udp], "
		"port: [%u, %u], action: accept}\n",
		1 + i % 65000, 1 + (i + 1 + i / 65000) % 65000);
}

static void write_alike(FILE *file, unsigned i)
{
	fprintf(file,
		"  - {from: lan, source: not 10.%u.%u.%u, mac: not 02:00:00:%02x:%02x:%02x, "
		"action: drop}\n",
		i >> 16, i >> 8 & 255, i & 255, i >> 16, i >> 8 & 255, i & 255);
}

static void write_last(FILE *file, unsigned i)
{
	if (i < MANY - 1)
		write_host(file, i);
	else
		fputs("  - {from: lan, destination: 10.0.200.200, protocol: tcp, port: 51401, "
		      "action: "
		      "accept}\n",
			file);
}

static void many_rules_take_no_longer_than_few_each(void **state)
{
	static void (*const writers[])(FILE *, unsigned) = {write_host, write_ports, write_alike};

	for (size_t i = 0; i < COUNT(writers); i++) {
		struct cfg_errors errors;
		double seconds = load(writers[i], &errors);

		print_message("%u rules of kind %zu: %.2f s\n", (unsigned)MANY, i, seconds);
		assert_true(seconds < SECONDS_MAX);
		assert_int_equal(errors.n_warnings, 0);
		cfg_errors_free(&errors);
	}
}

static void the_last_of_many_is_still_compared_with_each(void **state)
{
	struct cfg_errors errors;

	load(write_last, &errors);
	assert_int_equal(errors.n_warnings, 1);
	assert_int_equal(errors.warnings[0].line, 8 + MANY - 1);
	assert_non_null(strstr(errors.warnings[0].text, "line 51408"));
	cfg_errors_free(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_that_an_earlier_one_takes_all_of_is_named),
		cmocka_unit_test(a_rule_that_has_packets_left_is_not),
		cmocka_unit_test(many_rules_take_no_longer_than_few_each),
		cmocka_unit_test(the_last_of_many_is_still_compared_with_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
