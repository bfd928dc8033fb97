// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/classifier.h"

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

// --- matching ---

static uint32_t facts_of(const struct rule_subject *s)
{
	uint32_t facts = ruleset_protocol_fact(s->protocol);

	facts |= s->family == IP_V6 ? FACT_IP6 : FACT_IP4;
	facts |= (uint32_t)s->state << FACT_STATE_SHIFT;
	facts |= s->is_dnat ? FACT_DNAT : FACT_NO_DNAT;
	if (!s->has_ports)
		facts |= FACT_NO_PORTS;
	// no branch: TCP and UDP come in no order
	facts |= FACT_NO_TCP_FLAGS * (uint32_t) !(s->has_ports & (s->protocol == IPPROTO_TCP));
	if (!s->has_icmp)
		facts |= FACT_NO_ICMP;
	if (!s->has_mac)
		facts |= FACT_NO_MAC;
	if (s->in_interface == RULE_INTERFACE_NONE)
		facts |= FACT_NO_IN;
	if (s->out_interface == RULE_INTERFACE_NONE)
		facts |= FACT_NO_OUT;
	if (s->is_essential)
		facts |= s->family == IP_V6 ? FACT_ESSENTIAL6 : FACT_ESSENTIAL4;
	if (s->is_review)
		facts |= FACT_REVIEW;
	return facts;
}

// A judgement under way.
struct judgement {
	const struct ruleset *rs;
	struct rules_state *state;
	const struct rule_subject *s;
	const struct rules_now *now;
	uint32_t facts;
	uint32_t keys; // a rule may name types of both ICMPs: without that of the other family
	uint32_t mark; // as the rules so far have left it
	const uint64_t *from_row, *to_row;
	bool *asked_rate;
	struct classifier_walk *classified; // filled in when `is_classified`
	bool is_classified;
};

static bool set_has(const struct judgement *j, enum rule_key key, uint16_t set)
{
	const struct rule_subject *s = j->s;
	const struct set *numbers = j->rs->sets[set].set;

	switch (key) {
	case KEY_PROTOCOL:
		return set_has_number(numbers, s->protocol);
	case KEY_DESTINATION_PORT:
		return set_has_number(numbers, s->dport);
	case KEY_SOURCE_PORT:
		return set_has_number(numbers, s->sport);
	case KEY_ICMP:
	case KEY_ICMP6:
		return set_has_number(numbers, s->icmp);
	case KEY_IN_INTERFACE:
		return set_has_number(numbers, s->in_interface);
	case KEY_OUT_INTERFACE:
		return set_has_number(numbers, s->out_interface);
	case KEY_MAC:
		return set_has_mac(numbers, &s->mac);
	case KEY_DESTINATION:
		return ruleset_set_has_address(j->rs, set, s->family, s->dst, j->now->now_sec);
	case KEY_SOURCE:
		return ruleset_set_has_address(j->rs, set, s->family, s->src, j->now->now_sec);
	case KEY_COUNT:
		break;
	}
	return false;
}

static bool sets_match(const struct judgement *j, const struct rule_match *m, uint32_t asks)
{
	for (asks &= j->keys; asks != 0; asks &= asks - 1) {
		enum rule_key key = (enum rule_key)__builtin_ctz(asks);

		if (set_has(j, key, m->sets[key]) == (m->is_negated >> key & 1))
			return false;
	}
	return true;
}

static bool is_active(const struct judgement *j, const struct rule_match *m)
{
	return m->schedule == RULE_ALWAYS || (j->now->schedules >> m->schedule & 1) != 0;
}

static bool rate_allows(const struct judgement *j, uint16_t cell)
{
	return rate_take(j->rs->rates, cell, j->s->family, j->s->src, j->now->now_ms);
}

