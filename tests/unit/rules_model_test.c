// SPDX-License-Identifier: BSD-3-Clause
// Random policies and random packets, against a reading of struct dp_policy as it is written: rule
// by rule, element by element, rates in whole numbers, nothing compiled.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ruleset_fixture.h"

enum {
	POLICIES = 2000,
	LARGE_POLICIES = 400, // that the classifier has something to tell apart in
	PACKETS = 500,	      // of each policy
	LARGE_PACKETS = 800,
	RULES_MAX = FIXTURE_RULES,
	SMALL_RULES_MAX = 200,
	LARGE_RULES_MIN = 500,
	COUNTERS = 4,
	TIMED_SETS = 2,
	SOURCES = 16,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct policy_fixture f;

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 32) * n >> 32);
}

static bool one_in(uint32_t n)
{
	return random_below(n) == 0;
}

// --- the model ---

struct model_rate {
	uint64_t tat; // in parts of 1/packets ms
};

static struct {
	struct model_rate rates[FIXTURE_RATES][2 * SOURCES + 1];
	uint64_t rule_packets[RULES_MAX], rule_bytes[RULES_MAX];
	uint64_t counter_packets[COUNTERS], counter_bytes[COUNTERS];
	uint64_t log_lost[FIXTURE_LOGS], additions_lost, defaults[DP_HOOK_COUNT];
} model;

static bool model_take(uint16_t index, const struct rule_subject *s, uint64_t now_ms)
{
	const struct dp_rate *rate = &f.rates[index];
	unsigned source = s->family == IP_V4 ? s->src[3] : SOURCES + s->src[7];
	struct model_rate *r = &model.rates[index][rate->is_per_source ? source : 2 * SOURCES];
	uint64_t now = now_ms * rate->packets, increment = rate->per_sec * UINT64_C(1000);
	uint64_t from = r->tat > now ? r->tat : now;

	if (from - now > increment * (rate->burst - 1))
		return false;
	r->tat = from + increment;
	return true;
}

static bool model_has_address(
	uint16_t set, uint8_t family, const uint8_t *bytes, const struct rules_now *now)
{
	const struct dp_set *from = &f.sets[set];
	struct ip_addr addr = {.family = family};
	struct ip_prefix prefix;
	uint32_t cursor = 0, deadline;

	memcpy(addr.bytes, bytes, family == IP_V6 ? 16 : 4);
	for (uint32_t i = 0; i < from->n_prefixes; i++)
		if (ip_prefix_contains(&from->prefixes[i], &addr))
			return true;
	if (from->timed == DP_INDEX_NONE)
		return false;
	while (timed_set_next(f.timed[from->timed], &cursor, &prefix, &deadline))
		if (ip_prefix_contains(&prefix, &addr) && now->now_sec < deadline)
			return true;
	return false;
}

static bool model_has_number(uint16_t set, uint32_t number)
{
	for (uint32_t i = 0; i < f.sets[set].n_ranges; i++)
		if (number >= f.sets[set].ranges[i].first && number <= f.sets[set].ranges[i].last)
			return true;
	return false;
}

static bool model_number(const struct dp_match_set *match, bool has_it, uint32_t number)
{
	if (match->set == DP_INDEX_NONE)
		return true;
	return has_it && model_has_number(match->set, number) != match->is_negated;
}

static bool model_icmp(const struct dp_rule *r, const struct rule_subject *s)
{
	const struct dp_match_set *own = s->family == IP_V6 ? &r->icmp6 : &r->icmp;

	if (r->icmp.set == DP_INDEX_NONE && r->icmp6.set == DP_INDEX_NONE)
		return true;
	return own->set != DP_INDEX_NONE && model_number(own, s->has_icmp, s->icmp);
}

static bool model_matches_sets(
	const struct dp_rule *r, const struct rule_subject *s, const struct rules_now *now)
{
	if (r->source.set != DP_INDEX_NONE &&
		model_has_address(r->source.set, s->family, s->src, now) == r->source.is_negated)
		return false;
	if (r->destination.set != DP_INDEX_NONE &&
		model_has_address(r->destination.set, s->family, s->dst, now) ==
			r->destination.is_negated)
		return false;
	if (r->mac.set != DP_INDEX_NONE) {
		bool is_in = false;

		for (uint32_t i = 0; i < f.sets[r->mac.set].n_macs; i++)
			is_in |= memcmp(&f.sets[r->mac.set].macs[i], &s->mac, 6) == 0;
		if (!s->has_mac || is_in == r->mac.is_negated)
			return false;
	}
	return model_number(&r->source_port, s->has_ports, s->sport) &&
	       model_number(&r->destination_port, s->has_ports, s->dport) &&
	       model_number(&r->protocol, true, s->protocol) && model_icmp(r, s) &&
	       model_number(
		       &r->in_interface, s->in_interface != RULE_INTERFACE_NONE, s->in_interface) &&
	       model_number(&r->out_interface, s->out_interface != RULE_INTERFACE_NONE,
		       s->out_interface);
}

