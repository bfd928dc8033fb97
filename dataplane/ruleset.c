// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ruleset.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/classifier.h"
#include "dataplane/policy_check.h"

enum {
	STATES = DP_STATE_NEW | DP_STATE_ESTABLISHED | DP_STATE_RELATED | DP_STATE_INVALID,
	PROTOCOLS = 256,
};

static_assert(DP_STATE_NEW << FACT_STATE_SHIFT == FACT_NEW, "a state is a fact, shifted");
static_assert(DP_STATE_INVALID << FACT_STATE_SHIFT == FACT_INVALID, "a state is a fact, shifted");
static_assert(DP_SCHEDULES_MAX <= 64, "a bit for each schedule");

// What a set comes to, so that rules need not ask it.
struct set_digest {
	uint16_t first_port, last_port; // the least and the most
	bool is_one_range;		// and all between them
	uint32_t protocols;		// facts of the well-known ones that it has
	unsigned n_other_protocols;	// beside them
};

// --- sets ---

static struct set_digest digest_ports(const struct dp_set *from)
{
	struct set_digest digest = {.first_port = UINT16_MAX, .is_one_range = from->n_ranges == 1};

	for (uint32_t i = 0; i < from->n_ranges; i++) {
		uint32_t first = from->ranges[i].first, last = from->ranges[i].last;

		if (first > UINT16_MAX)
			continue;
		if (last > UINT16_MAX)
			last = UINT16_MAX;
		if (first < digest.first_port)
			digest.first_port = (uint16_t)first;
		if (last > digest.last_port)
			digest.last_port = (uint16_t)last;
	}
	return digest;
}

static struct set_digest digest_protocols(const struct set *set)
{
	struct set_digest digest = {0};

	for (uint32_t i = 0; i < PROTOCOLS; i++) {
		uint32_t fact = ruleset_protocol_fact((uint8_t)i);

		if (!set_has_number(set, i))
			continue;
		if (fact == FACT_OTHER_PROTOCOL)
			digest.n_other_protocols++;
		else
			digest.protocols |= fact;
	}
	return digest;
}

static int compile_sets(struct ruleset *rs, const struct dp_policy *policy,
	struct timed_set *const timed[], struct set_digest *digests, struct error *err)
{
	for (unsigned i = 0; i < policy->n_sets; i++) {
		const struct dp_set *from = &policy->sets[i];
		struct error why;

		errno = 0;
		rs->sets[i].set = set_new(from, &why);
		if (rs->sets[i].set == NULL) {
			error_set(err, "set %u: %s", i, why.text);
			return errno == ENOMEM ? -ENOMEM : -EINVAL;
		}
		if (from->timed != DP_INDEX_NONE)
			rs->sets[i].timed = timed[from->timed];
		rs->bytes += set_bytes(rs->sets[i].set);
		if (from->kind == DP_SET_PORTS)
			digests[i] = digest_ports(from);
		else if (from->kind == DP_SET_PROTOCOLS)
			digests[i] = digest_protocols(rs->sets[i].set);
	}
	return 0;
}

// --- rules ---

static void ask(struct rule_match *m, enum rule_key key, const struct dp_match_set *match)
{
	m->sets[key] = match->set;
	if (match->set == DP_INDEX_NONE)
		return;
	m->asks |= (uint16_t)(1 << key);
	m->is_negated |= (uint16_t)(match->is_negated << key);
}

static void ask_port(struct rule_match *m, enum rule_key key, const struct dp_match_set *match,
	const struct set_digest *digests, uint16_t *first, uint16_t *last)
{
	*first = 0;
	*last = UINT16_MAX;
	ask(m, key, match);
	if (match->set == DP_INDEX_NONE)
		return;
	m->refuses |= FACT_NO_PORTS;
	if (match->is_negated)
		return;
	*first = digests[match->set].first_port;
	*last = digests[match->set].last_port;
	if (digests[match->set].is_one_range)
		m->asks &= (uint16_t) ~(1 << key);
}

static void ask_protocol(
	struct rule_match *m, const struct dp_match_set *match, const struct set_digest *digests)
{
	const uint32_t known = FACT_TCP | FACT_UDP | FACT_ICMP | FACT_ICMP6;
	const unsigned n_others = PROTOCOLS - 4;
	const struct set_digest *digest;
	unsigned n;

