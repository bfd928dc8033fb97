// SPDX-License-Identifier: BSD-3-Clause
// How the rules are walked, and what they do besides; rules_match_test.c has what they ask.
#include "dataplane/rules.h"

#include <errno.h>

#include "tests/unit/rules_fixture.h"

// --- rates ---

static void a_rule_with_a_rate_matches_below_it_or_above(void **state)
{
	struct rule_subject s = syn(IP_V4);

	f.rates[0] = (struct dp_rate){5, 1, 3};
	f.policy.n_rates = 1;
	for (unsigned above = 0; above < 2; above++) {
		struct dp_rule rule = dp_rule_any(DP_ACCEPT);

		rule.rate = 0;
		rule.is_above_rate = above;
		rule.destination_port = in_set(fixture_range(&f, DP_SET_PORTS, 443, 443));
		accept_if(&rule);
		s.dport = 80;
		for (unsigned i = 0; i < 100; i++) // matches nothing else, so takes nothing
			assert_int_equal(action(&s), DP_DROP);
		s.dport = 443;
		for (unsigned i = 0; i < 6; i++)
			assert_int_equal(action(&s), (i < 3) != above ? DP_ACCEPT : DP_DROP);
		fixture_fini(&f);
	}
}

static void a_rate_per_source_tells_sources_apart(void **state)
{
	static const uint8_t other4[4] = {198, 51, 100, 8};
	struct dp_rule rule = dp_rule_any(DP_ACCEPT);
	struct rule_subject a = syn(IP_V4), b = syn(IP_V4), c = syn(IP_V6);

	f.rates[0] = (struct dp_rate){1, 60, 1, true};
	f.policy.n_rates = 1;
	b.src = other4;
	rule.rate = 0;
	accept_if(&rule);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(action(&a), i == 0 ? DP_ACCEPT : DP_DROP);
		assert_int_equal(action(&b), i == 0 ? DP_ACCEPT : DP_DROP);
		assert_int_equal(action(&c), i == 0 ? DP_ACCEPT : DP_DROP);
	}
	compile(); // a change of policy is no way round a limit
	assert_int_equal(action(&a), DP_DROP);
}

// --- the walk ---

static void the_first_rule_that_decides_ends_it(void **state)
{
	struct rule_subject s = syn(IP_V4);
	struct rule_verdict v;

	fixture_rule(&f, DP_CONTINUE);
	fixture_rule(&f, DP_REJECT)->reject = DP_REJECT_HOST;
	fixture_rule(&f, DP_ACCEPT);
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
	compile();
	v = judge(DP_HOOK_FORWARD, &s);
	assert_int_equal(v.action, DP_REJECT);
	assert_int_equal(v.reject, DP_REJECT_HOST);
	assert_int_equal(v.rule, 1);
	assert_int_equal(f.state.rules[0].packets, 1);
	assert_int_equal(f.state.rules[1].packets, 1);
	assert_int_equal(f.state.rules[2].packets, 0);
}

static void lists_nest_and_return(void **state)
{
	struct rule_subject s = syn(IP_V4);
	struct rule_verdict v;
	uint16_t inner, outer;

	fixture_rule(&f, DP_CONTINUE); // 0
	fixture_rule(&f, DP_RETURN);   // 1
	fixture_rule(&f, DP_DROP);     // 2: never
	inner = fixture_list(&f, 0);
	fixture_rule(&f, DP_JUMP)->jump_list = inner; // 3
	fixture_rule(&f, DP_CONTINUE);		      // 4: goes on here
	outer = fixture_list(&f, 3);
	fixture_rule(&f, DP_JUMP)->jump_list = outer; // 5
	fixture_rule(&f, DP_JUMP)->jump_list = outer; // 6: the end of a list is a return too
	fixture_rule(&f, DP_REJECT);		      // 7
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 5);
	fixture_rule(&f, DP_CONTINUE); // 8
	fixture_rule(&f, DP_RETURN);   // 9: from the hook's own list: its default
	fixture_rule(&f, DP_ACCEPT);   // 10: never
	f.policy.hooks[DP_HOOK_INPUT] = fixture_list(&f, 8);
	compile();
	v = judge(DP_HOOK_FORWARD, &s);
	assert_int_equal(v.action, DP_REJECT);
	assert_int_equal(v.rule, 7);
	v = judge(DP_HOOK_INPUT, &s);
	assert_int_equal(v.action, DP_DROP);
	assert_int_equal(v.rule, RULE_DEFAULT);
	for (unsigned i = 0; i < 11; i++) {
		static const unsigned times[] = {2, 2, 0, 2, 2, 1, 1, 1, 1, 1, 0};

		assert_int_equal(f.state.rules[i].packets, times[i]);
	}
}

