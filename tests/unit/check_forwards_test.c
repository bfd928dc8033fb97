// SPDX-License-Identifier: BSD-3-Clause
// Translations and routes that are there for nothing, or lead nowhere.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/config_fixture.h"

// The rules of `nat` that follow begin on line 5.
#define ROUTED ROUTER "routes: [{to: 0.0.0.0/0, via: 203.0.113.1}]\n"
#define NAT    ROUTED "nat:\n"
#define WEB    "  - {forward: {protocol: tcp, ports: [80, 443], to: 198.18.0.9}, interface: wan}\n"

static void a_forward_of_what_an_earlier_one_takes_is_named(void **state)
{
	static const struct fault rows[] = {
		{NAT WEB "  - {forward: {protocol: tcp, ports: 443, to: 198.18.0.8}, interface: "
			 "wan}\n",
			6, 5, "decides about nothing that comes: the one on line 5"},
		{NAT WEB "  - {redirect: {protocol: tcp, ports: 80}, address: 203.0.113.2}\n", 6, 5,
			"some of these ports go elsewhere by the one on line 5"},
		{NAT WEB "  - {redirect: {protocol: tcp, ports: 80}, address: 203.0.113.2, "
			 "interface: wan}\n",
			6, 5, "[nat-shadowed]\n    fix: move it before line 5, or delete it"},
		{NAT "  - {one-to-one: {inside: 198.18.0.8, outside: 203.0.113.2}}\n" WEB, 6, 5,
			"[nat-shadowed]"},
		{NAT "  - {forward: {ports: 1-1023, to: 198.18.0.9}, interface: wan}\n"
		     "  - {forward: {protocol: udp, ports: 53, to: 198.18.0.8, to-port: 5353}, "
		     "interface: wan, from: 198.51.100.0/24}\n",
			6, 5, "[nat-shadowed]"},
		{NAT "  - {forward: {ports: 8000-8010, to: 198.18.0.9}, interface: wan}\n"
		     "  - {forward: {ports: 8005-8015, to: 198.18.0.8}, interface: wan}\n",
			6, 5, "[nat-overlap]"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(NAT
		"  - {forward: {protocol: tcp, ports: 443, to: 198.18.0.8}, interface: wan}\n" WEB);
	expect_no_warnings(NAT WEB
		"  - {forward: {protocol: udp, ports: 443, to: 198.18.0.8}, interface: wan}\n"
		"  - {forward: {protocol: tcp, ports: 443, to: 198.18.0.8}, interface: lan}\n"
		"  - {forward: {protocol: tcp, ports: 22, to: 198.18.0.8}, interface: wan}\n");
	// who it is from may decide
	expect_no_warnings(NAT
		"  - {forward: {ports: 22, to: 198.18.0.9}, interface: wan, from: 198.51.100.7}\n"
		"  - {forward: {ports: 22-23, to: 198.18.0.8}, interface: wan}\n"
		"  - {redirect: {ports: 20-21}, interface: wan, family: ipv6}\n"
		"  - {forward: {ports: 20-21, to: 198.18.0.8}, interface: wan}\n");
}

static void a_target_on_no_network_of_ones_own_is_named(void **state)
{
	static const struct fault rows[] = {
		{NAT "  - {forward: {ports: 80, to: 198.19.0.9}, interface: wan}\n", 5, 5,
			"198.19.0.9 is on no network of your own"},
		{NAT "  - {forward: {ports: 80, to: 203.0.113.9}, interface: wan}\n", 5, 5,
			"203.0.113.9 is on no network of your own"},
		{NAT "  - {one-to-one: {inside: 198.19.0.0/24, outside: 198.51.100.0/24}}\n", 5, 5,
			"198.19.0.0/24 is on no network of your own"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(ROUTER "routes: [{to: 0.0.0.0/0, via: 203.0.113.1}, {to: 198.19.0.0/16, "
				  "via: 198.18.0.254}]\n"
				  "nat:\n  - {forward: {ports: 80, to: 198.19.0.9}, interface: "
				  "wan}\n  - {forward: {ports: 81, to: 198.18.0.9}, interface: "
				  "wan}\n");
	// what is on it is not said here
	expect_no_warnings(
		NAT "  - {forward: {ports: 80, to: \"2001:db8:77::9\"}, interface: wan}\n");
}

static void a_masquerade_that_no_route_leads_to_is_named(void **state)
{
	static const struct fault rows[] = {
		{NAT "  - {masquerade: lan}\n", 5, 5, "no route leads by lan, the default route"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(NAT "  - {masquerade: [lan, wan]}\n");
	expect_no_warnings(NAT "  - {masquerade: lan, from: 198.18.0.0/24}\n");
	expect_no_warnings(ROUTER "nat: [{masquerade: lan}]\n");
	expect_no_warnings(NAT "  - {masquerade: lan, family: ipv6}\n");
	expect_no_warnings(ROUTER "routes: [{to: 0.0.0.0/0, via: 203.0.113.1}, {to: 10.0.0.0/8, "
				  "via: 198.18.0.2}]\nnat: [{masquerade: lan}]\n");
}

static void private_sources_that_leave_as_they_are_are_named(void **state)
{
#define PRIVATE(wan, nat)                                                                          \
	PORTS "interfaces:\n  wan: {port: p, addresses: " wan ".2/24}\n"                           \
	      "  lan: {port: q, addresses: 192.168.1.1/24}\n"                                      \
	      "routes: [{to: 0.0.0.0/0, via: " wan ".1}]\n" nat
	static const struct fault rows[] = {
		{PRIVATE("203.0.113", ""), 3, 3,
			"interface wan: hosts of 192.168.1.0/24 leave by it with their private "
			"addresses [nat-missing]\n    fix: add to `nat` { masquerade: wan }"},
		{PRIVATE("203.0.113", "nat: [{masquerade: wan, family: ipv6}]\n"), 3, 3,
			"[nat-missing]"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(PRIVATE("203.0.113", "nat: [{masquerade: wan}]\n"));
	expect_no_warnings(PRIVATE("203.0.113", "nat: [{source: 203.0.113.2}]\n"));
	expect_no_warnings(PRIVATE("192.168.7", "")); // another router does it
}

static void a_route_that_is_never_the_best_is_named(void **state)
{
	static const struct fault rows[] = {
		{ROUTER "routes:\n  - {to: 0.0.0.0/0, via: 203.0.113.9, metric: 20}\n"
			"  - {to: 0.0.0.0/0, via: 203.0.113.1, metric: 10}\n",
			4, 5, "the one on line 5 has a lower metric and leaves by the same"},
		{ROUTER "routes:\n  - {to: 0.0.0.0/0, type: blackhole}\n"
			"  - {to: 0.0.0.0/0, via: 203.0.113.1, metric: 10}\n",
			5, 5, "the one on line 4 has a lower metric and is always there"},
		{ROUTER "routes:\n  - {to: 10.0.0.0/8, via: [203.0.113.9, 198.18.0.2]}\n"
			"  - {to: 10.0.0.0/8, interface: lan, metric: 10}\n",
			5, 5, "the one on line 4"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(ROUTER "routes:\n  - {to: 0.0.0.0/0, via: 203.0.113.9}\n"
				  "  - {to: 0.0.0.0/0, via: 198.18.0.2, metric: 10}\n"
				  "  - {to: 0.0.0.0/0, type: unreachable, metric: 20}\n"
				  "  - {to: 10.0.0.0/8, via: 203.0.113.9, metric: 10}\n"
				  "  - {to: \"::/0\", via: \"2001:db8:0:1::1\", metric: 10}\n");
}

enum { MANY = 20000, SECONDS_MAX = 20 };

static void many_forwards_are_compared_in_bounded_time(void **state)
{
	struct timespec begin, end;
	struct cfg_errors errors;
	struct config *config;
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	assert_non_null(file);
	fputs(NAT, file);
	for (unsigned i = 0; i < MANY; i++)
		fprintf(file, "  - {forward: {ports: %u, to: 198.18.0.9}, interface: wan}\n",
			1 + i % 2);
	fclose(file);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	config = config_parse("test.yaml", text, bytes, &errors);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	assert_non_null(config);
	assert_int_equal(errors.warnings[0].line, 7);
	assert_true(end.tv_sec - begin.tv_sec < SECONDS_MAX);
	config_free(config);
	cfg_errors_free(&errors);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_forward_of_what_an_earlier_one_takes_is_named),
		cmocka_unit_test(a_target_on_no_network_of_ones_own_is_named),
		cmocka_unit_test(a_masquerade_that_no_route_leads_to_is_named),
		cmocka_unit_test(private_sources_that_leave_as_they_are_are_named),
		cmocka_unit_test(a_route_that_is_never_the_best_is_named),
		cmocka_unit_test(many_forwards_are_compared_in_bounded_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
