// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ruleset.h"

#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/policy_check.h"
#include "tests/unit/policy_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// Allocations that still succeed; negative: all of them.
static int allocations_left = -1;

void *__real_calloc(size_t n, size_t bytes);
void *__real_malloc(size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);

static bool fails(void)
{
	if (allocations_left < 0 || allocations_left-- > 0)
		return false;
	allocations_left = 0;
	errno = ENOMEM;
	return true;
}

void *__wrap_calloc(size_t n, size_t bytes)
{
	return fails() ? NULL : __real_calloc(n, bytes);
}

void *__wrap_malloc(size_t bytes)
{
	return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, bytes);
}

// File-wide, so that a test that fails half-way leaves none behind.
static struct policy_fixture f;

// A sound policy that has some of everything: two lists, of which the first jumps to the second.
static void begin(void)
{
	struct dp_rule *rule;

	fixture_begin(&f);
	f.timed[0] = f.timed[0] != NULL ? f.timed[0] : timed_set_new(16, NULL);
	fixture_addresses(&f, "198.51.100.0/24", "2001:db8::/32"); // set 0
	f.sets[0].timed = 0;
	fixture_range(&f, DP_SET_PORTS, 1, 1024);		   // 1
	fixture_range(&f, DP_SET_PROTOCOLS, 6, 17);		   // 2
	fixture_mac(&f, (struct mac_addr){{2, 0, 0, 0, 0, 1}});	   // 3
	fixture_range(&f, DP_SET_ICMP, 8 << 8, 8 << 8 | 255);	   // 4
	fixture_range(&f, DP_SET_ICMP6, 128 << 8, 128 << 8 | 255); // 5
	fixture_range(&f, DP_SET_INTERFACES, 5, 6);		   // 6
	f.policy.n_rates = f.policy.n_logs = 2;
	f.rates[0] = (struct dp_rate){5, 1, 5};
	f.rates[1] = (struct dp_rate){10, 60, 5, true};
	f.logs[0] = (struct dp_log){.prefix = "drop", .rate = 1};
	f.logs[1] = (struct dp_log){.rate = DP_INDEX_NONE};
	rule = fixture_rule(&f, DP_JUMP); // 0
	rule->jump_list = 1;
	rule->source = in_set(0);
	rule->destination_port = in_set(1);
	rule->protocol = in_set(2);
	rule = fixture_rule(&f, DP_DROP); // 1
	rule->log = 0;
	rule->rate = 1;
	fixture_list(&f, 0);
	rule = fixture_rule(&f, DP_CONTINUE); // 2
	rule->add_timed = 0;
	rule->mac = in_set(3);
	rule = fixture_rule(&f, DP_ACCEPT); // 3
	rule->counter = 7;
	rule->icmp = in_set(4);
	rule->icmp6 = in_set(5);
	fixture_list(&f, 2);
	f.policy.hooks[DP_HOOK_FORWARD] = 0;
}

static int setup(void **state)
{
	begin();
	return 0;
}

static int teardown(void **state)
{
	allocations_left = -1;
	fixture_fini(&f);
	return 0;
}

static struct dp_nat nat = {
	.interface = -1,
	.source = {.set = DP_INDEX_NONE},
	.destination = {.set = DP_INDEX_NONE},
	.protocol = {.set = DP_INDEX_NONE},
};

static struct dp_nat *one_nat(void)
{
	static struct dp_nat copy;

	copy = nat;
	f.policy.nats = &copy;
	f.policy.n_nats = 1;
	return &copy;
}

// --- one mistake each ---

#define MISTAKE(name, statement)                                                                   \
	static void name(void)                                                                     \
	{                                                                                          \
		statement;                                                                         \
	}