static void jumps_go_as_deep_as_promised(void **state)
{
	struct rule_subject s = syn(IP_V4);

	fixture_rule(&f, DP_ACCEPT);
	fixture_list(&f, 0);
	for (uint16_t i = 1; i <= DP_JUMPS_MAX; i++) {
		fixture_rule(&f, DP_JUMP)->jump_list = i - 1;
		fixture_list(&f, i);
	}
	f.policy.hooks[DP_HOOK_FORWARD] = DP_JUMPS_MAX;
	compile();
	assert_int_equal(judge(DP_HOOK_FORWARD, &s).rule, 0);
}

static void defaults_speak_where_no_rule_does(void **state)
{
	static const struct {
		enum dp_hook hook;
		uint8_t from, to;
		enum dp_action given, want;
	} rows[] = {
		{DP_HOOK_INPUT, ZONE_LAN, DP_ZONE_ROUTER, DP_DROP, DP_DROP},
		{DP_HOOK_INPUT, ZONE_LAN, DP_ZONE_ROUTER, DP_ACCEPT, DP_ACCEPT},
		{DP_HOOK_INPUT, ZONE_WAN, DP_ZONE_ROUTER, DP_REJECT, DP_REJECT},
		{DP_HOOK_OUTPUT, DP_ZONE_ROUTER, ZONE_WAN, DP_DROP, DP_DROP},
		{DP_HOOK_OUTPUT, DP_ZONE_ROUTER, DP_ZONE_ROUTER, DP_DROP, DP_DROP},
		{DP_HOOK_FORWARD, ZONE_LAN, ZONE_WAN, DP_REJECT, DP_REJECT},
		{DP_HOOK_FORWARD, ZONE_LAN, ZONE_LAN, DP_DROP, DP_ACCEPT}, // within one zone
		{DP_HOOK_FORWARD, DP_ZONE_NONE, DP_ZONE_NONE, DP_DROP, DP_DROP},
		{DP_HOOK_FORWARD, DP_ZONE_NONE, ZONE_LAN, DP_DROP, DP_DROP},
	};

	for (unsigned has_list = 0; has_list < 2; has_list++) {
		for (unsigned i = 0; i < COUNT(rows); i++) {
			struct rule_subject s = syn(IP_V4);
			struct rule_verdict v;

			fixture_begin(&f);
			s.from = rows[i].from;
			s.to = rows[i].to;
			f.policy.defaults[rows[i].hook] = rows[i].given;
			if (has_list) // that says nothing
				f.policy.hooks[rows[i].hook] = fixture_list(&f, 0);
			compile();
			v = judge(rows[i].hook, &s);
			if (v.action != rows[i].want || v.rule != RULE_DEFAULT)
				fail_msg("row %u: %d, rule %d", i, v.action, v.rule);
			assert_int_equal(v.reject, DP_REJECT_AUTO);
			assert_int_equal(f.state.defaults[rows[i].hook].packets, 1);
			assert_int_equal(f.state.defaults[rows[i].hook].bytes, 60);
		}
	}
}

static void without_a_firewall_everything_passes(void **state)
{
	struct rule_subject s = syn(IP_V6);

	fixture_rule(&f, DP_DROP);
	f.policy.hooks[DP_HOOK_FORWARD] = f.policy.hooks[DP_HOOK_INPUT] = fixture_list(&f, 0);
	f.policy.has_firewall = false;
	s.mark = 9;
	compile();
	for (enum dp_hook hook = 0; hook < DP_HOOK_COUNT; hook++) {
		struct rule_verdict v = judge(hook, &s);

		assert_int_equal(v.action, DP_ACCEPT);
		assert_int_equal(v.rule, RULE_DEFAULT);
		assert_int_equal(v.mark, 9);
	}
}

static void an_interface_is_never_in_the_router_s_zone(void **state)
{
	f.policy.zones[7] = 0;
	compile();
	assert_int_equal(ruleset_zone(f.ruleset, INTERFACE_LAN), ZONE_LAN);
	assert_int_equal(ruleset_zone(f.ruleset, 7), DP_ZONE_NONE);
	assert_int_equal(ruleset_zone(f.ruleset, 8), DP_ZONE_NONE);
	assert_int_equal(ruleset_zone(f.ruleset, RULE_INTERFACE_NONE), DP_ZONE_NONE);
}

