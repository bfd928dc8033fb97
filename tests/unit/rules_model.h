// SPDX-License-Identifier: BSD-3-Clause
// A reading of struct dp_policy as it is written: rule by rule, element by element, rates in whole
// numbers, nothing compiled. It reads what a fixture holds, and counts as the rules do.
#pragma once

#include "tests/unit/ruleset_fixture.h"

enum {
	COUNTERS = 4,
	SOURCES = 16, // of each family, that rates tell apart
};

struct model_rate {
	uint64_t tat; // in parts of 1/packets ms
};

struct rules_model {
	const struct policy_fixture *f;
	struct model_rate rates[FIXTURE_RATES][2 * SOURCES + 1];
	uint64_t rule_packets[FIXTURE_RULES], rule_bytes[FIXTURE_RULES];
	uint64_t counter_packets[COUNTERS], counter_bytes[COUNTERS];
	uint64_t log_lost[FIXTURE_LOGS], additions_lost, defaults[DP_HOOK_COUNT];
};

static inline bool model_take(
	struct rules_model *m, uint16_t index, const struct rule_subject *s, uint64_t now_ms)
{
	const struct dp_rate *rate = &m->f->rates[index];
	unsigned source = s->family == IP_V4 ? s->src[3] : SOURCES + s->src[7];
	struct model_rate *r = &m->rates[index][rate->is_per_source ? source : 2 * SOURCES];
	uint64_t now = now_ms * rate->packets, increment = rate->per_sec * UINT64_C(1000);
	uint64_t from = r->tat > now ? r->tat : now;

	if (from - now > increment * (rate->burst - 1))
		return false;
	r->tat = from + increment;
	return true;
}

static inline bool model_has_address(const struct rules_model *m, uint16_t set, uint8_t family,
	const uint8_t *bytes, const struct rules_now *now)
{
	const struct dp_set *from = &m->f->sets[set];
	struct ip_addr addr = {.family = family};
	struct ip_prefix prefix;
	uint32_t cursor = 0, deadline;

	memcpy(addr.bytes, bytes, family == IP_V6 ? 16 : 4);
	for (uint32_t i = 0; i < from->n_prefixes; i++)
		if (ip_prefix_contains(&from->prefixes[i], &addr))
			return true;
	if (from->timed == DP_INDEX_NONE)
		return false;
	while (timed_set_next(m->f->timed[from->timed], &cursor, &prefix, &deadline))
		if (ip_prefix_contains(&prefix, &addr) && now->now_sec < deadline)
			return true;
	return false;
}

static inline bool model_has_number(const struct rules_model *m, uint16_t set, uint32_t number)
{
	for (uint32_t i = 0; i < m->f->sets[set].n_ranges; i++)
		if (number >= m->f->sets[set].ranges[i].first &&
			number <= m->f->sets[set].ranges[i].last)
			return true;
	return false;
}

static inline bool model_number(
	const struct rules_model *m, const struct dp_match_set *match, bool has_it, uint32_t number)
{
	if (match->set == DP_INDEX_NONE)
		return true;
	return has_it && model_has_number(m, match->set, number) != match->is_negated;
}

static inline bool model_icmp(
	const struct rules_model *m, const struct dp_rule *r, const struct rule_subject *s)
{
	const struct dp_match_set *own = s->family == IP_V6 ? &r->icmp6 : &r->icmp;

	if (r->icmp.set == DP_INDEX_NONE && r->icmp6.set == DP_INDEX_NONE)
		return true;
	return own->set != DP_INDEX_NONE && model_number(m, own, s->has_icmp, s->icmp);
}

static inline bool model_matches_sets(const struct rules_model *m, const struct dp_rule *r,
	const struct rule_subject *s, const struct rules_now *now)
{
	if (r->source.set != DP_INDEX_NONE &&
		model_has_address(m, r->source.set, s->family, s->src, now) == r->source.is_negated)
		return false;
	if (r->destination.set != DP_INDEX_NONE &&
		model_has_address(m, r->destination.set, s->family, s->dst, now) ==
			r->destination.is_negated)
		return false;
	if (r->mac.set != DP_INDEX_NONE) {
		bool is_in = false;

		for (uint32_t i = 0; i < m->f->sets[r->mac.set].n_macs; i++)
			is_in |= memcmp(&m->f->sets[r->mac.set].macs[i], &s->mac, 6) == 0;
		if (!s->has_mac || is_in == r->mac.is_negated)
			return false;
	}
	return model_number(m, &r->source_port, s->has_ports, s->sport) &&
	       model_number(m, &r->destination_port, s->has_ports, s->dport) &&
	       model_number(m, &r->protocol, true, s->protocol) && model_icmp(m, r, s) &&
	       model_number(m, &r->in_interface, s->in_interface != RULE_INTERFACE_NONE,
		       s->in_interface) &&
	       model_number(m, &r->out_interface, s->out_interface != RULE_INTERFACE_NONE,
		       s->out_interface);
}

