// SPDX-License-Identifier: BSD-3-Clause
// Random policies and random packets, judged as the policy reads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/classifier.h"
#include "tests/unit/random_policy.h"
#include "tests/unit/rules_model.h"

enum {
	POLICIES = 2000,
	LARGE_POLICIES = 400, // that the classifier has something to tell apart in
	PACKETS = 500,	      // of each policy
	BURST = 64,
	LARGE_PACKETS = 800,
	RULES_MAX = FIXTURE_RULES,
	SMALL_RULES_MAX = 200,
	LARGE_RULES_MIN = 500,
};

static struct policy_fixture f;
static struct rules_model model;

static void compare(unsigned policy, unsigned packet, const struct rule_verdict *got,
	const struct rule_verdict *want)
{
	if (got->action != want->action || got->rule != want->rule || got->mark != want->mark ||
		got->reject != want->reject || got->n_logs != want->n_logs ||
		got->n_additions != want->n_additions)
		fail_msg("policy %u, packet %u: action %u rule %d mark %u logs %u additions %u, "
			 "not %u %d %u %u %u",
			policy, packet, got->action, got->rule, got->mark, got->n_logs,
			got->n_additions, want->action, want->rule, want->mark, want->n_logs,
			want->n_additions);
	for (unsigned i = 0; i < got->n_logs; i++) {
		assert_int_equal(got->logs[i].rule, want->logs[i].rule);
		assert_int_equal(got->logs[i].log, want->logs[i].log);
	}
	for (unsigned i = 0; i < got->n_additions; i++) {
		assert_int_equal(got->additions[i].timed, want->additions[i].timed);
		assert_int_equal(got->additions[i].for_sec, want->additions[i].for_sec);
		assert_int_equal(
			got->additions[i].is_destination, want->additions[i].is_destination);
	}
}

static void compare_counts(void)
{
	for (unsigned i = 0; i < f.policy.n_rules; i++) {
		assert_int_equal(f.state.rules[i].packets, model.rule_packets[i]);
		assert_int_equal(f.state.rules[i].bytes, model.rule_bytes[i]);
	}
	for (unsigned i = 0; i < COUNTERS; i++) {
		bool has_it = i < f.ruleset->n_counters; // as far as a rule names one

		assert_int_equal(
			has_it ? f.state.counters[i].packets : 0, model.counter_packets[i]);
		assert_int_equal(has_it ? f.state.counters[i].bytes : 0, model.counter_bytes[i]);
	}
	for (unsigned i = 0; i < FIXTURE_LOGS; i++)
		assert_int_equal(f.state.log_lost[i], model.log_lost[i]);
	assert_int_equal(f.state.additions_lost, model.additions_lost);
	for (unsigned i = 0; i < DP_HOOK_COUNT; i++)
		assert_int_equal(f.state.defaults[i].packets, model.defaults[i]);
}

struct tally {
	unsigned seen[DP_REJECT + 1], by_rule, n_classified, n_ahead;
};

// A burst, every other one with its rules looked up ahead.
static void judge_burst(unsigned policy, unsigned n, struct rules_now *now, struct tally *tally)
{
	uint8_t src[BURST][16], dst[BURST][16];
	struct rule_subject subjects[BURST], *list[BURST];
	struct classifier_walk walks[BURST];
	enum dp_hook hooks[BURST];
	bool is_ahead = random_below(2) == 0;

	for (unsigned i = 0; i < n; i++) {
		subjects[i] = random_subject(src[i], dst[i]);
		subjects[i].facts = rules_facts(&subjects[i]);
		hooks[i] = random_below(DP_HOOK_COUNT);
		list[i] = &subjects[i];
	}
	if (is_ahead)
		rules_look_ahead(f.ruleset, &f.state, hooks, list, walks, n);
	for (unsigned i = 0; i < n; i++) {
		struct rule_verdict got, want;

		now->now_ms += random_below(60);
		now->now_sec = (uint32_t)(now->now_ms / 1000);
		now->schedules = random_below(UINT32_MAX) * UINT64_C(0x100000001);
		tally->n_ahead += subjects[i].ahead != NULL;
		rules_judge(f.ruleset, &f.state, hooks[i], &subjects[i], now, &got);
		want = model_judge(&model, hooks[i], &subjects[i], now);
		compare(policy, i, &got, &want);
		tally->seen[got.action]++;
		tally->by_rule += got.rule != RULE_DEFAULT;
	}
}

static void judge_packets(unsigned policy, unsigned n, struct rules_now *now, struct tally *tally)
{
	for (unsigned i = 0; i < n; i += BURST)
		judge_burst(policy, n - i < BURST ? n - i : BURST, now, tally);
	compare_counts();
}

static void judge_policies(
	unsigned n_policies, unsigned n_packets, bool is_large, struct tally *tally)
{
	struct rules_now now = {.now_ms = 1000000};

	for (unsigned policy = 0; policy < n_policies; policy++) {
		uint32_t n_rules =
			is_large ? LARGE_RULES_MIN + random_below(RULES_MAX - LARGE_RULES_MIN)
				 : 1 + random_below(SMALL_RULES_MAX);
		struct error err = {0};

		model = (struct rules_model){.f = &f};
		now.now_ms += 1000000; // no rate remembers the last policy
		now.now_sec = (uint32_t)(now.now_ms / 1000);
		random_policy(&f, n_rules, is_large);
		random_timed_sets(&f, now.now_sec);
		if (!fixture_compile(&f, &err))
			fail_msg("%s", err.text);
		tally->n_classified += f.ruleset->classifier != NULL;
		judge_packets(policy, n_packets, &now, tally);
		fixture_drop_ruleset(&f);
	}
}

static void a_million_packets_are_judged_as_the_policy_reads(void **state)
{
	struct tally tally = {0};

	judge_policies(POLICIES, PACKETS, false, &tally);
	for (unsigned action = DP_ACCEPT; action <= DP_REJECT; action++)
		assert_in_range(tally.seen[action], POLICIES * PACKETS / 20, POLICIES * PACKETS);
	assert_in_range(tally.by_rule, POLICIES * PACKETS / 4, POLICIES * PACKETS);
}

static void large_policies_are_classified_as_they_read(void **state)
{
	const unsigned n = LARGE_POLICIES * LARGE_PACKETS;
	struct tally tally = {0};

	judge_policies(LARGE_POLICIES, LARGE_PACKETS, true, &tally);
	for (unsigned action = DP_ACCEPT; action <= DP_REJECT; action++)
		assert_in_range(tally.seen[action], n / 20, n);
	assert_in_range(tally.by_rule, n / 4, n);
	assert_in_range(tally.n_classified, LARGE_POLICIES * 9 / 10, LARGE_POLICIES);
	assert_in_range(tally.n_ahead, n / 20, n);
}

static int teardown(void **state)
{
	fixture_fini(&f);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			a_million_packets_are_judged_as_the_policy_reads, teardown),
		cmocka_unit_test_teardown(large_policies_are_classified_as_they_read, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