// --- what a rule does besides ---

static void marks_are_set_under_their_mask_and_seen_by_later_rules(void **state)
{
	struct rule_subject s = syn(IP_V4);
	struct dp_rule *rule = fixture_rule(&f, DP_CONTINUE);

	rule->set_mark = 0xff0a; // more than its mask
	rule->set_mark_mask = 0x00ff;
	rule = fixture_rule(&f, DP_ACCEPT);
	rule->mark = 0x120a;
	rule->mark_mask = 0xffff;
	rule->set_mark = 0x80000000;
	rule->set_mark_mask = 0x80000000;
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
	compile();
	s.mark = 0x1234;
	assert_int_equal(judge(DP_HOOK_FORWARD, &s).rule, 1);
	assert_int_equal(judge(DP_HOOK_FORWARD, &s).mark, 0x8000120a);
	s.mark = 0x1334;
	assert_int_equal(judge(DP_HOOK_FORWARD, &s).rule, RULE_DEFAULT);
	assert_int_equal(judge(DP_HOOK_FORWARD, &s).mark, 0x130a);
}

static void rules_and_named_counters_count_first_packets(void **state)
{
	struct rule_subject s = syn(IP_V4);
	uint64_t packets = 0, bytes = 0;

	fixture_rule(&f, DP_CONTINUE)->counter = 4;
	fixture_rule(&f, DP_ACCEPT)->counter = 4;
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
	compile();
	assert_int_equal(f.ruleset->n_counters, 5);
	judge(DP_HOOK_FORWARD, &s);
	s.bytes = 1000;
	judge(DP_HOOK_FORWARD, &s);
	rules_count_add(&f.state.rules[1], &packets, &bytes);
	assert_int_equal(packets, 2);
	assert_int_equal(bytes, 1060);
	rules_count_add(&f.state.counters[4], &packets, &bytes);
	assert_int_equal(packets, 6);
	assert_int_equal(bytes, 3180);
	assert_int_equal(f.state.defaults[DP_HOOK_FORWARD].packets, 0);
}

static void logs_and_additions_are_handed_over_and_the_fifth_is_lost(void **state)
{
	struct rule_subject s = syn(IP_V4);
	struct rule_verdict v;

	f.policy.n_logs = 2;
	f.logs[0].rate = f.logs[1].rate = DP_INDEX_NONE;
	f.timed[9] = timed_set_new(16, NULL);
	for (unsigned i = 0; i < 6; i++) {
		struct dp_rule *rule = fixture_rule(&f, i < 5 ? DP_CONTINUE : DP_DROP);

		rule->log = i % 2;
		rule->add_timed = 9;
		rule->add_sec = 100 + i;
		rule->add_destination = i == 2;
	}
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
	compile();
	v = judge(DP_HOOK_FORWARD, &s);
	assert_int_equal(v.rule, 5);
	assert_int_equal(v.n_logs, 4);
	assert_int_equal(v.n_additions, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(v.logs[i].rule, i);
		assert_int_equal(v.logs[i].log, i % 2);
		assert_int_equal(v.additions[i].timed, 9);
		assert_int_equal(v.additions[i].for_sec, 100 + i);
		assert_int_equal(v.additions[i].is_destination, i == 2);
	}
	assert_int_equal(f.state.log_lost[0], 1);
	assert_int_equal(f.state.log_lost[1], 1);
	assert_int_equal(f.state.additions_lost, 2);
}

static void a_log_over_its_rate_is_counted_not_written(void **state)
{
	struct rule_subject s = syn(IP_V4);

	f.policy.n_rates = f.policy.n_logs = 1;
	f.rates[0] = (struct dp_rate){1, 1, 2};
	f.logs[0].rate = 0;
	fixture_rule(&f, DP_DROP)->log = 0;
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
	compile();
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(judge(DP_HOOK_FORWARD, &s).n_logs, i < 2);
	assert_int_equal(f.state.log_lost[0], 8);
	assert_int_equal(f.state.rules[0].packets, 10);
}

// --- essential packets ---

