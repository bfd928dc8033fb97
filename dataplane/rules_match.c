// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/rules_private.h"

#include <string.h>

// --- what is known ---

static uint32_t fact_if(bool is_so, uint32_t fact)
{
	return is_so ? fact : 0;
}

__attribute__((noinline)) uint32_t rules_facts(const struct rule_subject *s)
{
	bool is_ip6 = s->family == IP_V6;
	uint32_t facts = ruleset_protocol_fact(s->protocol);

	facts |= is_ip6 ? FACT_IP6 : FACT_IP4;
	facts |= (uint32_t)s->state << FACT_STATE_SHIFT;
	facts |= s->is_dnat ? FACT_DNAT : FACT_NO_DNAT;
	facts |= fact_if(!s->has_ports, FACT_NO_PORTS);
	facts |= fact_if(!s->has_ports || s->protocol != IPPROTO_TCP, FACT_NO_TCP_FLAGS);
	facts |= fact_if(!s->has_icmp, FACT_NO_ICMP);
	facts |= fact_if(!s->has_mac, FACT_NO_MAC);
	facts |= fact_if(s->in_interface == RULE_INTERFACE_NONE, FACT_NO_IN);
	facts |= fact_if(s->out_interface == RULE_INTERFACE_NONE, FACT_NO_OUT);
	facts |= fact_if(s->is_essential, is_ip6 ? FACT_ESSENTIAL6 : FACT_ESSENTIAL4);
	return facts | fact_if(s->is_review, FACT_REVIEW);
}

// --- matching ---

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

bool rules_set_matches(const struct judgement *j, const struct rule_match *m, enum rule_key key)
{
	if (key == (j->s->family == IP_V6 ? KEY_ICMP : KEY_ICMP6))
		return true;
	return set_has(j, key, m->sets[key]) != (m->is_negated >> key & 1);
}

