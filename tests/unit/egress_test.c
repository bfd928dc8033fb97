// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "control/egress.h"

#define PORTS "ports: {lan: {driver: 'null'}, wan: {driver: 'null'}}\n"
#define INTERFACES                                                                                 \
	"interfaces:\n"                                                                            \
	"  lan: {port: lan, addresses: 198.18.0.1/24}\n"                                           \
	"  wan: {port: wan, addresses: [203.0.113.2/24, 2001:db8:0:1::2/64]}\n"

static struct config *parse(const char *text)
{
	struct cfg_errors errors = {0};
	struct config *config = config_parse("test.yaml", text, strlen(text), &errors);

	if (config == NULL)
		fail_msg("%s", errors.list[0].text);
	cfg_errors_free(&errors);
	return config;
}

static void the_egress_of_a_masquerade_is_outside_and_nothing_else(void **state)
{
	struct config *config =
		parse(PORTS INTERFACES "routes: [{to: 0.0.0.0/0, via: 198.18.0.9}]\n"
				       "nat: [{masquerade: wan}]\n");

	assert_true(egress_is_outside(config, "wan"));
	assert_false(egress_is_outside(config, "lan")); // although it carries the default route
	config_free(config);
}

static const struct {
	const char *nat;
	bool wan_is_outside, lan_is_outside;
} rows[] = {
	{"masquerade: [wan, lan]", true, true},
	{"source: 203.0.113.9, interface: wan", true, false},
	{"source: 203.0.113.9", true, false}, // of the subnet of wan
	{"one-to-one: {inside: 198.18.0.8, outside: 203.0.113.8}", true, false},
	{"one-to-one: {inside: 198.18.1.8, outside: 203.0.113.8}, interface: lan", false, true},
	{"prefix: {inside: 'fd00::/64', outside: '2001:db8:9::/64'}, interface: wan", true, false},
	// these say nothing of where the internet is: the default route does
	{"source: 198.51.100.9", false, true},
	{"exempt: wan", false, true},
	{"forward: {to: 198.18.0.5, ports: 80}, interface: wan", false, true},
	{"redirect: {ports: 53, protocol: udp}, interface: wan", false, true},
};

static void what_changes_sources_tells_and_else_the_default_route(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[1024];
		struct config *config;

		snprintf(text, sizeof(text),
			PORTS INTERFACES "routes: [{to: 0.0.0.0/0, via: 198.18.0.9}]\n"
					 "nat: [{%s}]\n",
			rows[i].nat);
		config = parse(text);
		assert_int_equal(egress_is_outside(config, "wan"), rows[i].wan_is_outside);
		assert_int_equal(egress_is_outside(config, "lan"), rows[i].lan_is_outside);
		config_free(config);
	}
}

static void without_nat_the_default_route_tells(void **state)
{
	struct config *config =
		parse(PORTS INTERFACES "routes: [{to: '::/0', via: '2001:db8:0:1::1'},"
				       "{to: 198.51.100.0/24, via: 198.18.0.9}]\n");

	assert_true(egress_is_outside(config, "wan"));
	assert_false(egress_is_outside(config, "lan"));
	config_free(config);
}

static void a_nexthop_leaves_by_the_subnet_that_holds_it_or_as_it_says(void **state)
{
	struct config *config = parse(PORTS INTERFACES);
	struct cfg_nexthop nexthop = {0};

	ip_addr_parse("203.0.113.77", &nexthop.via);
	assert_string_equal(egress_of_nexthop(config, &nexthop)->name, "wan");
	nexthop.interface = "lan";
	assert_string_equal(egress_of_nexthop(config, &nexthop)->name, "lan");
	nexthop.interface = NULL;
	ip_addr_parse("198.51.100.1", &nexthop.via);
	assert_null(egress_of_nexthop(config, &nexthop));
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_egress_of_a_masquerade_is_outside_and_nothing_else),
		cmocka_unit_test(what_changes_sources_tells_and_else_the_default_route),
		cmocka_unit_test(without_nat_the_default_route_tells),
		cmocka_unit_test(a_nexthop_leaves_by_the_subnet_that_holds_it_or_as_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