MISTAKE(too_many_rules, f.policy.n_rules = DP_RULES_MAX + 1)
MISTAKE(too_many_sets, f.policy.n_sets = DP_SETS_MAX + 1)
MISTAKE(too_many_lists, f.policy.n_lists = DP_LISTS_MAX + 1)
MISTAKE(too_many_rates, f.policy.n_rates = DP_RATES_MAX + 1)
MISTAKE(too_many_logs, f.policy.n_logs = DP_LOGS_MAX + 1)
MISTAKE(too_many_nats, f.policy.n_nats = DP_NATS_MAX + 1)
MISTAKE(no_rules, f.policy.rules = NULL)
MISTAKE(no_sets, f.policy.sets = NULL)
MISTAKE(zone_32, f.policy.zones[63] = DP_ZONES_MAX)
MISTAKE(two_rpf, f.policy.hygiene[1] = DP_HYGIENE_RPF_STRICT | DP_HYGIENE_RPF_LOOSE)
MISTAKE(hook_list, f.policy.hooks[DP_HOOK_OUTPUT] = 2)
MISTAKE(hook_default, f.policy.defaults[DP_HOOK_INPUT] = DP_CONTINUE)
MISTAKE(hook_return, f.policy.defaults[DP_HOOK_INPUT] = DP_RETURN)
MISTAKE(list_end, f.lists[1].n = 3)
MISTAKE(list_first, f.lists[1].first = UINT32_MAX)
MISTAKE(list_loop, f.rules[2].action = DP_JUMP; f.rules[2].jump_list = 0)
MISTAKE(list_itself, f.rules[2].action = DP_JUMP; f.rules[2].jump_list = 1)
MISTAKE(set_kind, f.sets[0].kind = 7)
MISTAKE(set_timed_port, f.sets[1].timed = 0)
MISTAKE(set_timed_none, f.sets[0].timed = 1)
MISTAKE(set_timed_64, f.sets[0].timed = DP_TIMED_SETS_MAX)
MISTAKE(set_null, f.sets[0].prefixes = NULL)
MISTAKE(set_null_ranges, f.sets[1].ranges = NULL)
MISTAKE(set_null_macs, f.sets[3].macs = NULL)
MISTAKE(set_mixed, f.sets[1].n_macs = 1)
MISTAKE(set_mixed_ranges, f.sets[0].n_ranges = 1)
MISTAKE(set_backwards, f.ranges[1][0].last = 0)
MISTAKE(set_prefix_len, f.prefixes[0][0].len = 33)
MISTAKE(set_prefix_family, f.prefixes[0][0].addr.family = 5)
MISTAKE(rule_family, f.rules[1].family = 5)
MISTAKE(rule_state, f.rules[1].states = 16)
MISTAKE(rule_dnat, f.rules[1].is_dnat = 2)
MISTAKE(rule_source, f.rules[1].source.set = 7)
MISTAKE(rule_source_kind, f.rules[1].source.set = 1)
MISTAKE(rule_destination, f.rules[1].destination.set = 3)
MISTAKE(rule_sport, f.rules[1].source_port.set = 2)
MISTAKE(rule_dport, f.rules[1].destination_port.set = 6)
MISTAKE(rule_protocol, f.rules[1].protocol.set = 1)
MISTAKE(rule_icmp, f.rules[1].icmp.set = 5)
MISTAKE(rule_icmp6, f.rules[1].icmp6.set = 4)
MISTAKE(rule_mac, f.rules[1].mac.set = 0)
MISTAKE(rule_in, f.rules[1].in_interface.set = 1)
MISTAKE(rule_out, f.rules[1].out_interface.set = DP_INDEX_NONE - 1)
MISTAKE(rule_flags, f.rules[1].tcp_flags_mask = 1; f.rules[1].tcp_flags = 2)
MISTAKE(rule_mark, f.rules[1].mark_mask = 1; f.rules[1].mark = 2)
MISTAKE(rule_schedule, f.rules[1].schedule = DP_SCHEDULES_MAX)
MISTAKE(rule_rate, f.rules[1].rate = 2)
MISTAKE(rule_counter, f.rules[1].counter = DP_COUNTERS_MAX)
MISTAKE(rule_log, f.rules[1].log = 2)
MISTAKE(rule_timed, f.rules[1].add_timed = 1)
MISTAKE(rule_timed_64, f.rules[1].add_timed = DP_TIMED_SETS_MAX)
MISTAKE(rule_action, f.rules[1].action = DP_RETURN + 1)
MISTAKE(rule_reject, f.rules[1].reject = DP_REJECT_PROHIBITED + 1)
MISTAKE(rule_jump, f.rules[0].jump_list = 2)
MISTAKE(rule_jump_none, f.rules[0].jump_list = DP_INDEX_NONE)
MISTAKE(rate_zero, f.rates[1].packets = 0)
MISTAKE(log_rate, f.logs[1].rate = 2)
MISTAKE(log_prefix, memset(f.logs[1].prefix, 'x', sizeof(f.logs[1].prefix)))
MISTAKE(nat_kind, one_nat()->kind = DP_NAT_EXEMPT + 1)
MISTAKE(nat_family, one_nat()->family = 1)
MISTAKE(nat_interface, one_nat()->interface = 64)
MISTAKE(nat_no_interface, one_nat()->interface = -2)
MISTAKE(nat_source, one_nat()->source.set = 1)
MISTAKE(nat_destination, one_nat()->destination.set = 99)
MISTAKE(nat_protocol, one_nat()->protocol.set = 0)
MISTAKE(nat_ports, one_nat()->first_port = 2)
MISTAKE(nat_port_0, one_nat()->last_port = 2)
MISTAKE(nat_prefix, one_nat()->outside.len = 1)
MISTAKE(nat_prefix_family, one_nat()->inside.addr.family = 3)