	ask(m, KEY_PROTOCOL, match);
	if (match->set == DP_INDEX_NONE)
		return;
	digest = &digests[match->set];
	m->refuses |= match->is_negated ? digest->protocols : known & ~digest->protocols;
	n = match->is_negated ? n_others - digest->n_other_protocols : digest->n_other_protocols;
	if (n == 0)
		m->refuses |= FACT_OTHER_PROTOCOL;
	if (n == 0 || n == n_others)
		m->asks &= (uint16_t) ~(1 << KEY_PROTOCOL);
}

static void ask_icmp(struct rule_match *m, const struct dp_rule *from)
{
	bool has_icmp = from->icmp.set != DP_INDEX_NONE,
	     has_icmp6 = from->icmp6.set != DP_INDEX_NONE;

	ask(m, KEY_ICMP, &from->icmp);
	ask(m, KEY_ICMP6, &from->icmp6);
	if (has_icmp || has_icmp6)
		m->refuses |= FACT_NO_ICMP;
	if (has_icmp && !has_icmp6)
		m->refuses |= FACT_IP6;
	if (has_icmp6 && !has_icmp)
		m->refuses |= FACT_IP4;
	// What must not break by accident: a rule has to name what it means. Jumps and returns
	// decide nothing by themselves.
	if (from->action == DP_JUMP || from->action == DP_RETURN)
		return;
	if (!has_icmp || from->icmp.is_negated)
		m->refuses |= FACT_ESSENTIAL4;
	if (!has_icmp6 || from->icmp6.is_negated)
		m->refuses |= FACT_ESSENTIAL6;
}

static void ask_interface(
	struct rule_match *m, enum rule_key key, const struct dp_match_set *match, uint32_t lacks)
{
	ask(m, key, match);
	if (match->set != DP_INDEX_NONE)
		m->refuses |= lacks;
}

static void ask_facts(struct rule_match *m, const struct dp_rule *from)
{
	if (from->family == IP_V4)
		m->refuses |= FACT_IP6;
	if (from->family == IP_V6)
		m->refuses |= FACT_IP4;
	if (from->states != 0)
		m->refuses |= (uint32_t)(~from->states & STATES) << FACT_STATE_SHIFT;
	if (from->is_dnat == 1)
		m->refuses |= FACT_NO_DNAT;
	if (from->is_dnat == 0)
		m->refuses |= FACT_DNAT;
	if (from->tcp_flags_mask != 0)
		m->refuses |= FACT_NO_TCP_FLAGS;
	if (from->mac.set != DP_INDEX_NONE)
		m->refuses |= FACT_NO_MAC;
	if (from->rate != DP_INDEX_NONE && from->is_above_rate)
		m->refuses |= FACT_REVIEW;
}

static void compile_match(struct rule_match *m, const struct dp_rule *from,
	const struct set_digest *digests, const uint16_t *cells)
{
	*m = (struct rule_match){
		.dscps = from->dscps != 0 ? from->dscps : UINT64_MAX,
		.mark = from->mark & from->mark_mask,
		.mark_mask = from->mark_mask,
		.tcp_flags = from->tcp_flags & from->tcp_flags_mask,
		.tcp_flags_mask = from->tcp_flags_mask,
		.schedule = from->schedule != DP_INDEX_NONE ? (uint8_t)from->schedule : RULE_ALWAYS,
		.rate = from->rate != DP_INDEX_NONE ? cells[from->rate] : DP_INDEX_NONE,
		.is_above_rate = from->is_above_rate,
	};
	ask_facts(m, from);
	ask_protocol(m, &from->protocol, digests);
	ask_port(m, KEY_DESTINATION_PORT, &from->destination_port, digests, &m->first_dport,
		&m->last_dport);
	ask_port(m, KEY_SOURCE_PORT, &from->source_port, digests, &m->first_sport, &m->last_sport);
	ask_icmp(m, from);
	ask_interface(m, KEY_IN_INTERFACE, &from->in_interface, FACT_NO_IN);
	ask_interface(m, KEY_OUT_INTERFACE, &from->out_interface, FACT_NO_OUT);
	ask(m, KEY_MAC, &from->mac);
	ask(m, KEY_DESTINATION, &from->destination);
	ask(m, KEY_SOURCE, &from->source);
}