static bool model_names_icmp(const struct dp_rule *r, const struct rule_subject *s)
{
	const struct dp_match_set *own = s->family == IP_V6 ? &r->icmp6 : &r->icmp;

	return own->set != DP_INDEX_NONE && !own->is_negated;
}

static bool model_matches(const struct dp_rule *r, const struct rule_subject *s, uint32_t mark,
	const struct rules_now *now)
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
	if (!model_matches_sets(r, s, now))
		return false;
	if (r->rate == DP_INDEX_NONE)
		return true;
	return s->is_review ? !r->is_above_rate
			    : model_take(r->rate, s, now->now_ms) != r->is_above_rate;
}

static void model_effects(uint32_t i, const struct rule_subject *s, const struct rules_now *now,
	struct rule_verdict *out)
{
	const struct dp_rule *r = &f.rules[i];

	if (r->set_mark_mask != 0)
		out->mark = (out->mark & ~r->set_mark_mask) | (r->set_mark & r->set_mark_mask);
	if (s->is_review)
		return;
	model.rule_packets[i]++;
	model.rule_bytes[i] += s->bytes;
	if (r->counter != DP_INDEX_NONE) {
		model.counter_packets[r->counter]++;
		model.counter_bytes[r->counter] += s->bytes;
	}
	if (r->log != DP_INDEX_NONE) {
		uint16_t rate = f.logs[r->log].rate;

		if (out->n_logs == 4 ||
			(rate != DP_INDEX_NONE && !model_take(rate, s, now->now_ms)))
			model.log_lost[r->log]++;
		else
			out->logs[out->n_logs++] = (struct rule_log){i, r->log};
	}
	if (r->add_timed != DP_INDEX_NONE) {
		if (out->n_additions == 4)
			model.additions_lost++;
		else
			out->additions[out->n_additions++] = (struct rule_addition){
				r->add_sec, r->add_timed, r->add_destination};
	}
}

