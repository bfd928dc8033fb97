// SPDX-License-Identifier: BSD-3-Clause
// Many errors, large tables, deep nesting: what is bounded and how much there is room for.
#include "cfg/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/config_fixture.h"

static void all_errors_of_a_file_are_reported_in_its_order(void **state)
{
	static const char text[] = "nat:\n"
				   "  - masquerade: wam\n"
				   "ports:\n"
				   "  p: {match: {name: eth1}, mtu: big, colour: red}\n"
				   "  p: {match: {name: eth2}}\n"
				   "interfaces:\n"
				   "  wan: {port: x, addresses: 198.18.0.0/24}\n"
				   "flows: &a {capacity: 1}\n"
				   "routes:\n"
				   "  - to: default\n";
	static const struct {
		int line;
		int column;
	} places[] = {
		{4, 33},
		{4, 38},
		{5, 3},
		{7, 15},
		{7, 29},
		{8, 8},
		{8, 22},
		{10, 5},
		{10, 9},
	};
	struct cfg_errors errors;

	assert_null(parse(text, &errors));
	for (unsigned i = 0; i < errors.n && i < COUNT(places); i++) {
		assert_int_equal(errors.list[i].line, places[i].line);
		assert_int_equal(errors.list[i].column, places[i].column);
	}
	assert_int_equal(errors.n, COUNT(places));
	assert_int_equal(errors.n_more, 0);
	cfg_errors_free(&errors);
	assert_null(errors.list);
}

// Builds "head" and then n times `line`, with its number where it has a %u.
static char *repeat(const char *head, const char *line, unsigned n)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *stream = open_memstream(&text, &bytes);

	assert_non_null(stream);
	fputs(head, stream);
	for (unsigned i = 0; i < n; i++)
		fprintf(stream, line, i, i);
	fclose(stream);
	return text;
}

static void the_first_hundred_errors_are_kept_and_the_rest_counted(void **state)
{
	char *text = repeat("", "key%u: 1\n", 1000);
	struct cfg_errors errors;

	assert_null(parse(text, &errors));
	assert_int_equal(errors.n, CFG_ERRORS_MAX);
	assert_int_equal(errors.n_more, 1000 - CFG_ERRORS_MAX);
	for (int i = 0; i < CFG_ERRORS_MAX; i++)
		assert_int_equal(errors.list[i].line, i + 1);
	cfg_errors_free(&errors);
	free(text);
}

// Those of the last stage displace those of the first when they come before them in the file.
static void of_too_many_errors_the_first_in_the_file_are_kept(void **state)
{
	char *text = repeat("nat:\n  - {masquerade: x}\n  - {masquerade: y}\n", "key%u: 1\n", 100);
	struct cfg_errors errors;

	assert_null(parse(text, &errors));
	assert_int_equal(errors.n, CFG_ERRORS_MAX);
	assert_int_equal(errors.n_more, 2);
	assert_int_equal(errors.list[0].line, 2);
	assert_int_equal(errors.list[1].line, 3);
	assert_int_equal(errors.list[2].line, 4);
	assert_int_equal(errors.list[99].line, 101);
	cfg_errors_free(&errors);
	free(text);
}