static void mistakes_are_sentences(void **state)
{
	static const struct {
		void (*make)(void);
		const char *sentence;
	} rows[] = {
		{too_many_rules, "262145 rules: there may be 262144"},
		{too_many_sets, "4097 sets"},
		{too_many_lists, "1025 lists"},
		{too_many_rates, "4097 rates"},
		{too_many_logs, "4097 logs"},
		{too_many_nats, "4097 translations"},
		{no_rules, "4 rules, and none given"},
		{no_sets, "7 sets, and none given"},
		{zone_32, "interface 63: there is no zone 32"},
		{two_rpf, "interface 1: one reverse path check"},
		{hook_list, "hook 2: there is no list 2"},
		{hook_default, "hook 0: its default 0 is no verdict"},
		{hook_return, "hook 0: its default 5 is no verdict"},
		{list_end, "list 1 ends behind the last rule"},
		{list_first, "list 1 ends behind the last rule"},
		{list_loop, "list 0 jumps back to itself"},
		{list_itself, "list 1 jumps back to itself"},
		{set_kind, "set 0: there is no kind 7"},
		{set_timed_port, "set 1: only sets of addresses"},
		{set_timed_none, "set 0: there is no timed set 1"},
		{set_timed_64, "set 0: there is no timed set 64"},
		{set_null, "set 0: has elements, and none given"},
		{set_null_ranges, "set 1: has elements, and none given"},
		{set_null_macs, "set 3: has elements, and none given"},
		{set_mixed, "set 1: has elements that are no ports"},
		{set_mixed_ranges, "set 0: has elements that are no addresses"},
		{set_backwards, "set 1: "},
		{set_prefix_len, "set 0: "},
		{set_prefix_family, "set 0: "},
		{rule_family, "rule 1: there is no family 5"},
		{rule_state, "rule 1: unknown connection state in 0x10"},
		{rule_dnat, "rule 1: is_dnat is 2"},
		{rule_source, "rule 1: source: there is no set 7"},
		{rule_source_kind, "rule 1: source: set 1 is of ports, not of addresses"},
		{rule_destination, "rule 1: destination: set 3 is of MACs"},
		{rule_sport, "rule 1: source_port: set 2 is of protocols"},
		{rule_dport, "rule 1: destination_port: set 6 is of interfaces"},
		{rule_protocol, "rule 1: protocol: set 1 is of ports"},
		{rule_icmp, "rule 1: icmp: set 5 is of ICMPv6 types"},
		{rule_icmp6, "rule 1: icmp6: set 4 is of ICMP types"},
		{rule_mac, "rule 1: mac: set 0 is of addresses"},
		{rule_in, "rule 1: in_interface: set 1 is of ports"},
		{rule_out, "rule 1: out_interface: there is no set 65534"},
		{rule_flags, "rule 1: TCP flags 0x2 that its mask 0x1 hides"},
		{rule_mark, "rule 1: mark 0x2 that its mask 0x1 hides"},
		{rule_schedule, "rule 1: there is no schedule 64"},
		{rule_rate, "rule 1: there is no rate 2"},
		{rule_counter, "rule 1: there is no counter 4096"},
		{rule_log, "rule 1: there is no log 2"},
		{rule_timed, "rule 1: there is no timed set 1"},
		{rule_timed_64, "rule 1: there is no timed set 64"},
		{rule_action, "rule 1: there is no action 6"},
		{rule_reject, "rule 1: there is no reject 6"},
		{rule_jump, "rule 0: there is no list 2"},
		{rule_jump_none, "rule 0: there is no list 65535"},
		{rate_zero, "rate 1: 0 packets in 60 s"},
		{log_rate, "log 1: there is no rate 2"},
		{log_prefix, "log 1: its prefix has no end"},
		{nat_kind, "translation 0: there is no kind 6"},
		{nat_family, "translation 0: there is no family 1"},
		{nat_interface, "translation 0: there is no interface 64"},
		{nat_no_interface, "translation 0: there is no interface -2"},
		{nat_source, "translation 0: source: set 1 is of ports"},
		{nat_destination, "translation 0: destination: there is no set 99"},
		{nat_protocol, "translation 0: protocol: set 0 is of addresses"},
		{nat_ports, "translation 0: there are no ports 2 to 0"},
		{nat_port_0, "translation 0: there are no ports 0 to 2"},
		{nat_prefix, "translation 0: inside or outside is no prefix"},
		{nat_prefix_family, "translation 0: inside or outside is no prefix"},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct error err = {0};

		begin();
		rows[i].make();
		errno = 0;
		if (fixture_compile(&f, &err))
			fail_msg("row %u: '%s' was not refused", i, rows[i].sentence);
		assert_int_equal(errno, EINVAL);
		if (strncmp(err.text, rows[i].sentence, strlen(rows[i].sentence)) != 0)
			fail_msg("row %u: '%s', not '%s'", i, err.text, rows[i].sentence);
	}
	begin();
	assert_true(fixture_compile(&f, NULL));
}