// What takes a look into memory of its own.
static __attribute__((noinline)) bool matches_closely(
	const struct judgement *j, const struct rule_match *m, uint32_t asks)
{
	if (!is_active(j, m) || !sets_match(j, m, asks))
		return false;
	if (m->rate == DP_INDEX_NONE)
		return true;
	// Last, for it takes what it asks for. Reviewed flows have had their share.
	*j->asked_rate = true;
	return j->s->is_review || rate_allows(j, m->rate) != m->is_above_rate;
}

// `asks`: those of its sets that are still to be asked.
static bool matches(const struct judgement *j, const struct rule_match *m, uint32_t asks)
{
	const struct rule_subject *s = j->s;

	if ((j->facts & m->refuses) != 0)
		return false;
	if (s->dport < m->first_dport || s->dport > m->last_dport || s->sport < m->first_sport ||
		s->sport > m->last_sport)
		return false;
	if ((s->tcp_flags & m->tcp_flags_mask) != m->tcp_flags ||
		(j->mark & m->mark_mask) != m->mark || (m->dscps >> s->dscp & 1) == 0)
		return false;
	return matches_closely(j, m, asks);
}

// The next rule from `i` on that matches, of those that can between the two zones; or `end`. Short
// and apart from what follows a match, so that it keeps to registers.
static __attribute__((noinline)) uint32_t next_match(
	const struct judgement *j, uint32_t i, uint32_t end)
{
	for (; i < end; i = (i | 63) + 1) {
		uint64_t word = j->from_row[i / 64] & j->to_row[i / 64] & UINT64_MAX << i % 64;

		for (; word != 0; word &= word - 1) {
			uint32_t rule = (i & ~UINT32_C(63)) + (uint32_t)__builtin_ctzll(word);
			const struct rule_match *m = &j->rs->matches[rule];

			if (rule >= end)
				return end;
			if (matches(j, m, m->asks))
				return rule;
		}
	}
	return end;
}

// Of those that the classifier leaves of a word, whose first rule is `first`. DP_RULES_MAX: none.
static uint32_t first_match(const struct judgement *j, uint64_t rules, uint32_t first, uint32_t end)
{
	for (; rules != 0; rules &= rules - 1) {
		uint32_t rule = first + (uint32_t)__builtin_ctzll(rules);
		const struct rule_match *m = &j->rs->matches[rule];

		if (rule >= end)
			break;
		// Nearly all that are left match, and are then counted.
		__builtin_prefetch(&j->rs->effects[rule]);
		__builtin_prefetch(&j->state->rules[rule], 1);
		if (matches(j, m, m->asks_beside))
			return rule;
	}
	return DP_RULES_MAX;
}

static uint32_t next_of_page(const struct judgement *j, unsigned at, uint32_t i, uint32_t end)
{
	const struct classifier *c = j->rs->classifier;
	struct classifier_page page;

	classifier_open(c, j->classified, at, &page);
	if (at == i / CLASSIFIER_PAGE)
		page.words &= UINT64_MAX << i / CLASSIFIER_WORD % 64;
	for (; page.words != 0; page.words &= page.words - 1) {
		unsigned word = (unsigned)__builtin_ctzll(page.words);
		uint32_t rule, first = at * CLASSIFIER_PAGE + word * CLASSIFIER_WORD;
		uint64_t rules;

		if (first >= end)
			break;
		rules = classifier_word(c, j->classified, &page, at, word);
		if (first < i)
			rules &= UINT64_MAX << i % CLASSIFIER_WORD;
		rule = first_match(j, rules, first, end);
		if (rule < DP_RULES_MAX)
			return rule;
	}
	return DP_RULES_MAX;
}

// The same where there are many rules: of those that the classifier leaves.
static __attribute__((noinline)) uint32_t next_classified(
	struct judgement *j, uint32_t i, uint32_t end)
{
	uint32_t rule = DP_RULES_MAX;