static void tables_are_bounded(void **state)
{
	static const struct {
		const char *head;
		const char *line;
		unsigned n_max;
		int column;
		const char *piece;
	} rows[] = {
		{"ports:\n", "  p%u: {match: {name: e%u}}\n", CFG_PORTS_MAX, 3,
			"`ports`: more than 64"},
		{"ports: {p: {match: {name: e}}}\ninterfaces: {wan: {port: p, addresses: [\n",
			" 198.18.%u.1/24,\n", CFG_ADDRESSES_MAX, 2, "`addresses`: more than 16"},
		{"workers:\n  cores:\n", "  - %u\n", CFG_CORES_MAX, 5, "`cores`: more than 64"},
		{"ports: {p: {match: {name: e}}}\ninterfaces: {wan: {port: p, addresses: "
		 "198.18.255.1/16}}\n"
		 "routes:\n- to: 0.0.0.0/0\n  via:\n",
			"  - 198.18.0.1%u\n", CFG_NEXTHOPS_MAX, 5, "`via`: more than 16"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int head_lines = 0;
		struct fault fault = {.column = rows[i].column, .piece = rows[i].piece};
		bool is_flow = strchr(rows[i].head, '[') != NULL;

		for (const char *c = rows[i].head; *c != '\0'; c++)
			head_lines += *c == '\n';
		for (unsigned extra = 0; extra < 2; extra++) {
			char *text = repeat(rows[i].head, rows[i].line, rows[i].n_max + extra);
			char *whole;

			assert_true(asprintf(&whole, "%s%s", text, is_flow ? "]}}\n" : "") > 0);
			if (extra == 0) {
				config_free(parse_good(whole));
			} else {
				fault.text = whole;
				fault.line = head_lines + (int)rows[i].n_max + 1;
				expect_fault(&fault, strlen(whole));
			}
			free(whole);
			free(text);
		}
	}
}

static void the_65th_interface_is_refused(void **state)
{
	char *ports = repeat("ports:\n", "  p%u: {match: {name: e%u}}\n", 64);
	char *interfaces = repeat("interfaces:\n", "  i%u: {port: p%u}\n", 65);
	struct cfg_errors errors;
	char *text;

	assert_true(asprintf(&text, "%s%s", ports, interfaces) > 0);
	assert_null(parse(text, &errors));
	assert_int_equal(errors.n, 1);
	assert_int_equal(errors.list[0].line, 131);
	assert_non_null(strstr(errors.list[0].text, "`interfaces`: more than 64"));
	cfg_errors_free(&errors);
	free(text);
	free(interfaces);
	free(ports);
}

static void deep_nesting_is_refused_early(void **state)
{
	static const char *const lines[] = {"[\n", "{a: ", "- ", "? "};
	static char text[2000000];
	struct cfg_errors errors;

	for (unsigned i = 0; i < COUNT(lines); i++) {
		size_t len = strlen(lines[i]);

		for (size_t at = 0; at + len <= sizeof(text); at += len)
			memcpy(text + at, lines[i], len);
		assert_null(config_parse("test.yaml", text, sizeof(text) - len, &errors));
		assert_int_equal(errors.n, 1);
		assert_non_null(strstr(errors.list[0].text, "nested more than 16 deep"));
		cfg_errors_free(&errors);
	}
}

static void a_hundred_thousand_routes_are_read(void **state)
{
	enum { N = 100000 };
	char *text = NULL;
	size_t bytes = 0;
	FILE *stream = open_memstream(&text, &bytes);
	struct cfg_errors errors;
	struct config *config;

	fputs(ROUTER "routes:\n", stream);
	for (unsigned i = 0; i < N; i++)
		fprintf(stream, "  - to: %u.%u.%u.0/24\n    via: 203.0.113.1\n", 10 + (i >> 16),
			i >> 8 & 255, i & 255);
	fflush(stream);
	config = config_parse("test.yaml", text, bytes, &errors);
	assert_non_null(config);
	assert_int_equal(config->n_routes, N);
	assert_int_equal(config->routes[N - 1].to.addr.v4[2], (N - 1) & 255);
	config_free(config);

	fputs("  - to: 10.0.0.0/24\n    via: 203.0.113.1\n", stream);
	fclose(stream);
	assert_null(config_parse("test.yaml", text, bytes, &errors));
	assert_int_equal(errors.n, 1);
	assert_int_equal(errors.list[0].line, 4 + 2 * N);
	assert_non_null(strstr(errors.list[0].text, "to 10.0.0.0/24 with metric 0 is on line 4"));
	cfg_errors_free(&errors);
	free(text);
}

// Rules of four kinds, as a large network has them.
static char *many_rules(unsigned n)
{
	static const char *const forms[] = {
		"  - {from: lan, to: wan, source: %s, protocol: tcp, port: [443, 8000-8099], "
		"action: accept}\n",
		"  - {from: wan, destination: %s, port: 22, count: ssh, action: drop}\n",
		"  - {source: [%s, office], state: new, action: accept, comment: \"one of "
		"many\"}\n",
		"  - {from: lan, destination: %s, protocol: udp, port: 53, action: reject, "
		"reject-with: admin-prohibited}\n",
	};
	char *text = NULL;
	size_t bytes = 0;
	FILE *stream = open_memstream(&text, &bytes);

	assert_non_null(stream);
	fputs(ROUTER "zones: {wan: {interfaces: wan}, lan: {interfaces: lan}}\n"
		     "sets: {office: {addresses: 198.18.0.0/28}}\n"
		     "firewall:\n  forward:\n",
		stream);
	for (unsigned i = 0; i < n; i++) {
		char address[32];

		snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		fprintf(stream, forms[i % COUNT(forms)], address);
	}
	fclose(stream);
	return text;
}

// The least of three, in seconds of the processor: others may be busy.
static double seconds_to_read(const char *text, unsigned n_rules)
{
	double least = 0;

	for (unsigned i = 0; i < 3; i++) {
		struct timespec begin, end;
		struct config *config;
		double seconds;

		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
		config = parse_good(text);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
		assert_int_equal(config->firewall.hooks[CFG_HOOK_FORWARD].n_rules, n_rules);
		config_free(config);
		seconds = (double)(end.tv_sec - begin.tv_sec) +
			  (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
		if (i == 0 || seconds < least)
			least = seconds;
	}
	return least;
}

// Each rule costs the same, however many there are; in all it is less than a second on one core
// of a server from 2021, without sanitizers and neighbours.
static void a_hundred_thousand_rules_are_read_at_once(void **state)
{
	enum { FEW = 12500, MANY = 100000, TIMES = MANY / FEW };
	char *few = many_rules(FEW), *many = many_rules(MANY);
	double seconds = seconds_to_read(many, MANY);

	print_message("%d rules in %.2f s\n", MANY, seconds);
	assert_true(seconds < 8);
	assert_true(seconds < 3 * TIMES * seconds_to_read(few, FEW));
	free(many);
	free(few);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_errors_of_a_file_are_reported_in_its_order),
		cmocka_unit_test(the_first_hundred_errors_are_kept_and_the_rest_counted),
		cmocka_unit_test(of_too_many_errors_the_first_in_the_file_are_kept),
		cmocka_unit_test(tables_are_bounded),
		cmocka_unit_test(the_65th_interface_is_refused),
		cmocka_unit_test(deep_nesting_is_refused_early),
		cmocka_unit_test(a_hundred_thousand_routes_are_read),
		cmocka_unit_test(a_hundred_thousand_rules_are_read_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