static struct rule_effect effect_of(const struct dp_rule *from)
{
	return (struct rule_effect){
		.set_mark = from->set_mark & from->set_mark_mask,
		.set_mark_mask = from->set_mark_mask,
		.add_sec = from->add_sec,
		.add_timed = from->add_timed,
		.add_destination = from->add_destination,
		.add_ip6_len = from->add_ip6_len,
		.counter = from->counter,
		.log = from->log,
		.jump_list = from->jump_list,
		.action = (uint8_t)from->action,
		.reject = (uint8_t)from->reject,
	};
}

static void enter_in_rows(struct ruleset *rs, uint32_t rule, const struct dp_rule *from)
{
	uint64_t bit = UINT64_C(1) << rule % 64;

	for (unsigned zone = 0; zone < DP_ZONES_MAX; zone++) {
		if (from->from_zones == 0 || (from->from_zones >> zone & 1) != 0)
			rs->from_rows[zone][rule / 64] |= bit;
		if (from->to_zones == 0 || (from->to_zones >> zone & 1) != 0)
			rs->to_rows[zone][rule / 64] |= bit;
	}
}

static void compile_rules(
	struct ruleset *rs, const struct dp_policy *policy, const struct set_digest *digests)
{
	for (uint32_t i = 0; i < rs->n_rules; i++) {
		const struct dp_rule *from = &policy->rules[i];

		compile_match(&rs->matches[i], from, digests, rs->cells);
		rs->effects[i] = effect_of(from);
		enter_in_rows(rs, i, from);
		if (from->counter != DP_INDEX_NONE && from->counter >= rs->n_counters)
			rs->n_counters = from->counter + 1u;
	}
}

// --- all of it ---

// Zeroed, and on lines of its own: no worker waits for another's writes next to it.
static void *array_new(struct ruleset *rs, uint64_t n, uint64_t bytes)
{
	uint64_t total = (n * bytes + 63) / 64 * 64;
	void *array = aligned_alloc(64, total > 0 ? total : 64);

	if (array != NULL)
		memset(array, 0, total);
	rs->bytes += total;
	return array;
}

static int take_arrays(struct ruleset *rs, const struct dp_policy *policy)
{
	uint64_t words;

	rs->n_rules = policy->has_firewall ? policy->n_rules : 0;
	rs->n_sets = policy->n_sets;
	rs->n_logs = policy->n_logs;
	words = (rs->n_rules + UINT64_C(63)) / 64;
	rs->matches = array_new(rs, rs->n_rules, sizeof(rs->matches[0]));
	rs->effects = array_new(rs, rs->n_rules, sizeof(rs->effects[0]));
	rs->rows = array_new(rs, words * 2 * DP_ZONES_MAX, sizeof(rs->rows[0]));
	rs->lists = array_new(rs, policy->n_lists, sizeof(rs->lists[0]));
	rs->sets = array_new(rs, policy->n_sets, sizeof(rs->sets[0]));
	rs->log_rates = array_new(rs, policy->n_logs, sizeof(rs->log_rates[0]));
	rs->cells = array_new(rs, policy->n_rates, sizeof(rs->cells[0]));
	if (rs->matches == NULL || rs->effects == NULL || rs->rows == NULL || rs->lists == NULL ||
		rs->sets == NULL || rs->log_rates == NULL || rs->cells == NULL)
		return -ENOMEM;
	for (unsigned zone = 0; zone < DP_ZONES_MAX; zone++) {
		rs->from_rows[zone] = &rs->rows[words * zone];
		rs->to_rows[zone] = &rs->rows[words * (DP_ZONES_MAX + zone)];
	}
	return 0;
}

static void note_hook_words(struct ruleset *rs)
{
	for (unsigned hook = 0; hook < DP_HOOK_COUNT; hook++) {
		const struct dp_list *list;

		if (rs->hooks[hook] == DP_INDEX_NONE)
			continue;
		list = &rs->lists[rs->hooks[hook]];
		if (list->n >= rs->classifier->from_rules)
			rs->hook_words[hook] = UINT64_MAX >> (CLASSIFIER_WORD - list->n)
								     << list->first;
	}
}