	if (!j->is_classified)
		classifier_begin(j->rs->classifier, j->classified, j->s, j->facts);
	j->is_classified = true;
	if (i >= end)
		return end;
	if (j->rs->classifier->is_one_word) {
		rule = first_match(j, j->classified->rules & UINT64_MAX << i, 0, end);
	} else {
		uint64_t pages = j->classified->pages & UINT64_MAX << i / CLASSIFIER_PAGE;

		for (; pages != 0 && rule == DP_RULES_MAX; pages &= pages - 1)
			rule = next_of_page(j, (unsigned)__builtin_ctzll(pages), i, end);
	}
	return rule < end ? rule : end;
}

// --- what a rule that matches does ---

static void log_line(const struct judgement *j, const struct rule_effect *e, uint32_t rule,
	struct rule_verdict *out)
{
	uint16_t cell = j->rs->log_rates[e->log];

	if (out->n_logs == RULES_EFFECTS_MAX || (cell != DP_INDEX_NONE && !rate_allows(j, cell)))
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

static void carry_out(struct judgement *j, uint32_t rule, struct rule_verdict *out)
{
	const struct rule_effect *e = &j->rs->effects[rule];

	j->mark = (j->mark & ~e->set_mark_mask) | e->set_mark;
	if (j->s->is_review)
		return;
	count(&j->state->rules[rule], j->s);
	if (e->counter != DP_INDEX_NONE)
		count(&j->state->counters[e->counter], j->s);
	if (e->log != DP_INDEX_NONE)
		log_line(j, e, rule, out);
	if (e->add_timed != DP_INDEX_NONE)
		add_to_set(j, e, out);
}

// --- the walk ---

struct place {
	uint32_t next, end;
};

// From the hook's list on. True: a rule decided.
static bool walk(struct judgement *j, uint16_t list, struct rule_verdict *out)
{
	const struct ruleset *rs = j->rs;
	struct place above[DP_JUMPS_MAX], here;
	unsigned depth = 0;

	here = (struct place){rs->lists[list].first, rs->lists[list].first + rs->lists[list].n};
	for (;;) {
		const struct rule_effect *e;
		bool is_long =
			rs->classifier != NULL &&
			(j->is_classified || here.end - here.next >= rs->classifier->from_rules);
		uint32_t rule = is_long ? next_classified(j, here.next, here.end)
					: next_match(j, here.next, here.end);

		if (rule == here.end) {
			if (depth == 0)
				return false;
			here = above[--depth];
			continue;
		}
		here.next = rule + 1;
		carry_out(j, rule, out);
		e = &rs->effects[rule];
		switch ((enum dp_action)e->action) {
		case DP_CONTINUE:
			break;
		case DP_ACCEPT:
		case DP_DROP:
		case DP_REJECT:
			out->action = e->action;
			out->reject = e->reject;
			out->rule = (int32_t)rule;
			return true;
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

void rules_judge(const struct ruleset *rs, struct rules_state *state, enum dp_hook hook,
	const struct rule_subject *s, const struct rules_now *now, struct rule_verdict *out)
{
	struct classifier_walk classified;
	struct judgement j = {
		.rs = rs,
		.state = state,
		.s = s,
		.now = now,
		.facts = facts_of(s),
		.keys = ~(s->family == IP_V6 ? UINT32_C(1) << KEY_ICMP : UINT32_C(1) << KEY_ICMP6),
		.mark = s->mark,
		.from_row = rs->from_rows[s->from],
		.to_row = rs->to_rows[s->to],
		.asked_rate = &out->asked_rate,
		.classified = &classified,
	};

	out->asked_rate = false;
	out->n_logs = out->n_additions = 0;
	out->reject = DP_REJECT_AUTO;
	out->rule = RULE_DEFAULT;
	if (!rs->has_firewall || rs->hooks[hook] == DP_INDEX_NONE ||
		!walk(&j, rs->hooks[hook], out)) {
		out->action = is_accepted_by_default(rs, hook, s) ? DP_ACCEPT : rs->defaults[hook];
		if (!s->is_review)
			count(&state->defaults[hook], s);
	}
	out->mark = j.mark;
}