// A rule may name types of both ICMPs: that of the other family is not asked.
static bool sets_match(const struct judgement *j, const struct rule_match *m, uint32_t asks)
{
	asks &= ~(UINT32_C(1) << (j->s->family == IP_V6 ? KEY_ICMP : KEY_ICMP6));
	for (; asks != 0; asks &= asks - 1) {
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

bool rules_is_active(const struct judgement *j, const struct rule_match *m)
{
	return is_active(j, m);
}

bool rules_rate_allows(const struct judgement *j, uint16_t cell)
{
	if (__builtin_expect(j->rs->only_looks_at_rates, false))
		return rate_has_room(j->rs->rates, cell, j->s->family, j->s->src, j->now->now_ms);
	return rate_take(j->rs->rates, cell, j->s->family, j->s->src, j->now->now_ms);
}

static __attribute__((noinline)) bool looks_match(
	const struct judgement *j, const struct rule_match *m, uint32_t asks)
{
	return is_active(j, m) && sets_match(j, m, asks);
}

// What takes a look into memory of its own. A rate comes last, for it takes what it asks for.
static inline bool matches_closely(struct judgement *j, const struct rule_match *m, uint32_t asks)
{
	if ((asks != 0 || m->schedule != RULE_ALWAYS) && !looks_match(j, m, asks))
		return false;
	if (m->rate == DP_INDEX_NONE)
		return true;
	j->asked_rate = true; // reviewed flows have had their share
	return j->s->is_review || rules_rate_allows(j, m->rate) != m->is_above_rate;
}

// What stands in the packet and in the rule's own line.
static bool fields_match(const struct judgement *j, const struct rule_match *m)
{
	const struct rule_subject *s = j->s;

	if (s->dport < m->first_dport || s->dport > m->last_dport || s->sport < m->first_sport ||
		s->sport > m->last_sport)
		return false;
	return (s->tcp_flags & m->tcp_flags_mask) == m->tcp_flags &&
	       (j->mark & m->mark_mask) == m->mark && (m->dscps >> s->dscp & 1) != 0;
}

static bool matches(struct judgement *j, const struct rule_match *m)
{
	return (j->s->facts & m->refuses) == 0 && fields_match(j, m) &&
	       matches_closely(j, m, m->asks);
}

// Of what the classifier leaves most have nothing else to ask.
static bool matches_beside(struct judgement *j, const struct rule_match *m)
{
	if ((j->s->facts & m->refuses) != 0 || (m->asks_fields_beside && !fields_match(j, m)))
		return false;
	return !m->asks_closely_beside || matches_closely(j, m, m->asks_beside);
}

// The next rule from `i` on that matches, of those that can between the two zones; or `end`. Short
// and apart from what follows a match, so that it keeps to registers.
static __attribute__((noinline)) uint32_t next_match(struct judgement *j, uint32_t i, uint32_t end)
{
	const uint64_t *from_row = j->rs->from_rows[j->s->from], *to_row = j->rs->to_rows[j->s->to];

	for (; i < end; i = (i | 63) + 1) {
		uint64_t word = from_row[i / 64] & to_row[i / 64] & UINT64_MAX << i % 64;

		for (; word != 0; word &= word - 1) {
			uint32_t rule = (i & ~UINT32_C(63)) + (uint32_t)__builtin_ctzll(word);

			if (rule >= end)
				return end;
			if (matches(j, &j->rs->matches[rule]))
				return rule;
		}
	}
	return end;
}

uint32_t rules_first_of_word(struct judgement *j, uint64_t rules)
{
	for (; rules != 0; rules &= rules - 1) {
		uint32_t rule = (uint32_t)__builtin_ctzll(rules);

		if (matches_beside(j, &j->rs->matches[rule]))
			return rule;
	}
	return CLASSIFIER_WORD;
}

// Of those that the classifier leaves of a word. `end`: none of them.
static uint32_t first_match(struct judgement *j, uint64_t rules, uint32_t word, uint32_t end)
{
	for (; rules != 0; rules &= rules - 1) {
		uint32_t rule = word * CLASSIFIER_WORD + (uint32_t)__builtin_ctzll(rules);

		if (rule >= end)
			break;
		// Nearly all that are left match, and are then counted.
		__builtin_prefetch(&j->rs->effects[rule]);
		__builtin_prefetch(&j->state->rules[rule], 1);
		if (matches_beside(j, &j->rs->matches[rule]))
			return rule;
	}
	return end;
}

// The same where there are many rules: of those that the classifier leaves.
static __attribute__((noinline)) uint32_t next_classified(
	struct judgement *j, uint32_t i, uint32_t end)
{
	const struct classifier *c = j->rs->classifier;
	const struct classifier_walk *walk = j->walk;
	uint32_t rule = end, word;
	uint64_t rules;

	if (i >= walk->first && i < walk->end && i / CLASSIFIER_WORD <= walk->word) {
		rules = walk->rules;
		if (i / CLASSIFIER_WORD == walk->word)
			rules &= UINT64_MAX << i % CLASSIFIER_WORD;
		rule = first_match(j, rules, walk->word, end);
		i = (walk->word + 1) * CLASSIFIER_WORD;
		i = i < walk->end ? i : walk->end;
	}
	while (rule == end && i < end && !c->is_one_word) {
		rules = classifier_find_next(c, walk, i, end, &word);
		if (rules == 0)
			break;
		rule = first_match(j, rules, word, end);
		i = (word + 1) * CLASSIFIER_WORD;
	}
	return rule;
}

uint32_t rules_next(struct judgement *j, struct place here)
{
	if (j->walk == NULL) {
		const struct classifier *c = j->rs->classifier;

		if (!rules_are_classified(j->rs, here))
			return next_match(j, here.next, here.end);
		classifier_find(c, j->own_walk, j->s, here.next, here.end);
		j->walk = j->own_walk;
	}
	return next_classified(j, here.next, here.end);
}