static int classify(struct ruleset *rs, struct error *err)
{
	rs->classifier = classifier_new(rs);
	if (rs->classifier != NULL) {
		rs->bytes += classifier_bytes(rs->classifier);
		if (rs->classifier->is_one_word)
			note_hook_words(rs);
	} else if (errno != 0) {
		error_set(err, "no memory to classify %u rules", rs->n_rules);
		return -ENOMEM;
	}
	return 0;
}

static int claim_rates(struct ruleset *rs, const struct dp_policy *policy, struct error *err)
{
	if (rate_claim(rs->rates, policy->rates, policy->n_rates, rs->cells) != 0) {
		error_set(err, "more than two policies hold rates at a time");
		return -ENOSPC;
	}
	rs->n_rates = policy->n_rates;
	for (unsigned i = 0; i < policy->n_rates && rs->n_cells_ahead < RULESET_AHEAD_MAX; i++)
		if (policy->rates[i].is_per_source)
			rs->cells_ahead[rs->n_cells_ahead++] = rs->cells[i];
	for (unsigned i = 0; i < policy->n_logs; i++) {
		uint16_t rate = policy->logs[i].rate;

		rs->log_rates[i] = rate != DP_INDEX_NONE ? rs->cells[rate] : DP_INDEX_NONE;
	}
	return 0;
}

static int compile(struct ruleset *rs, const struct dp_policy *policy,
	struct timed_set *const timed[], struct error *err)
{
	struct set_digest *digests = calloc(policy->n_sets + 1u, sizeof(digests[0]));
	int error = digests != NULL ? take_arrays(rs, policy) : -ENOMEM;

	if (error != 0)
		error_set(err, "no memory for %u rules", policy->n_rules);
	else
		error = compile_sets(rs, policy, timed, digests, err);
	if (error == 0)
		error = claim_rates(rs, policy, err);
	if (error == 0) {
		if (policy->n_lists > 0)
			memcpy(rs->lists, policy->lists, policy->n_lists * sizeof(rs->lists[0]));
		compile_rules(rs, policy, digests);
		error = classify(rs, err);
	}
	free(digests);
	return error;
}

struct ruleset *ruleset_new(const struct dp_policy *policy,
	struct timed_set *const timed[DP_TIMED_SETS_MAX], struct rate_table *rates,
	struct error *err)
{
	struct ruleset *rs;
	int error = policy_check(policy, timed, err);

	if (error != 0) {
		errno = -error;
		return NULL;
	}
	rs = calloc(1, sizeof(*rs));
	if (rs == NULL) {
		error_set(err, "no memory for %u rules", policy->n_rules);
		return NULL;
	}
	rs->bytes = sizeof(*rs);
	rs->rates = rates;
	rs->has_firewall = policy->has_firewall;
	memcpy(rs->hooks, policy->hooks, sizeof(rs->hooks));
	for (unsigned i = 0; i < sizeof(rs->zones); i++)
		rs->zones[i] = policy->zones[i] != DP_ZONE_ROUTER ? policy->zones[i] : DP_ZONE_NONE;
	for (unsigned hook = 0; hook < DP_HOOK_COUNT; hook++)
		rs->defaults[hook] = (uint8_t)policy->defaults[hook];
	error = compile(rs, policy, timed, err);
	if (error != 0) {
		ruleset_free(rs);
		errno = -error;
		return NULL;
	}
	return rs;
}

void ruleset_free(struct ruleset *rs)
{
	if (rs == NULL)
		return;
	if (rs->n_rates > 0)
		rate_release(rs->rates, rs->cells, rs->n_rates);
	for (unsigned i = 0; rs->sets != NULL && i < rs->n_sets; i++)
		set_free(rs->sets[i].set);
	classifier_free(rs->classifier);
	free(rs->matches);
	free(rs->effects);
	free(rs->rows);
	free(rs->lists);
	free(rs->sets);
	free(rs->log_rates);
	free(rs->cells);
	free(rs);
}

uint64_t ruleset_bytes(const struct ruleset *rs)
{
	return rs->bytes;
}
