// SPDX-License-Identifier: BSD-3-Clause
// One policy for a whole file of tests, compiled and asked: who includes it is the only one to have
// it. File-wide, so that a test that fails half-way leaves none behind.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ruleset_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct policy_fixture f;

static const struct rules_now now = {.now_ms = 1000000, .now_sec = 1000};

static inline int setup(void **state)
{
	fixture_begin(&f);
	return 0;
}

static inline int teardown(void **state)
{
	fixture_fini(&f);
	return 0;
}

static inline void compile(void)
{
	struct error err = {0};

	fixture_drop_ruleset(&f);
	if (!fixture_compile(&f, &err))
		fail_msg("%s", err.text);
}

static inline struct rule_verdict judge(enum dp_hook hook, const struct rule_subject *s)
{
	return fixture_judge(&f, hook, s, &now);
}

static inline int action(const struct rule_subject *s)
{
	return judge(DP_HOOK_FORWARD, s).action;
}

// One rule that accepts, on top of a default that drops.
static inline void accept_if(const struct dp_rule *rule)
{
	f.policy.n_rules = f.policy.n_lists = 0;
	*fixture_rule(&f, DP_ACCEPT) = *rule;
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
	compile();
}

static inline bool is_accepted(const struct dp_rule *rule, const struct rule_subject *s)
{
	accept_if(rule);
	return action(s) == DP_ACCEPT;
}
