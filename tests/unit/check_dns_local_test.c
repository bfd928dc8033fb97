// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "config_fixture.h"

#define DNS ROUTER "dns:\n  listen: lan\n"

static void records_have_names_and_data(void **state)
{
	static const struct fault faults[] = {
		{DNS "  records: [{name: two words, addresses: 198.18.0.5}]\n", 5, 20,
			"expected a name such as"},
		{DNS "  records: [{name: nas.home.arpa}]\n", 5, 13, "what has the name?"},
		{DNS "  records: [{name: a.b, cname: c.d, txt: x}]\n", 5, 32,
			"stands for all that the name has"},
		{DNS "  records: [{name: a.b, mx: mail.a.b}]\n", 5, 29, "10 mail.example.com"},
		{DNS "  records: [{name: a.b, mx: 65536 mail.a.b}]\n", 5, 29,
			"10 mail.example.com"},
		{DNS "  records: [{name: a.b, srv: 0 5060 sip.a.b}]\n", 5, 30,
			"priority, weight, port"},
		{DNS "  zones: [{name: a..b}]\n", 5, 18, "expected a name such as"},
		{DNS "  domain: '.x'\n", 5, 11, "expected a name such as"},
		{DNS "  mdns: lan\n  zones: [{name: LOCAL.}]\n", 6, 18, "is asked for by `mdns`"},
	};

	expect_faults(faults, COUNT(faults));
}

static void blocking_names_lists_that_are_there(void **state)
{
	static const struct fault faults[] = {
		{DNS "  blocking: [{lists: ads}]\n", 5, 22, "there is no list `ads`"},
		{DNS "  block-lists: {ads: {file: ads}}\n", 5, 29, "a path from the root"},
		{DNS "  blocking: [{clients: [tv, 198.18.0.300]}]\n", 5, 29,
			"a MAC address or a host"},
		{DNS "  blocking: [{clients: 198.18.0.1/24}]\n", 5, 24, "a MAC address or a host"},
		{DNS "  blocking: [{names: 'a b'}]\n", 5, 22, "expected a name such as"},
		{DNS "  blocking: [{allow: a.b}]\n", 5, 22, "nothing is blocked"},
		{DNS "  rebind: {domains: [a.b, '*.c']}\n", 5, 27, "expected a name such as"},
	};

	expect_faults(faults, COUNT(faults));
}

static void sets_by_name_are_of_addresses_and_need_dns(void **state)
{
	static const struct fault faults[] = {
		{DNS "sets: {s: {names: 'a b'}}\n", 5, 19, "or *.example.com"},
		{DNS "sets: {s: {names: a.*.b}}\n", 5, 19, "or *.example.com"},
		{DNS "sets: {s: {names: a.b, ports: 80}}\n", 5, 19,
			"is for addresses, not for ports"},
		{DNS "sets: {s: {addresses: [], least: 5s}}\n", 5, 34, "goes with `names`"},
		{ROUTER "sets: {s: {names: a.b}}\n", 3, 19, "the file has no `dns`"},
	};

	expect_faults(faults, COUNT(faults));
}

static void a_set_by_name_is_a_set_with_a_timeout(void **state)
{
	struct config *config = parse_good(DNS
		"sets: {s: {names: [a.b, '*.c.d'], least: 1h}, t: {names: a.b, timeout: 2h}}\n");

	assert_int_equal(config->sets[0].kind, CFG_SET_ADDRESSES);
	assert_int_equal(config->sets[0].names.n, 2);
	assert_string_equal(config->sets[0].names.names[1], "*.c.d");
	assert_int_equal(config->sets[0].least_sec, 3600);
	assert_int_equal(config->sets[0].timeout_sec, CFG_SET_NAMES_SEC);
	assert_int_equal(config->sets[1].timeout_sec, 7200);
	assert_int_equal(config->sets[1].least_sec, 300);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_have_names_and_data),
		cmocka_unit_test(blocking_names_lists_that_are_there),
		cmocka_unit_test(sets_by_name_are_of_addresses_and_need_dns),
		cmocka_unit_test(a_set_by_name_is_a_set_with_a_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
