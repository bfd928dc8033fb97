// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/rules_private.h"

// --- counts ---

// Counters, log_lost and rules stand in one piece of memory, in this order, on lines of their own.
static uint64_t state_bytes(const struct ruleset *rs)
{
	uint64_t counts = (uint64_t)rs->n_counters + rs->n_rules;

	return (counts * sizeof(struct rule_count) + rs->n_logs * sizeof(uint64_t) + 127) / 64 * 64;
}

int rules_state_init(struct rules_state *state, const struct ruleset *rs)
{
	memset(state, 0, sizeof(*state));
	state->memory = aligned_alloc(64, state_bytes(rs));
	if (state->memory == NULL)
		return -ENOMEM;
	memset(state->memory, 0, state_bytes(rs));
	state->counters = state->memory;
	state->rules = state->counters + rs->n_counters;
	state->log_lost = (_Atomic uint64_t *)(state->rules + rs->n_rules);
	return 0;
}

void rules_state_fini(struct rules_state *state)
{
	free(state->memory);
	memset(state, 0, sizeof(*state));
}

// One writer: a load and a store, no locked instruction.
static void add(_Atomic uint64_t *sum, uint64_t n)
{
	atomic_store_explicit(
		sum, atomic_load_explicit(sum, memory_order_relaxed) + n, memory_order_relaxed);
}

static void count(struct rule_count *c, const struct rule_subject *s)
{
	add(&c->packets, 1);
	add(&c->bytes, s->bytes);
}

// --- what a rule that matches does ---

static void log_line(const struct judgement *j, const struct rule_effect *e, uint32_t rule,
	struct rule_verdict *out)
{
	uint16_t cell = j->rs->log_rates[e->log];

	if (out->n_logs == RULES_EFFECTS_MAX ||
		(cell != DP_INDEX_NONE && !rules_rate_allows(j, cell)))
		add(&j->state->log_lost[e->log], 1);
	else
		out->logs[out->n_logs++] = (struct rule_log){.rule = rule, .log = e->log};
}

static void add_to_set(
	const struct judgement *j, const struct rule_effect *e, struct rule_verdict *out)
{
	if (out->n_additions == RULES_EFFECTS_MAX)
		add(&j->state->additions_lost, 1);
	else
		out->additions[out->n_additions++] = (struct rule_addition){
			.timed = e->add_timed,
			.for_sec = e->add_sec,
			.is_destination = e->add_destination,
			.ip6_len = e->add_ip6_len,
		};
}

// What few rules do beside counting what they match.
static __attribute__((noinline)) void carry_out_more(const struct judgement *j,
	const struct rule_effect *e, uint32_t rule, struct rule_verdict *out)
{
	if (e->counter != DP_INDEX_NONE)
		count(&j->state->counters[e->counter], j->s);
	if (e->log != DP_INDEX_NONE)
		log_line(j, e, rule, out);
	if (e->add_timed != DP_INDEX_NONE)
		add_to_set(j, e, out);
}

static inline void carry_out(struct judgement *j, uint32_t rule, struct rule_verdict *out)
{
	const struct rule_effect *e = &j->rs->effects[rule];

	j->mark = (j->mark & ~e->set_mark_mask) | e->set_mark;
	if (j->s->is_review)
		return;
	count(&j->state->rules[rule], j->s);
	if ((e->counter & e->log & e->add_timed) != DP_INDEX_NONE) // has any
		carry_out_more(j, e, rule, out);
}

static bool is_decision(const struct judgement *j, uint32_t rule)
{
	enum dp_action action = (enum dp_action)j->rs->effects[rule].action;

	return action == DP_DROP || action == DP_ACCEPT || action == DP_REJECT;
}

static bool conclude(struct judgement *j, uint32_t rule, struct rule_verdict *out)
{
	carry_out(j, rule, out);
	out->action = j->rs->effects[rule].action;
	out->reject = j->rs->effects[rule].reject;
	out->rule = (int32_t)rule;
	return true;
}

// --- the walk ---

// Where the walk begins. False: the hook has no rules.
static bool enter(const struct ruleset *rs, enum dp_hook hook, struct place *place)
{
	const struct dp_list *list;

	if (!rs->has_firewall || rs->hooks[hook] == DP_INDEX_NONE)
		return false;
	list = &rs->lists[rs->hooks[hook]];
	*place = (struct place){list->first, list->first + list->n};
	return true;
}

// From the hook's list on, of which `rule` is the first one that matches. True: a rule decided.
static __attribute__((noinline)) bool walk(
	struct judgement *j, struct place here, uint32_t rule, struct rule_verdict *out)
{
	const struct ruleset *rs = j->rs;
	struct place above[DP_JUMPS_MAX];
	unsigned depth = 0;