static void ports_of_a_translation_end_at_65535(void **state)
{
	struct dp_nat *n = one_nat();
	struct error err;

	n->first_port = 1;
	n->last_port = 10;
	n->inside_port = 65526;
	assert_true(fixture_compile(&f, &err));
	fixture_drop_ruleset(&f);
	n->inside_port = 65527;
	assert_false(fixture_compile(&f, &err));
	assert_string_equal(err.text, "translation 0: ports from 65527 on end beyond 65535");
}

static void without_a_firewall_the_rules_need_not_be_filled_in(void **state)
{
	struct dp_policy none = {.has_firewall = false};

	f.policy = none;
	assert_true(fixture_compile(&f, NULL));
}

// --- lists ---

static void chain(unsigned n)
{
	fixture_begin(&f);
	for (unsigned i = 0; i < n; i++) {
		struct dp_rule *rule = fixture_rule(&f, i + 1 < n ? DP_JUMP : DP_DROP);

		rule->jump_list = (uint16_t)(i + 1);
		fixture_list(&f, i);
	}
}

static void lists_nest_no_deeper_than_promised(void **state)
{
	struct error err;

	chain(DP_JUMPS_MAX + 1);
	assert_true(fixture_compile(&f, &err));
	fixture_drop_ruleset(&f);
	chain(DP_JUMPS_MAX + 2);
	assert_false(fixture_compile(&f, &err));
	assert_non_null(strstr(err.text, "more than 16 lists deep"));
	// the same, looked at from the inside out
	for (unsigned i = 0; i < DP_JUMPS_MAX + 2; i++) {
		f.rules[i].action = i > 0 ? DP_JUMP : DP_DROP;
		f.rules[i].jump_list = (uint16_t)(i - 1);
	}
	assert_false(fixture_compile(&f, &err));
	assert_string_equal(err.text, "list 17: jumps go more than 16 lists deep");
}

// 128 rules that jump to 128 rules that jump to 128 more.
static void lists_that_multiply_beyond_reason_are_refused(void **state)
{
	struct error err;

	for (unsigned deep = 2; deep <= 3; deep++) {
		fixture_begin(&f);
		for (unsigned list = 0; list < deep; list++) {
			uint32_t first = f.policy.n_rules;

			for (unsigned i = 0; i < 128; i++) {
				struct dp_rule *rule =
					fixture_rule(&f, list + 1 < deep ? DP_JUMP : DP_CONTINUE);

				rule->jump_list = (uint16_t)(list + 1);
			}
			fixture_list(&f, first);
		}
		assert_int_equal(fixture_compile(&f, &err), deep == 2);
		fixture_drop_ruleset(&f);
	}
	assert_non_null(strstr(err.text, "a packet may have to pass more than 1048576 rules"));
}

// --- ownership and memory ---

