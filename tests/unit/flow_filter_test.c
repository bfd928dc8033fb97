// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <netinet/in.h>
#include <string.h>

#include "control/api/flow_filter.h"
#include "tests/unit/policy_fixture.h"

static int setup(void **state)
{
	struct error err = {0};

	return policy_fixture_open(LAN_AND_WAN, NULL, &err);
}

static int teardown(void **state)
{
	policy_fixture_close();
	return 0;
}

static struct ip_addr addr(const char *text)
{
	struct ip_addr out;

	assert_int_equal(ip_addr_parse(text, &out), 0);
	return out;
}

// A host's web access through NAT, in by lan (the first interface) and out by wan.
static struct dp_flow web(void)
{
	return (struct dp_flow){
		.protocol = IPPROTO_TCP,
		.src = addr("198.18.0.7"),
		.sport = 5000,
		.dst = addr("203.0.113.9"),
		.dport = 443,
		.nat_src = addr("203.0.113.2"),
		.nat_sport = 5000,
		.nat_dst = addr("198.18.0.80"),
		.nat_dport = 8443,
		.in_interface = interfaces_by_name(&fixture.interfaces, "lan")->id,
		.out_interface = interfaces_by_name(&fixture.interfaces, "wan")->id,
		.state = "established",
	};
}

// NULL, or why not.
static const char *read_filter(const char *params, struct flow_filter *filter)
{
	static struct rpc_failure failure;
	json_t *asked;
	char text[256];
	bool is_right;

	snprintf(text, sizeof(text), "%s", params);
	for (char *c = text; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	asked = json_loads(text, 0, NULL);
	assert_non_null(asked);
	is_right = flow_filter_read(&fixture, asked, filter, &failure);
	json_decref(asked);
	return is_right ? NULL : failure.text;
}

static void each_parameter_narrows(void **state)
{
	static const struct {
		const char *params;
		bool takes;
	} rows[] = {
		{"{}", true},
		{"{'from':'198.18.0.7'}", true},
		{"{'from':'198.18.0.0/24'}", true},
		{"{'from':'0.0.0.0/0'}", true},
		{"{'from':'198.18.0.8'}", false},
		{"{'from':'203.0.113.2'}", false},
		{"{'from':'::/0'}", false},
		{"{'to':'203.0.113.9'}", true},
		{"{'to':'198.18.0.80/32'}", true},
		{"{'to':'198.18.0.7'}", false},
		{"{'from_port':5000}", true},
		{"{'from_port':443}", false},
		{"{'to_port':443}", true},
		{"{'to_port':8443}", true},
		{"{'to_port':0}", false},
		{"{'protocol':'tcp'}", true},
		{"{'protocol':'6'}", true},
		{"{'protocol':'udp'}", false},
		{"{'interface':'lan'}", true},
		{"{'interface':'wan'}", true},
		{"{'state':'established'}", true},
		{"{'state':'closing'}", false},
		{"{'from':'198.18.0.7','to_port':443,'protocol':'tcp','sort':'bytes'}", true},
		{"{'from':'198.18.0.7','to_port':80,'protocol':'tcp'}", false},
	};
	struct dp_flow flow = web();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow_filter filter;

		assert_null(read_filter(rows[i].params, &filter));
		assert_int_equal(flow_filter_is_all(&filter), i == 0);
		if (flow_filter_takes(&filter, &flow) != rows[i].takes)
			fail_msg("%s", rows[i].params);
	}
	flow.in_interface = flow.out_interface = -1;
	flow.state = NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow_filter filter;

		read_filter(rows[i].params, &filter);
		if (filter.interface >= 0 || filter.state[0] != '\0')
			assert_false(flow_filter_takes(&filter, &flow));
	}
}

static void what_is_wrong_is_said_with_what_is_expected(void **state)
{
	static const struct {
		const char *params, *said;
	} rows[] = {
		{"{'form':'198.18.0.7'}", "there is no parameter 'form'"},
		{"{'from':7}", "'from' must be an address or network"},
		{"{'from':'lan'}", "'from' must be an address or network"},
		{"{'to_port':'443'}", "'to_port' must be a number from 0 to 65535"},
		{"{'to_port':65536}", "'to_port' must be a number from 0 to 65535"},
		{"{'from_port':-1}", "'from_port' must be a number from 0 to 65535"},
		{"{'protocol':'256'}",
			"'protocol' must be tcp, udp, icmp, icmp6 or \"0\" to \"255\""},
		{"{'protocol':'tc'}",
			"'protocol' must be tcp, udp, icmp, icmp6 or \"0\" to \"255\""},
		{"{'protocol':6}", "'protocol' must be tcp, udp, icmp, icmp6 or \"0\" to \"255\""},
		{"{'interface':'lam'}",
			"there is no interface 'lam'; 'show interfaces' has them all"},
		{"{'sort':'size'}", "'sort' must be bytes|packets|idle"},
		{"{'sort':''}", "'sort' must be bytes|packets|idle"},
		{"{'state':1}", "'state' must be a string"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow_filter filter;
		const char *said = read_filter(rows[i].params, &filter);

		assert_non_null(said);
		assert_string_equal(said, rows[i].said);
	}
}

// Of 500 in an order that repeats itself, the 20 with most bytes, largest first.
static void the_largest_of_many_are_found(void **state)
{
	static struct dp_flow list[20];
	struct flow_top top = {.sort = FLOW_SORT_BYTES, .max = 20, .list = list};

	for (unsigned i = 0; i < 500; i++) {
		struct dp_flow flow = web();

		flow.bytes[i % 2] = i * 7919 % 500;
		flow_top_offer(&top, &flow);
	}
	flow_top_sort(&top);
	assert_int_equal(top.n, 20);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(list[i].bytes[0] + list[i].bytes[1], 499 - i);
}

static void fewer_than_asked_for_are_sorted_too(void **state)
{
	static struct dp_flow list[20];
	static const uint32_t idle[] = {3, 9, 1, 9, 4};
	static const uint32_t sorted[] = {9, 9, 4, 3, 1};
	struct flow_top top = {.sort = FLOW_SORT_IDLE, .max = 20, .list = list};

	flow_top_sort(&top);
	for (unsigned i = 0; i < 5; i++) {
		struct dp_flow flow = web();

		flow.idle_sec = idle[i];
		flow_top_offer(&top, &flow);
	}
	flow_top_sort(&top);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(list[i].idle_sec, sorted[i]);
}

static void only_a_few_large_lists_are_made_at_a_time(void **state)
{
	struct rpc_failure failure;
	unsigned n = 0;

	while (n < 1000 && filter_begin_large(&failure))
		n++;
	assert_int_equal(n, 16);
	assert_non_null(strstr(failure.text, "ask again"));
	filter_end_large();
	assert_true(filter_begin_large(&failure));
	while (n-- > 0)
		filter_end_large();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_parameter_narrows),
		cmocka_unit_test(what_is_wrong_is_said_with_what_is_expected),
		cmocka_unit_test(the_largest_of_many_are_found),
		cmocka_unit_test(fewer_than_asked_for_are_sorted_too),
		cmocka_unit_test(only_a_few_large_lists_are_made_at_a_time),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