static void what_the_network_needs_takes_an_explicit_rule_to_break(void **state)
{
	uint16_t solicit = fixture_range(&f, DP_SET_ICMP6, 135 << 8, 136 << 8 | 255);
	uint16_t echo6 = fixture_range(&f, DP_SET_ICMP6, 128 << 8, 129 << 8 | 255);
	uint16_t needed = fixture_range(&f, DP_SET_ICMP, 3 << 8 | 4, 3 << 8 | 4);
	uint16_t protocols = fixture_range(&f, DP_SET_PROTOCOLS, 0, 255);
	uint16_t world = fixture_addresses(&f, "0.0.0.0/0", "::/0");
	const struct {
		struct dp_match_set protocol, source, icmp, icmp6;
		uint8_t action4, action6;
	} rows[] = {
		{dp_match_any(), dp_match_any(), dp_match_any(), dp_match_any(), DP_ACCEPT,
			DP_ACCEPT},
		{in_set(protocols), dp_match_any(), dp_match_any(), dp_match_any(), DP_ACCEPT,
			DP_ACCEPT},
		{dp_match_any(), in_set(world), dp_match_any(), dp_match_any(), DP_ACCEPT,
			DP_ACCEPT},
		{dp_match_any(), dp_match_any(), dp_match_any(), in_set(solicit), DP_ACCEPT,
			DP_DROP},
		{dp_match_any(), in_set(world), dp_match_any(), in_set(solicit), DP_ACCEPT,
			DP_DROP},
		{dp_match_any(), dp_match_any(), dp_match_any(), in_set(echo6), DP_ACCEPT,
			DP_ACCEPT},
		// never said so: it says what it does not mean
		{dp_match_any(), dp_match_any(), dp_match_any(), not_in_set(echo6), DP_ACCEPT,
			DP_ACCEPT},
		{dp_match_any(), dp_match_any(), in_set(needed), dp_match_any(), DP_DROP,
			DP_ACCEPT},
		{dp_match_any(), dp_match_any(), in_set(needed), in_set(solicit), DP_DROP, DP_DROP},
		{dp_match_any(), dp_match_any(), in_set(needed), not_in_set(echo6), DP_DROP,
			DP_ACCEPT},
	};
	struct rule_subject s4 = icmp(IP_V4, 3, 4), s6 = icmp(IP_V6, 135, 0);

	s4.is_essential = s6.is_essential = true;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct dp_rule *rule;

		f.policy.n_rules = f.policy.n_lists = 0;
		rule = fixture_rule(&f, DP_DROP);
		rule->protocol = rows[i].protocol;
		rule->source = rows[i].source;
		rule->icmp = rows[i].icmp;
		rule->icmp6 = rows[i].icmp6;
		f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
		compile();
		if (action(&s4) != rows[i].action4 || action(&s6) != rows[i].action6)
			fail_msg("row %u: %d, %d", i, action(&s4), action(&s6));
	}
}

static void an_answer_for_our_dhcp_client_is_beyond_all_rules(void **state)
{
	struct rule_subject s = udp(IP_V4);

	fixture_rule(&f, DP_DROP)->destination_port =
		in_set(fixture_range(&f, DP_SET_PORTS, 68, 68));
	f.policy.hooks[DP_HOOK_INPUT] = fixture_list(&f, 0);
	compile();
	s.to = DP_ZONE_ROUTER;
	s.sport = 67;
	s.dport = 68;
	assert_int_equal(judge(DP_HOOK_INPUT, &s).action, DP_DROP);
	s.is_essential = true;
	assert_int_equal(judge(DP_HOOK_INPUT, &s).action, DP_ACCEPT);
}

static void an_explicit_rule_is_found_in_a_list_jumped_to(void **state)
{
	struct rule_subject s = icmp(IP_V6, 2, 0);
	uint16_t list, lan = fixture_addresses(&f, "198.51.100.0/24", "2001:db8:1::/48");
	struct dp_rule *rule = fixture_rule(&f, DP_RETURN); // 0

	rule->source = in_set(lan);
	fixture_rule(&f, DP_DROP)->icmp6 =
		in_set(fixture_range(&f, DP_SET_ICMP6, 2 << 8, 2 << 8 | 255)); // 1
	list = fixture_list(&f, 0);
	rule = fixture_rule(&f, DP_JUMP); // 2
	rule->to_zones = 1 << ZONE_WAN;
	rule->jump_list = list;
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 2);
	compile();
	s.is_essential = true;
	assert_int_equal(action(&s), DP_ACCEPT); // returned before it
	s.src = server6;
	assert_int_equal(action(&s), DP_DROP);
	s.to = ZONE_IOT;
	assert_int_equal(action(&s), DP_ACCEPT);
}

// --- a live flow judged again ---