	for (;; rule = rules_next(j, here)) {
		const struct rule_effect *e;

		if (rule == here.end) {
			if (depth == 0)
				return false;
			here = above[--depth];
			continue;
		}
		if (is_decision(j, rule))
			return conclude(j, rule, out);
		here.next = rule + 1;
		carry_out(j, rule, out);
		e = &rs->effects[rule];
		switch ((enum dp_action)e->action) {
		case DP_CONTINUE:
		case DP_ACCEPT:
		case DP_DROP:
		case DP_REJECT:
			break;
		case DP_JUMP: // policy_check has seen to it that there is room
			above[depth++] = here;
			here.next = rs->lists[e->jump_list].first;
			here.end = here.next + rs->lists[e->jump_list].n;
			break;
		case DP_RETURN:
			here.next = here.end;
			break;
		}
	}
}

static bool is_accepted_by_default(
	const struct ruleset *rs, enum dp_hook hook, const struct rule_subject *s)
{
	if (!rs->has_firewall || s->is_essential || s->state == DP_STATE_RELATED)
		return true;
	return hook == DP_HOOK_FORWARD && s->from == s->to && s->from != DP_ZONE_NONE;
}

static struct judgement judgement_of(const struct ruleset *rs, struct rules_state *state,
	const struct rule_subject *s, const struct rules_now *now)
{
	return (struct judgement){.rs = rs, .state = state, .s = s, .now = now, .mark = s->mark};
}

// By the rules of its list. False: none decided.
static __attribute__((noinline)) bool judge_by_list(const struct ruleset *rs,
	struct rules_state *state, enum dp_hook hook, const struct rule_subject *s,
	const struct rules_now *now, struct rule_verdict *out)
{
	struct judgement j = judgement_of(rs, state, s, now);
	struct classifier_walk own_walk;
	struct place list;
	bool is_decided;

	if (!enter(rs, hook, &list))
		return false;
	j.own_walk = &own_walk;
	if (rules_are_classified(rs, list)) {
		classifier_find(rs->classifier, &own_walk, s, list.next, list.end);
		j.walk = &own_walk;
	}
	if (j.walk != NULL && j.walk->rules == 0)
		return false;
	is_decided = walk(&j, list, rules_next(&j, list), out);
	out->mark = j.mark;
	out->asked_rate = j.asked_rate;
	return is_decided;
}

// The same where all rules are one word, as a house's are: `rules` of it are left.
static __attribute__((noinline)) bool judge_by_word(const struct ruleset *rs,
	struct rules_state *state, enum dp_hook hook, const struct rule_subject *s,
	const struct rules_now *now, uint64_t rules, struct rule_verdict *out)
{
	struct judgement j = judgement_of(rs, state, s, now);
	uint32_t rule = rules_first_of_word(&j, rules & rs->hook_words[hook]);
	struct classifier_walk all;
	struct place list;
	bool is_decided = false;

	if (rule < CLASSIFIER_WORD && is_decision(&j, rule)) { // as most do: no walk
		is_decided = conclude(&j, rule, out);
		out->mark = j.mark;
	} else if (rule < CLASSIFIER_WORD && enter(rs, hook, &list)) {
		all = (struct classifier_walk){.rules = rules, .end = CLASSIFIER_WORD};
		j.walk = &all;
		is_decided = walk(&j, list, rule, out);
		out->mark = j.mark;
	}
	out->asked_rate = j.asked_rate;
	return is_decided;
}

static inline bool judge_by_rules(const struct ruleset *rs, struct rules_state *state,
	enum dp_hook hook, const struct rule_subject *s, const struct rules_now *now,
	struct rule_verdict *out)
{
	uint64_t word = rs->hook_words[hook], rules;

	if (word == 0)
		return judge_by_list(rs, state, hook, s, now, out);
	rules = classifier_find_word(rs->classifier, s);
	return (rules & word) != 0 && judge_by_word(rs, state, hook, s, now, rules, out);
}

void rules_judge(const struct ruleset *rs, struct rules_state *state, enum dp_hook hook,
	const struct rule_subject *s, const struct rules_now *now, struct rule_verdict *out)
{
	out->asked_rate = false;
	out->n_logs = out->n_additions = 0;
	out->reject = DP_REJECT_AUTO;
	out->rule = RULE_DEFAULT;
	out->mark = s->mark;
	if (judge_by_rules(rs, state, hook, s, now, out))
		return;
	out->action = is_accepted_by_default(rs, hook, s) ? DP_ACCEPT : rs->defaults[hook];
	if (!s->is_review)
		count(&state->defaults[hook], s);
}