static inline bool model_names_icmp(const struct dp_rule *r, const struct rule_subject *s)
{
	const struct dp_match_set *own = s->family == IP_V6 ? &r->icmp6 : &r->icmp;

	return own->set != DP_INDEX_NONE && !own->is_negated;
}

static inline bool model_matches(struct rules_model *m, const struct dp_rule *r,
	const struct rule_subject *s, uint32_t mark, const struct rules_now *now)
{
	if (s->is_essential && r->action != DP_JUMP && r->action != DP_RETURN &&
		!model_names_icmp(r, s))
		return false;
	if ((r->from_zones != 0 && !(r->from_zones >> s->from & 1)) ||
		(r->to_zones != 0 && !(r->to_zones >> s->to & 1)))
		return false;
	if (r->family != IP_NONE && r->family != s->family)
		return false;
	if (r->tcp_flags_mask != 0 && (s->protocol != IPPROTO_TCP || !s->has_ports ||
					      (s->tcp_flags & r->tcp_flags_mask) != r->tcp_flags))
		return false;
	if (r->dscps != 0 && !(r->dscps >> s->dscp & 1))
		return false;
	if (r->states != 0 && !(r->states & s->state))
		return false;
	if (r->is_dnat != -1 && r->is_dnat != s->is_dnat)
		return false;
	if (r->mark_mask != 0 && (mark & r->mark_mask) != r->mark)
		return false;
	if (r->schedule != DP_INDEX_NONE && !(now->schedules >> r->schedule & 1))
		return false;
	if (!model_matches_sets(m, r, s, now))
		return false;
	if (r->rate == DP_INDEX_NONE)
		return true;
	return s->is_review ? !r->is_above_rate
			    : model_take(m, r->rate, s, now->now_ms) != r->is_above_rate;
}

static inline void model_effects(struct rules_model *m, uint32_t i, const struct rule_subject *s,
	const struct rules_now *now, struct rule_verdict *out)
{
	const struct dp_rule *r = &m->f->rules[i];

	if (r->set_mark_mask != 0)
		out->mark = (out->mark & ~r->set_mark_mask) | (r->set_mark & r->set_mark_mask);
	if (s->is_review)
		return;
	m->rule_packets[i]++;
	m->rule_bytes[i] += s->bytes;
	if (r->counter != DP_INDEX_NONE) {
		m->counter_packets[r->counter]++;
		m->counter_bytes[r->counter] += s->bytes;
	}
	if (r->log != DP_INDEX_NONE) {
		uint16_t rate = m->f->logs[r->log].rate;

		if (out->n_logs == 4 ||
			(rate != DP_INDEX_NONE && !model_take(m, rate, s, now->now_ms)))
			m->log_lost[r->log]++;
		else
			out->logs[out->n_logs++] = (struct rule_log){i, r->log};
	}
	if (r->add_timed != DP_INDEX_NONE) {
		if (out->n_additions == 4)
			m->additions_lost++;
		else
			out->additions[out->n_additions++] = (struct rule_addition){
				r->add_sec, r->add_timed, r->add_destination};
	}
}

// DP_CONTINUE: the list said nothing.
static inline enum dp_action model_walk(struct rules_model *m, uint16_t list,
	const struct rule_subject *s, const struct rules_now *now, struct rule_verdict *out)
{
	const struct dp_list *rules = &m->f->lists[list];

	for (uint32_t i = rules->first; i < rules->first + rules->n; i++) {
		const struct dp_rule *r = &m->f->rules[i];
		enum dp_action action;

		if (!model_matches(m, r, s, out->mark, now))
			continue;
		model_effects(m, i, s, now, out);
		switch (r->action) {
		case DP_CONTINUE:
			break;
		case DP_RETURN:
			return DP_CONTINUE;
		case DP_JUMP:
			action = model_walk(m, r->jump_list, s, now, out);
			if (action != DP_CONTINUE)
				return action;
			break;
		case DP_ACCEPT:
		case DP_DROP:
		case DP_REJECT:
			out->rule = (int32_t)i;
			out->reject = (uint8_t)r->reject;
			return r->action;
		}
	}
	return DP_CONTINUE;
}

static inline struct rule_verdict model_judge(struct rules_model *m, enum dp_hook hook,
	const struct rule_subject *s, const struct rules_now *now)
{
	struct rule_verdict out = {.rule = RULE_DEFAULT, .mark = s->mark};
	enum dp_action action = DP_CONTINUE;

	if (m->f->policy.hooks[hook] != DP_INDEX_NONE)
		action = model_walk(m, m->f->policy.hooks[hook], s, now, &out);
	if (action == DP_CONTINUE) {
		m->defaults[hook] += !s->is_review;
		action = m->f->policy.defaults[hook];
		if (s->is_essential || s->state == DP_STATE_RELATED ||
			(hook == DP_HOOK_FORWARD && s->from == s->to && s->from != DP_ZONE_NONE))
			action = DP_ACCEPT;
	}
	out.action = (uint8_t)action;
	return out;
}