static void a_review_takes_no_rate_and_leaves_no_trace(void **state)
{
	struct rule_subject s = syn(IP_V4);
	struct rule_verdict v;
	struct dp_rule *rule;

	f.policy.n_rates = f.policy.n_logs = 1;
	f.rates[0] = (struct dp_rate){1, 60, 1};
	f.logs[0].rate = DP_INDEX_NONE;
	f.timed[0] = timed_set_new(16, NULL);
	rule = fixture_rule(&f, DP_DROP); // 0
	rule->rate = 0;
	rule->is_above_rate = true;
	rule = fixture_rule(&f, DP_CONTINUE); // 1
	rule->log = 0;
	rule->counter = 0;
	rule->add_timed = 0;
	rule->set_mark = rule->set_mark_mask = 4;
	rule = fixture_rule(&f, DP_ACCEPT); // 2
	rule->rate = 0;
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
	compile();
	s.is_review = true;
	for (unsigned i = 0; i < 5; i++) {
		v = judge(DP_HOOK_FORWARD, &s);
		assert_int_equal(v.action, DP_ACCEPT);
		assert_int_equal(v.rule, 2);
		assert_int_equal(v.mark, 4); // the path may hang on it
		assert_int_equal(v.n_logs + v.n_additions, 0);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(f.state.rules[i].packets, 0);
	assert_int_equal(f.state.counters[0].packets, 0);
	s.is_review = false;
	assert_int_equal(judge(DP_HOOK_FORWARD, &s).rule, RULE_DEFAULT); // rule 0 took the one
	assert_int_equal(judge(DP_HOOK_FORWARD, &s).rule, 0);
	assert_int_equal(f.state.rules[1].packets, 1);
}

static void a_review_finds_what_a_new_rule_forbids(void **state)
{
	struct rule_subject s = syn(IP_V4);

	s.is_review = true;
	fixture_rule(&f, DP_REJECT)->reject = DP_REJECT_RST;
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
	compile();
	assert_int_equal(action(&s), DP_REJECT);
	f.policy.hooks[DP_HOOK_FORWARD] = DP_INDEX_NONE;
	compile();
	assert_int_equal(action(&s), DP_DROP);
	assert_int_equal(f.state.defaults[DP_HOOK_FORWARD].packets, 0);
}

// --- many rules ---

static void every_rule_of_many_is_found_from_its_zones(void **state)
{
	// 960 rules for three pairs of zones in turn, told apart by their mark, in a list that
	// begins and ends in the midst of a word of the rows.
	for (uint32_t i = 0; i < 1030; i++) {
		struct dp_rule *rule = fixture_rule(&f, DP_ACCEPT);

		rule->from_zones = 1u << (29 + i % 3);
		rule->to_zones = 1u << (28 + i % 3);
		rule->mark = i / 3;
		rule->mark_mask = UINT32_MAX;
	}
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 65);
	f.lists[0].n = 960;
	compile();
	for (uint32_t i = 0; i < 1030; i++) {
		struct rule_subject s = syn(IP_V4);
		int32_t want = i >= 65 && i < 65 + 960 ? (int32_t)i : RULE_DEFAULT;

		s.from = (uint8_t)(29 + i % 3);
		s.to = (uint8_t)(28 + i % 3);
		s.mark = i / 3;
		if (judge(DP_HOOK_FORWARD, &s).rule != want)
			fail_msg("rule %u: %d", i, judge(DP_HOOK_FORWARD, &s).rule);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_rule_with_a_rate_matches_below_it_or_above),
		TEST(a_rate_per_source_tells_sources_apart),
		TEST(the_first_rule_that_decides_ends_it),
		TEST(lists_nest_and_return),
		TEST(jumps_go_as_deep_as_promised),
		TEST(defaults_speak_where_no_rule_does),
		TEST(without_a_firewall_everything_passes),
		TEST(an_interface_is_never_in_the_router_s_zone),
		TEST(marks_are_set_under_their_mask_and_seen_by_later_rules),
		TEST(rules_and_named_counters_count_first_packets),
		TEST(logs_and_additions_are_handed_over_and_the_fifth_is_lost),
		TEST(a_log_over_its_rate_is_counted_not_written),
		TEST(what_the_network_needs_takes_an_explicit_rule_to_break),
		TEST(an_answer_for_our_dhcp_client_is_beyond_all_rules),
		TEST(an_explicit_rule_is_found_in_a_list_jumped_to),
		TEST(a_review_takes_no_rate_and_leaves_no_trace),
		TEST(a_review_finds_what_a_new_rule_forbids),
		TEST(every_rule_of_many_is_found_from_its_zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