// DP_CONTINUE: the list said nothing.
static enum dp_action model_walk(uint16_t list, const struct rule_subject *s,
	const struct rules_now *now, struct rule_verdict *out)
{
	for (uint32_t i = f.lists[list].first; i < f.lists[list].first + f.lists[list].n; i++) {
		const struct dp_rule *r = &f.rules[i];
		enum dp_action action;

		if (!model_matches(r, s, out->mark, now))
			continue;
		model_effects(i, s, now, out);
		switch (r->action) {
		case DP_CONTINUE:
			break;
		case DP_RETURN:
			return DP_CONTINUE;
		case DP_JUMP:
			action = model_walk(r->jump_list, s, now, out);
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

static struct rule_verdict model_judge(
	enum dp_hook hook, const struct rule_subject *s, const struct rules_now *now)
{
	struct rule_verdict out = {.rule = RULE_DEFAULT, .mark = s->mark};
	enum dp_action action = DP_CONTINUE;

	if (f.policy.hooks[hook] != DP_INDEX_NONE)
		action = model_walk(f.policy.hooks[hook], s, now, &out);
	if (action == DP_CONTINUE) {
		model.defaults[hook] += !s->is_review;
		action = f.policy.defaults[hook];
		if (s->is_essential || s->state == DP_STATE_RELATED ||
			(hook == DP_HOOK_FORWARD && s->from == s->to && s->from != DP_ZONE_NONE))
			action = DP_ACCEPT;
	}
	out.action = (uint8_t)action;
	return out;
}

// --- random policies: few values, so that they meet ---

static const uint8_t protocols[] = {1, 6, 6, 17, 17, 50, 58};
static const uint8_t zones[] = {DP_ZONE_ROUTER, DP_ZONE_NONE, 2, 3, 4, 31};

static void random_prefixes(uint16_t set)
{
	for (uint32_t i = random_below(FIXTURE_ELEMENTS); i > 0; i--) {
		struct ip_prefix *p = &f.prefixes[set][f.sets[set].n_prefixes++];

		*p = (struct ip_prefix){0};
		if (one_in(2)) {
			p->addr.family = IP_V4;
			memcpy(p->addr.v4, host4, 4);
			p->addr.v4[3] = (uint8_t)random_below(SOURCES);
			p->len = (uint8_t)(one_in(8) ? random_below(29) : 28 + random_below(5));
		} else {
			p->addr.family = IP_V6;
			memcpy(p->addr.v6, host6, 16);
			p->addr.v6[7] = (uint8_t)random_below(SOURCES);
			p->len = (uint8_t)(one_in(8) ? random_below(129) : 60 + random_below(5));
		}
	}
}

static void random_ranges(uint16_t set, uint32_t base, uint32_t n, uint32_t step)
{
	for (uint32_t i = random_below(4); i > 0; i--) {
		uint32_t first = random_below(n);

		fixture_add_range(&f, set, base + first * step,
			base + (first + random_below(3)) * step + (one_in(2) ? step - 1 : 0));
	}
}

static uint16_t random_set(enum dp_set_kind kind)
{
	uint16_t set = fixture_set(&f, kind);

	switch (kind) {
	case DP_SET_ADDRESSES:
		random_prefixes(set);
		if (one_in(3))
			f.sets[set].timed = (uint16_t)random_below(TIMED_SETS);
		break;
	case DP_SET_MACS:
		for (uint32_t i = random_below(4); i > 0; i--)
			f.macs[set][f.sets[set].n_macs++] =
				(struct mac_addr){{2, 0, 0, 0, 0, (uint8_t)random_below(6)}};
		break;
	case DP_SET_PORTS:
		random_ranges(set, 0, 10, one_in(8) ? 7000 : 1);
		break;
	case DP_SET_ICMP:
	case DP_SET_ICMP6:
		random_ranges(set, 0, 6, 256);
		break;
	case DP_SET_INTERFACES:
		random_ranges(set, 0, 6, 1);
		break;
	case DP_SET_PROTOCOLS:
		for (uint32_t i = random_below(4); i > 0; i--) {
			uint32_t p = protocols[random_below(COUNT(protocols))];

			fixture_add_range(&f, set, p, one_in(6) ? 255 : p);
		}
		break;
	}
	return set;
}

static struct dp_match_set random_match(enum dp_set_kind kind, uint32_t one_of)
{
	uint32_t per_kind = FIXTURE_SETS / (DP_SET_PROTOCOLS + 1);

	if (!one_in(one_of))
		return anything();
	return (struct dp_match_set){
		.set = (uint16_t)(kind * per_kind + random_below(per_kind)),
		.is_negated = one_in(4),
	};
}

static uint32_t random_zones(void)
{
	return one_in(3) ? 0 : random_below(UINT32_MAX) | 1u << zones[random_below(COUNT(zones))];
}

// Rules that tell hosts and ports apart, as those of a large policy do; a part takes anything.
static void make_telling(struct dp_rule *r, uint32_t any)
{
	struct dp_match_set *const asked[] = {
		&r->source, &r->destination, &r->source_port, &r->destination_port};

	for (unsigned i = 0; i < COUNT(asked); i++)
		if (random_below(10) >= any + 3 * (i == 2))
			*asked[i] = random_match(i < 2 ? DP_SET_ADDRESSES : DP_SET_PORTS, 1);
	// most only count, so that walks go deep; jumps that multiply would be refused
	if (!one_in(r->action == DP_JUMP ? 25 : 4))
		r->action = DP_CONTINUE;
	if (one_in(2))
		return;
	// and ask no more than that, so that something is left
	r->from_zones = r->to_zones = 0;
	r->protocol = r->icmp = r->icmp6 = r->mac = r->in_interface = r->out_interface = anything();
	r->states = 0;
}

static void random_rule(uint32_t n_lists, uint32_t list, bool is_telling, uint32_t any)
{
	static const enum dp_action actions[] = {DP_CONTINUE, DP_CONTINUE, DP_ACCEPT, DP_DROP,
		DP_REJECT, DP_RETURN, DP_JUMP, DP_JUMP};
	struct dp_rule *r = fixture_rule(&f, actions[random_below(COUNT(actions))]);

	if (r->action == DP_JUMP && list + 1 >= n_lists)
		r->action = DP_CONTINUE;
	if (r->action == DP_JUMP)
		r->jump_list = (uint16_t)(list + 1 + random_below(n_lists - list - 1));
	r->from_zones = random_zones();
	r->to_zones = random_zones();
	r->family = (uint8_t)(one_in(4) ? IP_V4 : one_in(4) ? IP_V6 : IP_NONE);
	r->in_interface = random_match(DP_SET_INTERFACES, 8);
	r->out_interface = random_match(DP_SET_INTERFACES, 8);
	r->source = random_match(DP_SET_ADDRESSES, 4);
	r->destination = random_match(DP_SET_ADDRESSES, 6);
	r->source_port = random_match(DP_SET_PORTS, 8);
	r->destination_port = random_match(DP_SET_PORTS, 5);
	r->protocol = random_match(DP_SET_PROTOCOLS, 4);
	r->icmp = random_match(DP_SET_ICMP, 8);
	r->icmp6 = random_match(DP_SET_ICMP6, 8);
	r->mac = random_match(DP_SET_MACS, 12);
	r->tcp_flags_mask = (uint8_t)(one_in(10) ? random_below(256) : 0);
	r->tcp_flags = (uint8_t)(random_below(256) & r->tcp_flags_mask);
	r->dscps = one_in(12) ? UINT64_C(0x5555555555555555) << random_below(2) : 0;
	r->states = (uint8_t)(one_in(6) ? random_below(16) : 0);
	r->is_dnat = (int8_t)(one_in(8) ? (int)random_below(2) : -1);
	r->mark_mask = one_in(8) ? random_below(8) : 0;
	r->mark = random_below(8) & r->mark_mask;
	r->schedule = (uint16_t)(one_in(12) ? random_below(DP_SCHEDULES_MAX) : DP_INDEX_NONE);
	r->rate = (uint16_t)(one_in(6) ? random_below(f.policy.n_rates) : DP_INDEX_NONE);
	r->is_above_rate = one_in(2);
	r->counter = (uint16_t)(one_in(5) ? random_below(COUNTERS) : DP_INDEX_NONE);
	r->log = (uint16_t)(one_in(5) ? random_below(f.policy.n_logs) : DP_INDEX_NONE);
	r->set_mark_mask = one_in(5) ? random_below(8) : 0;
	r->set_mark = random_below(8);
	r->add_timed = (uint16_t)(one_in(5) ? random_below(TIMED_SETS) : DP_INDEX_NONE);
	r->add_sec = random_below(100);
	r->add_destination = one_in(2);
	r->reject = random_below(DP_REJECT_PROHIBITED + 1);
	if (is_telling)
		make_telling(r, any);
}

static void random_rates_and_logs(void)
{
	// increments without a remainder: the model's whole numbers are then ours
	static const uint32_t packets[] = {1, 2, 5, 10, 100};

	f.policy.n_rates = FIXTURE_RATES;
	for (unsigned i = 0; i < FIXTURE_RATES; i++)
		f.rates[i] = (struct dp_rate){
			packets[random_below(COUNT(packets))], 1, 1 + random_below(4), one_in(2)};
	f.policy.n_logs = FIXTURE_LOGS;
	for (unsigned i = 0; i < FIXTURE_LOGS; i++)
		f.logs[i].rate =
			(uint16_t)(one_in(2) ? random_below(FIXTURE_RATES) : DP_INDEX_NONE);
}

static void random_policy(uint32_t n_rules, bool is_telling)
{
	static const enum dp_action defaults[] = {DP_ACCEPT, DP_DROP, DP_REJECT};
	uint32_t any = random_below(10);
	uint32_t n_lists = 1 + random_below(6);

	fixture_begin(&f);
	for (unsigned i = 0; i < FIXTURE_SETS / (DP_SET_PROTOCOLS + 1) * (DP_SET_PROTOCOLS + 1);
		i++)
		random_set(i / (FIXTURE_SETS / (DP_SET_PROTOCOLS + 1)));
	random_rates_and_logs();
	for (uint32_t list = 0; list < n_lists; list++) {
		uint32_t first = f.policy.n_rules;
		uint32_t end = n_rules * (list + 1) / n_lists;

		while (f.policy.n_rules < end)
			random_rule(n_lists, list, is_telling, any);
		fixture_list(&f, first);
	}
	for (unsigned hook = 0; hook < DP_HOOK_COUNT; hook++) {
		f.policy.defaults[hook] = defaults[random_below(3)];
		f.policy.hooks[hook] =
			(uint16_t)(one_in(12) ? DP_INDEX_NONE : random_below((n_lists + 1) / 2));
	}
}

static void random_timed_sets(uint32_t now_sec)
{
	for (unsigned i = 0; i < TIMED_SETS; i++) {
		timed_set_free(f.timed[i]);
		f.timed[i] = timed_set_new(64, NULL);
		assert_non_null(f.timed[i]);
		for (unsigned k = 0; k < 4; k++) {
			struct ip_prefix p = {.addr.family = one_in(2) ? IP_V4 : IP_V6};

			memcpy(p.addr.bytes, p.addr.family == IP_V4 ? host4 : host6,
				p.addr.family == IP_V4 ? 4 : 16);
			p.len = p.addr.family == IP_V4 ? 32 : 64;
			p.addr.bytes[p.addr.family == IP_V4 ? 3 : 7] =
				(uint8_t)random_below(SOURCES);
			timed_set_add(f.timed[i], &p, now_sec + random_below(20));
		}
	}
}

static struct rule_subject random_subject(uint8_t src[16], uint8_t dst[16])
{
	uint8_t family = one_in(2) ? IP_V4 : IP_V6;
	struct rule_subject s = {
		.family = family,
		.protocol = protocols[random_below(COUNT(protocols))],
		.from = zones[random_below(COUNT(zones))],
		.to = zones[random_below(COUNT(zones))],
		.src = src,
		.dst = dst,
		.tcp_flags = (uint8_t)random_below(256),
		.dscp = (uint8_t)random_below(64),
		.state = (uint8_t)(1 << random_below(4)),
		.in_interface = (uint8_t)(one_in(4) ? RULE_INTERFACE_NONE : random_below(8)),
		.out_interface = (uint8_t)(one_in(4) ? RULE_INTERFACE_NONE : random_below(8)),
		.mac = {{2, 0, 0, 0, 0, (uint8_t)random_below(6)}},
		.has_mac = !one_in(3),
		.is_dnat = one_in(3),
		.is_essential = one_in(6),
		.is_review = one_in(6),
		.mark = random_below(16),
		.bytes = random_below(1500),
	};

	memcpy(src, family == IP_V4 ? host4 : host6, family == IP_V4 ? 4 : 16);
	memcpy(dst, src, 16);
	src[family == IP_V4 ? 3 : 7] = (uint8_t)random_below(SOURCES);
	dst[family == IP_V4 ? 3 : 7] = (uint8_t)random_below(SOURCES);
	s.has_ports = (s.protocol == IPPROTO_TCP || s.protocol == IPPROTO_UDP) && !one_in(6);
	s.has_icmp = s.protocol == (family == IP_V6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (s.has_ports) {
		s.sport = (uint16_t)random_below(one_in(8) ? 65536 : 12);
		s.dport = (uint16_t)random_below(one_in(8) ? 65536 : 12);
	}
	if (s.has_icmp)
		s.icmp = (uint16_t)(random_below(8) << 8 | random_below(3));
	return s;
}

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
	for (unsigned i = 0; i < f.ruleset->n_counters; i++) {
		assert_int_equal(f.state.counters[i].packets, model.counter_packets[i]);
		assert_int_equal(f.state.counters[i].bytes, model.counter_bytes[i]);
	}
	for (unsigned i = 0; i < FIXTURE_LOGS; i++)
		assert_int_equal(f.state.log_lost[i], model.log_lost[i]);
	assert_int_equal(f.state.additions_lost, model.additions_lost);
	for (unsigned i = 0; i < DP_HOOK_COUNT; i++)
		assert_int_equal(f.state.defaults[i].packets, model.defaults[i]);
}

struct tally {
	unsigned seen[DP_REJECT + 1], by_rule, n_classified;
};

static void judge_packets(unsigned policy, unsigned n, struct rules_now *now, struct tally *tally)
{
	for (unsigned packet = 0; packet < n; packet++) {
		uint8_t src[16], dst[16];
		struct rule_subject s = random_subject(src, dst);
		enum dp_hook hook = random_below(DP_HOOK_COUNT);
		struct rule_verdict got, want;

		now->now_ms += random_below(60);
		now->now_sec = (uint32_t)(now->now_ms / 1000);
		now->schedules = random_below(UINT32_MAX) * UINT64_C(0x100000001);
		got = fixture_judge(&f, hook, &s, now);
		want = model_judge(hook, &s, now);
		compare(policy, packet, &got, &want);
		tally->seen[got.action]++;
		tally->by_rule += got.rule != RULE_DEFAULT;
	}
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

		memset(&model, 0, sizeof(model));
		now.now_ms += 1000000; // no rate remembers the last policy
		now.now_sec = (uint32_t)(now.now_ms / 1000);
		random_policy(n_rules, is_large);
		random_timed_sets(now.now_sec);
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
