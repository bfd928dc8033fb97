// SPDX-License-Identifier: BSD-3-Clause
// Warnings that are meant: by id and path, and entries that are for nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/config_fixture.h"

#define SETS ROUTER "sets: {a.b: {ports: 81}, a: {ports: 80}, c: {ports: 82}}\n"
#define SHADOWS                                                                                    \
	ROUTER "nat: [{masquerade: wan}]\nzones: {lan: {interfaces: lan}, wan: {interfaces: "      \
	       "wan}}\nfirewall:\n  input:\n  - {from: lan, action: accept}\n  - {action: drop}\n" \
	       "  - {port: 80, action: accept}\n"

// How many are left, and taken, with these entries.
static const struct {
	const char *text, *entries;
	unsigned n_left, n_accepted;
} rows[] = {
	{SETS, "", 3, 0}, {SETS, "{id: set-unused}", 0, 3},
	{SETS, "{id: set-unused, at: sets}", 0, 3}, {SETS, "{id: set-unused, at: sets.a}", 2, 1},
	{SETS, "{id: set-unused, at: sets.a.b}", 2, 1}, // the set a.b, not b of a
	{SETS, "{id: set-unused, at: sets.c}, {id: set-unused, at: sets.a}", 1, 2},
	{SETS, "{id: set-unused, at: sets.c}, {id: set-unused, at: sets}", 0, 3}, // both are used
	{SHADOWS, "{id: rule-shadowed}", 0, 1},
	{SHADOWS, "{id: rule-shadowed, at: firewall}", 0, 1},
	{SHADOWS, "{id: rule-shadowed, at: 'firewall.input[3]'}", 0, 1},
	{SHADOWS, "{id: rule-shadowed, at: 'firewall.input[2]'}", 2, 0},
	{SHADOWS, "{id: rule-shadowed, at: 'firewall.input[3].port'}", 2, 0}, // it is of the rule
};

static void entries_take_what_they_name_and_nothing_else(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cfg_errors errors;
		char text[2048], line[ERROR_STR_BYTES];

		snprintf(text, sizeof(text), "%saccept-warnings: [%s]\n", rows[i].text,
			rows[i].entries);
		config_free(parse(text, &errors));
		if (errors.n > 0)
			fail_msg("%s", error_str(errors.list, line, sizeof(line)));
		if (errors.n_warnings != rows[i].n_left || errors.n_accepted != rows[i].n_accepted)
			fail_msg("%s: %u are left, %u are accepted", rows[i].entries,
				errors.n_warnings, errors.n_accepted);
		cfg_errors_free(&errors);
	}
}

static void what_is_accepted_takes_no_room_from_the_others(void **state)
{
	static char text[64 << 10];
	struct cfg_errors errors;
	size_t at = (size_t)snprintf(text, sizeof(text), ROUTER "sets:\n");

	for (unsigned i = 0; i < 3 * CFG_ERRORS_MAX; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "  s%u: {ports: 80}\n", i);
	snprintf(text + at, sizeof(text) - at,
		"flows: {timeouts: {icmp: 1s}}\naccept-warnings: [{id: set-unused}]\n");
	config_free(parse(text, &errors));
	assert_int_equal(errors.n_warnings, 1);
	assert_int_equal(errors.n_accepted, CFG_ERRORS_MAX);
	assert_int_equal(errors.n_accepted + errors.n_more_accepted, 3 * CFG_ERRORS_MAX);
	cfg_errors_free(&errors);
}

static void entries_for_nothing_are_warned_of(void **state)
{
	static const struct fault faults[] = {
		{ROUTER "accept-warnings: [{id: set-unused}]\n", 3, 19,
			"accept-warnings: `set-unused` is not warned of"},
		{ROUTER "accept-warnings: [{id: set-unused, at: sets.a}]\n", 3, 19,
			"there is no `sets.a` in this config"},
		{ROUTER "accept-warnings: [{id: set-unused, at: 'routes[1]'}]\n"
			"routes: [{to: 0.0.0.0/0, via: 203.0.113.1}]\n",
			3, 19, "`set-unused` is not warned of at routes[1]"},
		{ROUTER "accept-warnings: [{id: set-unused, at: 'routes[2]'}]\n"
			"routes: [{to: 0.0.0.0/0, via: 203.0.113.1}]\n",
			3, 19, "there is no `routes[2]`"},
		{ROUTER "accept-warnings: [{id: set-unused, at: 'routes[0]'}]\n"
			"routes: [{to: 0.0.0.0/0, via: 203.0.113.1}]\n",
			3, 19, "there is no `routes[0]`"},
		{ROUTER "accept-warnings: [{id: set-unused, at: 'routes[1'}]\n"
			"routes: [{to: 0.0.0.0/0, via: 203.0.113.1}]\n",
			3, 19, "there is no `routes[1`"},
		{ROUTER "accept-warnings: [{id: set-unused, at: interfaces.la}]\n", 3, 19,
			"there is no `interfaces.la`"},
		{ROUTER "accept-warnings: [{id: set-unused, at: interfaces.lan.port.x}]\n", 3, 19,
			"there is no `interfaces.lan.port.x`"},
		{ROUTER "accept-warnings: [{id: set-unused, at: interfaces.}]\n", 3, 19,
			"there is no `interfaces.`"},
	};

	expect_warnings(faults, COUNT(faults));
}

static void an_id_that_there_is_not_is_refused(void **state)
{
	static const struct fault faults[] = {
		{ROUTER "accept-warnings: [{id: set-unusd}]\n", 3, 19,
			"there is no warning `set-unusd` that could be accepted, did you mean "
			"`set-unused`?"},
		{ROUTER "accept-warnings: [{id: accepted-for-nothing}]\n", 3, 19,
			"there is no warning `accepted-for-nothing` that could be accepted"},
		{ROUTER "accept-warnings: [{at: sets}]\n", 3, 19, "`id` is missing"},
	};

	expect_faults(faults, COUNT(faults));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_take_what_they_name_and_nothing_else),
		cmocka_unit_test(what_is_accepted_takes_no_room_from_the_others),
		cmocka_unit_test(entries_for_nothing_are_warned_of),
		cmocka_unit_test(an_id_that_there_is_not_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