static void nothing_of_the_policy_is_needed_afterwards(void **state)
{
	struct rule_subject s = syn(IP_V4);
	struct rules_now now = {.now_ms = 1000, .now_sec = 1};
	struct rule_verdict before, after;

	assert_true(fixture_compile(&f, NULL));
	before = fixture_judge(&f, DP_HOOK_FORWARD, &s, &now);
	memset(&f.policy, 0x5a, sizeof(f.policy));
	memset(f.rules, 0x5a, sizeof(f.rules));
	memset(f.lists, 0x5a, sizeof(f.lists));
	memset(f.sets, 0x5a, sizeof(f.sets));
	memset(f.prefixes, 0x5a, sizeof(f.prefixes));
	memset(f.ranges, 0x5a, sizeof(f.ranges));
	memset(f.rates, 0x5a, sizeof(f.rates));
	memset(f.logs, 0x5a, sizeof(f.logs));
	after = fixture_judge(&f, DP_HOOK_FORWARD, &s, &now);
	assert_int_equal(after.rule, before.rule);
	assert_int_equal(after.action, before.action);
}

static void each_failed_allocation_is_told_and_leaks_nothing(void **state)
{
	struct error err = {0};
	int n = 0;

	assert_true(fixture_compile(&f, &err)); // the rate table is there from now on
	fixture_drop_ruleset(&f);
	for (;; n++) {
		allocations_left = n;
		errno = 0;
		f.ruleset = ruleset_new(&f.policy, f.timed, f.rate_table, &err);
		if (f.ruleset != NULL)
			break;
		assert_int_equal(errno, ENOMEM);
		assert_non_null(strstr(err.text, "no memory"));
	}
	assert_in_range(n, 10, 100);
	allocations_left = 0;
	assert_int_equal(rules_state_init(&f.state, f.ruleset), -ENOMEM);
	rules_state_fini(&f.state);
}

static void rates_of_a_policy_that_failed_are_not_held(void **state)
{
	struct error err = {0};

	assert_true(fixture_compile(&f, &err));
	for (unsigned i = 0; i < 3 * RATE_CELLS; i++) {
		struct ruleset *rs;

		f.rates[0].burst = i + 1; // another rate each time
		rs = ruleset_new(&f.policy, f.timed, f.rate_table, &err);
		if (rs == NULL)
			fail_msg("%u: %s", i, err.text);
		ruleset_free(rs);
	}
}

static struct dp_rule many_rules[DP_RULES_MAX];

static void as_many_rules_as_there_may_be_take_what_is_said(void **state)
{
	struct rule_subject s = syn(IP_V4);
	struct rules_now now = {.now_ms = 1000, .now_sec = 1};
	size_t before;
	uint64_t took;

	begin();
	for (uint32_t i = 0; i < DP_RULES_MAX; i++) {
		many_rules[i] = rule_of(DP_CONTINUE);
		many_rules[i].from_zones = i * 2654435761u | 1u << ZONE_LAN; // no two pairs alike
		many_rules[i].to_zones = i * 2246822519u | 1u << ZONE_WAN;
	}
	many_rules[DP_RULES_MAX - 1].action = DP_ACCEPT;
	f.policy.rules = many_rules;
	f.policy.n_rules = DP_RULES_MAX;
	f.policy.n_lists = 1;
	f.lists[0] = (struct dp_list){0, DP_RULES_MAX};
	f.rate_table = rate_table_new(64, fixture_seeds);
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	f.ruleset = ruleset_new(&f.policy, f.timed, f.rate_table, NULL);
	assert_non_null(f.ruleset);
	took = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	assert_int_equal(rules_state_init(&f.state, f.ruleset), 0);
	assert_in_range(ruleset_bytes(f.ruleset), DP_RULES_MAX * 90, DP_RULES_MAX * 100);
	// a sanitizer's allocator does not tell
	if (took > 0)
		assert_in_range(
			took, ruleset_bytes(f.ruleset), ruleset_bytes(f.ruleset) * 101 / 100);
	assert_int_equal(fixture_judge(&f, DP_HOOK_FORWARD, &s, &now).rule, DP_RULES_MAX - 1);
	for (uint32_t i = 0; i < DP_RULES_MAX; i++)
		assert_int_equal(f.state.rules[i].packets, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(mistakes_are_sentences),
		TEST(ports_of_a_translation_end_at_65535),
		TEST(without_a_firewall_the_rules_need_not_be_filled_in),
		TEST(lists_nest_no_deeper_than_promised),
		TEST(lists_that_multiply_beyond_reason_are_refused),
		TEST(nothing_of_the_policy_is_needed_afterwards),
		TEST(each_failed_allocation_is_told_and_leaks_nothing),
		TEST(rates_of_a_policy_that_failed_are_not_held),
		TEST(as_many_rules_as_there_may_be_take_what_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
