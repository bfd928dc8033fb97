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
#include "tests/unit/ruleset_fixture.h"

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
static struct dp_nat nat;

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
	nat = dp_nat_any(DP_NAT_SOURCE);
	f.policy.nats = &nat;
	f.policy.n_nats = 1;
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

#define FIELD(field) &(field), sizeof(field)

static void mistakes_are_sentences(void **state)
{
	static const struct {
		struct {
			void *field;
			size_t bytes;
			int64_t value;
		} edits[2];
		const char *sentence;
	} rows[] = {
		{{{FIELD(f.policy.n_rules), DP_RULES_MAX + 1}},
			"262145 rules: there may be 262144"},
		{{{FIELD(f.policy.n_sets), DP_SETS_MAX + 1}}, "32769 sets"},
		{{{FIELD(f.policy.n_lists), DP_LISTS_MAX + 1}}, "1025 lists"},
		{{{FIELD(f.policy.n_rates), DP_RATES_MAX + 1}}, "4097 rates"},
		{{{FIELD(f.policy.n_logs), DP_LOGS_MAX + 1}}, "4097 logs"},
		{{{FIELD(f.policy.n_nats), DP_NATS_MAX + 1}}, "4097 translations"},
		{{{FIELD(f.policy.rules), 0}}, "4 rules, and none given"},
		{{{FIELD(f.policy.sets), 0}}, "7 sets, and none given"},
		{{{FIELD(f.policy.zones[63]), DP_ZONES_MAX}}, "interface 63: there is no zone 32"},
		{{{FIELD(f.policy.hygiene[1]), DP_HYGIENE_RPF_STRICT | DP_HYGIENE_RPF_LOOSE}},
			"interface 1: one reverse path check"},
		{{{FIELD(f.policy.hooks[DP_HOOK_OUTPUT]), 2}}, "hook 2: there is no list 2"},
		{{{FIELD(f.policy.defaults[DP_HOOK_INPUT]), DP_CONTINUE}},
			"hook 0: its default 0 is no verdict"},
		{{{FIELD(f.policy.defaults[DP_HOOK_INPUT]), DP_RETURN}},
			"hook 0: its default 5 is no verdict"},
		{{{FIELD(f.lists[1].n), 3}}, "list 1 ends behind the last rule"},
		{{{FIELD(f.lists[1].first), UINT32_MAX}}, "list 1 ends behind the last rule"},
		{{{FIELD(f.rules[2].action), DP_JUMP}, {FIELD(f.rules[2].jump_list), 0}},
			"list 0 jumps back to itself"},
		{{{FIELD(f.rules[2].action), DP_JUMP}, {FIELD(f.rules[2].jump_list), 1}},
			"list 1 jumps back to itself"},
		{{{FIELD(f.sets[0].kind), 7}}, "set 0: there is no kind 7"},
		{{{FIELD(f.sets[1].timed), 0}}, "set 1: only sets of addresses"},
		{{{FIELD(f.sets[0].timed), 1}}, "set 0: there is no timed set 1"},
		{{{FIELD(f.sets[0].timed), DP_TIMED_SETS_MAX}}, "set 0: there is no timed set 64"},
		{{{FIELD(f.sets[0].prefixes), 0}}, "set 0: has elements, and none given"},
		{{{FIELD(f.sets[1].ranges), 0}}, "set 1: has elements, and none given"},
		{{{FIELD(f.sets[3].macs), 0}}, "set 3: has elements, and none given"},
		{{{FIELD(f.sets[1].n_macs), 1}}, "set 1: has elements that are no ports"},
		{{{FIELD(f.sets[0].n_ranges), 1}}, "set 0: has elements that are no addresses"},
		{{{FIELD(f.sets[1].n_ranges), DP_ELEMENTS_MAX - 1}},
			"set 1: more than 4194304 elements with those before it"},
		{{{FIELD(f.ranges[1][0].last), 0}}, "set 1: "},
		{{{FIELD(f.prefixes[0][0].len), 33}}, "set 0: "},
		{{{FIELD(f.prefixes[0][0].addr.family), 5}}, "set 0: "},
		{{{FIELD(f.rules[1].family), 5}}, "rule 1: there is no family 5"},
		{{{FIELD(f.rules[1].states), 16}}, "rule 1: unknown connection state in 0x10"},
		{{{FIELD(f.rules[1].is_dnat), 2}}, "rule 1: is_dnat is 2"},
		{{{FIELD(f.rules[1].source.set), 7}}, "rule 1: source: there is no set 7"},
		{{{FIELD(f.rules[1].source.set), 1}},
			"rule 1: source: set 1 is of ports, not of addresses"},
		{{{FIELD(f.rules[1].destination.set), 3}}, "rule 1: destination: set 3 is of MACs"},
		{{{FIELD(f.rules[1].source_port.set), 2}},
			"rule 1: source_port: set 2 is of protocols"},
		{{{FIELD(f.rules[1].destination_port.set), 6}},
			"rule 1: destination_port: set 6 is of interfaces"},
		{{{FIELD(f.rules[1].protocol.set), 1}}, "rule 1: protocol: set 1 is of ports"},
		{{{FIELD(f.rules[1].icmp.set), 5}}, "rule 1: icmp: set 5 is of ICMPv6 types"},
		{{{FIELD(f.rules[1].icmp6.set), 4}}, "rule 1: icmp6: set 4 is of ICMP types"},
		{{{FIELD(f.rules[1].mac.set), 0}}, "rule 1: mac: set 0 is of addresses"},
		{{{FIELD(f.rules[1].in_interface.set), 1}},
			"rule 1: in_interface: set 1 is of ports"},
		{{{FIELD(f.rules[1].out_interface.set), DP_INDEX_NONE - 1}},
			"rule 1: out_interface: there is no set 65534"},
		{{{FIELD(f.rules[1].tcp_flags_mask), 1}, {FIELD(f.rules[1].tcp_flags), 2}},
			"rule 1: TCP flags 0x2 that its mask 0x1 hides"},
		{{{FIELD(f.rules[1].mark_mask), 1}, {FIELD(f.rules[1].mark), 2}},
			"rule 1: mark 0x2 that its mask 0x1 hides"},
		{{{FIELD(f.rules[1].schedule), DP_SCHEDULES_MAX}},
			"rule 1: there is no schedule 64"},
		{{{FIELD(f.rules[1].rate), 2}}, "rule 1: there is no rate 2"},
		{{{FIELD(f.rules[1].counter), DP_COUNTERS_MAX}},
			"rule 1: there is no counter 4096"},
		{{{FIELD(f.rules[1].log), 2}}, "rule 1: there is no log 2"},
		{{{FIELD(f.rules[1].add_timed), 1}}, "rule 1: there is no timed set 1"},
		{{{FIELD(f.rules[1].add_timed), DP_TIMED_SETS_MAX}},
			"rule 1: there is no timed set 64"},
		{{{FIELD(f.rules[1].action), DP_RETURN + 1}}, "rule 1: there is no action 6"},
		{{{FIELD(f.rules[1].reject), DP_REJECT_PROHIBITED + 1}},
			"rule 1: there is no reject 6"},
		{{{FIELD(f.rules[0].jump_list), 2}}, "rule 0: there is no list 2"},
		{{{FIELD(f.rules[0].jump_list), DP_INDEX_NONE}}, "rule 0: there is no list 65535"},
		{{{FIELD(f.rates[1].packets), 0}}, "rate 1: 0 packets in 60 s"},
		{{{FIELD(f.logs[1].rate), 2}}, "log 1: there is no rate 2"},
		{{{FIELD(nat.kind), DP_NAT_EXEMPT + 1}}, "translation 0: there is no kind 6"},
		{{{FIELD(nat.family), 1}}, "translation 0: there is no family 1"},
		{{{FIELD(nat.interface), 64}}, "translation 0: there is no interface 64"},
		{{{FIELD(nat.interface), -2}}, "translation 0: there is no interface -2"},
		{{{FIELD(nat.source.set), 1}}, "translation 0: source: set 1 is of ports"},
		{{{FIELD(nat.destination.set), 99}},
			"translation 0: destination: there is no set 99"},
		{{{FIELD(nat.protocol.set), 0}}, "translation 0: protocol: set 0 is of addresses"},
		{{{FIELD(nat.first_port), 2}}, "translation 0: there are no ports 2 to 0"},
		{{{FIELD(nat.last_port), 2}}, "translation 0: there are no ports 0 to 2"},
		{{{FIELD(nat.outside.len), 1}}, "translation 0: inside or outside is no prefix"},
		{{{FIELD(nat.inside.addr.family), 3}},
			"translation 0: inside or outside is no prefix"},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct error err = {0};

		begin();
		for (unsigned k = 0; k < 2 && rows[i].edits[k].bytes > 0; k++)
			memcpy(rows[i].edits[k].field, &rows[i].edits[k].value,
				rows[i].edits[k].bytes); // little-endian, as all our machines
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

static void a_prefix_of_log_lines_has_an_end(void **state)
{
	struct error err;

	memset(f.logs[1].prefix, 'x', sizeof(f.logs[1].prefix));
	assert_false(fixture_compile(&f, &err));
	assert_string_equal(err.text, "log 1: its prefix has no end");
	f.logs[1].prefix[DP_LOG_PREFIX_MAX] = '\0';
	assert_true(fixture_compile(&f, &err));
}

static void a_helper_has_so_many_ports(void **state)
{
	struct error err;

	begin();
	f.policy.helpers[DP_HELPER_TFTP].n = DP_HELPER_PORTS_MAX + 1;
	assert_false(fixture_compile(&f, &err));
	assert_string_equal(err.text, "helper 1: 9 ports, the most is 8");
	f.policy.helpers[DP_HELPER_TFTP].n = DP_HELPER_PORTS_MAX;
	assert_true(fixture_compile(&f, &err));
}

static void ports_of_a_translation_end_at_65535(void **state)
{
	struct error err;

	nat.first_port = 1;
	nat.last_port = 10;
	nat.inside_port = 65526;
	assert_true(fixture_compile(&f, &err));
	fixture_drop_ruleset(&f);
	nat.inside_port = 65527;
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

static void each_failed_allocation_of_the_classifier_is_told_too(void **state)
{
	struct error err = {0};
	int n = 0;

	for (unsigned i = 0; i < 200; i++) {
		fixture_rule(&f, DP_ACCEPT)->source = in_set(0);
		f.rules[f.policy.n_rules - 1].destination_port = in_set(1);
	}
	f.sets[0].timed = DP_INDEX_NONE;
	assert_true(fixture_compile(&f, &err));
	assert_non_null(f.ruleset->classifier);
	fixture_drop_ruleset(&f);
	for (;; n++) {
		allocations_left = n;
		f.ruleset = ruleset_new(&f.policy, f.timed, f.rate_table, &err);
		if (f.ruleset != NULL)
			break;
		assert_int_equal(errno, ENOMEM);
		assert_non_null(strstr(err.text, "no memory"));
	}
	assert_in_range(n, 60, 200);
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
		many_rules[i] = dp_rule_any(DP_CONTINUE);
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
		TEST(a_prefix_of_log_lines_has_an_end),
		TEST(a_helper_has_so_many_ports),
		TEST(ports_of_a_translation_end_at_65535),
		TEST(without_a_firewall_the_rules_need_not_be_filled_in),
		TEST(lists_nest_no_deeper_than_promised),
		TEST(lists_that_multiply_beyond_reason_are_refused),
		TEST(nothing_of_the_policy_is_needed_afterwards),
		TEST(each_failed_allocation_is_told_and_leaks_nothing),
		TEST(each_failed_allocation_of_the_classifier_is_told_too),
		TEST(rates_of_a_policy_that_failed_are_not_held),
		TEST(as_many_rules_as_there_may_be_take_what_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
