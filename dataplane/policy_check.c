// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/policy_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/rate.h"

enum { HYGIENE_RPF = DP_HYGIENE_RPF_STRICT | DP_HYGIENE_RPF_FEASIBLE | DP_HYGIENE_RPF_LOOSE };

static const char *const kind_names[] = {
	[DP_SET_ADDRESSES] = "addresses",
	[DP_SET_PORTS] = "ports",
	[DP_SET_MACS] = "MACs",
	[DP_SET_ICMP] = "ICMP types",
	[DP_SET_ICMP6] = "ICMPv6 types",
	[DP_SET_INTERFACES] = "interfaces",
	[DP_SET_PROTOCOLS] = "protocols",
};

static bool is_family(uint8_t family)
{
	return family == IP_NONE || family == IP_V4 || family == IP_V6;
}

static bool is_index(uint16_t index, unsigned n)
{
	return index == DP_INDEX_NONE || index < n;
}

static bool is_verdict(enum dp_action action)
{
	return action == DP_ACCEPT || action == DP_DROP || action == DP_REJECT;
}

static int check_array(
	const char *what, const void *array, unsigned n, unsigned max, struct error *err)
{
	if (n > max)
		return error_set(err, "%u %s: there may be %u", n, what, max);
	if (n > 0 && array == NULL)
		return error_set(err, "%u %s, and none given", n, what);
	return 0;
}

static int check_arrays(const struct dp_policy *p, struct error *err)
{
	if (check_array("lists", p->lists, p->n_lists, DP_LISTS_MAX, err) != 0 ||
		check_array("rules", p->rules, p->n_rules, DP_RULES_MAX, err) != 0 ||
		check_array("sets", p->sets, p->n_sets, DP_SETS_MAX, err) != 0 ||
		check_array("rates", p->rates, p->n_rates, DP_RATES_MAX, err) != 0 ||
		check_array("logs", p->logs, p->n_logs, DP_LOGS_MAX, err) != 0)
		return -1;
	return check_array("translations", p->nats, p->n_nats, DP_NATS_MAX, err);
}

// --- sets ---

static int check_set(
	const struct dp_set *set, unsigned i, struct timed_set *const timed[], struct error *err)
{
	if ((unsigned)set->kind >= sizeof(kind_names) / sizeof(kind_names[0]))
		return error_set(err, "set %u: there is no kind %d", i, (int)set->kind);
	if ((set->n_prefixes > 0 && set->prefixes == NULL) ||
		(set->n_ranges > 0 && set->ranges == NULL) ||
		(set->n_macs > 0 && set->macs == NULL))
		return error_set(err, "set %u: has elements, and none given", i);
	if ((set->kind != DP_SET_ADDRESSES && set->n_prefixes > 0) ||
		(set->kind != DP_SET_MACS && set->n_macs > 0) ||
		((set->kind == DP_SET_ADDRESSES || set->kind == DP_SET_MACS) && set->n_ranges > 0))
		return error_set(
			err, "set %u: has elements that are no %s", i, kind_names[set->kind]);
	if (set->timed == DP_INDEX_NONE)
		return 0;
	if (set->kind != DP_SET_ADDRESSES)
		return error_set(err, "set %u: only sets of addresses have a timed part", i);
	if (set->timed >= DP_TIMED_SETS_MAX || timed[set->timed] == NULL)
		return error_set(err, "set %u: there is no timed set %u", i, set->timed);
	return 0;
}

static int check_sets(const struct dp_policy *p, struct timed_set *const timed[], struct error *err)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < p->n_sets; i++) {
		const struct dp_set *set = &p->sets[i];

		if (check_set(set, i, timed, err) != 0)
			return -1;
		n += (uint64_t)set->n_prefixes + set->n_ranges + set->n_macs;
		if (n > DP_ELEMENTS_MAX)
			return error_set(err, "set %u: more than %d elements with those before it",
				i, DP_ELEMENTS_MAX);
	}
	return 0;
}

static int check_match(const struct dp_policy *p, const char *what, unsigned i, const char *field,
	const struct dp_match_set *match, enum dp_set_kind kind, struct error *err)
{
	if (match->set == DP_INDEX_NONE)
		return 0;
	if (match->set >= p->n_sets)
		return error_set(err, "%s %u: %s: there is no set %u", what, i, field, match->set);
	if (p->sets[match->set].kind != kind)
		return error_set(err, "%s %u: %s: set %u is of %s, not of %s", what, i, field,
			match->set, kind_names[p->sets[match->set].kind], kind_names[kind]);
	return 0;
}

// --- rules ---

static int check_rule_sets(
	const struct dp_policy *p, const struct dp_rule *r, unsigned i, struct error *err)
{
	const struct {
		const char *field;
		const struct dp_match_set *match;
		enum dp_set_kind kind;
	} rows[] = {
		{"in_interface", &r->in_interface, DP_SET_INTERFACES},
		{"out_interface", &r->out_interface, DP_SET_INTERFACES},
		{"source", &r->source, DP_SET_ADDRESSES},
		{"destination", &r->destination, DP_SET_ADDRESSES},
		{"source_port", &r->source_port, DP_SET_PORTS},
		{"destination_port", &r->destination_port, DP_SET_PORTS},
		{"protocol", &r->protocol, DP_SET_PROTOCOLS},
		{"icmp", &r->icmp, DP_SET_ICMP},
		{"icmp6", &r->icmp6, DP_SET_ICMP6},
		{"mac", &r->mac, DP_SET_MACS},
	};

	for (unsigned k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
		if (check_match(p, "rule", i, rows[k].field, rows[k].match, rows[k].kind, err) != 0)
			return -1;
	return 0;
}

static int check_rule_numbers(const struct dp_rule *r, unsigned i, struct error *err)
{
	const uint8_t states =
		DP_STATE_NEW | DP_STATE_ESTABLISHED | DP_STATE_RELATED | DP_STATE_INVALID;

	if (!is_family(r->family))
		return error_set(err, "rule %u: there is no family %u", i, r->family);
	if ((r->states & ~states) != 0)
		return error_set(err, "rule %u: unknown connection state in %#x", i, r->states);
	if (r->is_dnat < -1 || r->is_dnat > 1)
		return error_set(err, "rule %u: is_dnat is %d", i, r->is_dnat);
	// A mask of 0 asks nothing; otherwise these could never match, and nobody would notice.
	if (r->tcp_flags_mask != 0 && (r->tcp_flags & ~r->tcp_flags_mask) != 0)
		return error_set(err, "rule %u: TCP flags %#x that its mask %#x hides", i,
			r->tcp_flags, r->tcp_flags_mask);
	if (r->mark_mask != 0 && (r->mark & ~r->mark_mask) != 0)
		return error_set(
			err, "rule %u: mark %#x that its mask %#x hides", i, r->mark, r->mark_mask);
	if ((unsigned)r->action > DP_RETURN)
		return error_set(err, "rule %u: there is no action %d", i, (int)r->action);
	if ((unsigned)r->reject > DP_REJECT_PROHIBITED)
		return error_set(err, "rule %u: there is no reject %d", i, (int)r->reject);
	return 0;
}

static int check_rule_indexes(const struct dp_policy *p, const struct dp_rule *r, unsigned i,
	struct timed_set *const timed[], struct error *err)
{
	if (!is_index(r->schedule, DP_SCHEDULES_MAX))
		return error_set(err, "rule %u: there is no schedule %u", i, r->schedule);
	if (!is_index(r->rate, p->n_rates))
		return error_set(err, "rule %u: there is no rate %u", i, r->rate);
	if (!is_index(r->counter, DP_COUNTERS_MAX))
		return error_set(err, "rule %u: there is no counter %u", i, r->counter);
	if (!is_index(r->log, p->n_logs))
		return error_set(err, "rule %u: there is no log %u", i, r->log);
	if (!is_index(r->add_timed, DP_TIMED_SETS_MAX) ||
		(r->add_timed != DP_INDEX_NONE && timed[r->add_timed] == NULL))
		return error_set(err, "rule %u: there is no timed set %u", i, r->add_timed);
	if (r->add_ip6_len > 128)
		return error_set(err, "rule %u: no IPv6 network is /%u", i, r->add_ip6_len);
	if (r->action == DP_JUMP && r->jump_list >= p->n_lists)
		return error_set(err, "rule %u: there is no list %u", i, r->jump_list);
	return 0;
}

static int check_rules(
	const struct dp_policy *p, struct timed_set *const timed[], struct error *err)
{
	for (unsigned i = 0; i < p->n_rules; i++)
		if (check_rule_sets(p, &p->rules[i], i, err) != 0 ||
			check_rule_numbers(&p->rules[i], i, err) != 0 ||
			check_rule_indexes(p, &p->rules[i], i, timed, err) != 0)
			return -1;
	return 0;
}

// --- lists ---

enum visit {
	VISIT_NOT_YET = 0,
	VISIT_BEGUN,
	VISIT_DONE,
};

struct list_visit {
	uint8_t visit;	// enum visit
	uint16_t depth; // lists deep, from this one on
	uint32_t steps;
};

// As deep in recursion as there are lists at most.
static int visit_list(
	const struct dp_policy *p, struct list_visit *visits, unsigned list, struct error *err)
{
	struct list_visit *v = &visits[list];
	const struct dp_list *rules = &p->lists[list];

	if (v->visit == VISIT_BEGUN)
		return error_set(err, "list %u jumps back to itself", list);
	if (v->visit == VISIT_DONE)
		return 0;
	v->visit = VISIT_BEGUN;
	for (uint32_t i = rules->first; i < rules->first + rules->n; i++) {
		const struct dp_rule *r = &p->rules[i];
		uint64_t steps = v->steps + 1;

		if (r->action == DP_JUMP) {
			const struct list_visit *to = &visits[r->jump_list];

			if (visit_list(p, visits, r->jump_list, err) != 0)
				return -1;
			steps += to->steps;
			if (to->depth + 1 > v->depth)
				v->depth = (uint16_t)(to->depth + 1);
		}
		if (steps > POLICY_STEPS_MAX)
			return error_set(err,
				"list %u: a packet may have to pass more than %d rules in it and "
				"in the lists it jumps to",
				list, POLICY_STEPS_MAX);
		v->steps = (uint32_t)steps;
	}
	if (v->depth > DP_JUMPS_MAX)
		return error_set(
			err, "list %u: jumps go more than %d lists deep", list, DP_JUMPS_MAX);
	v->visit = VISIT_DONE;
	return 0;
}

static int check_lists(const struct dp_policy *p, struct error *err)
{
	struct list_visit visits[DP_LISTS_MAX] = {0};

	for (unsigned i = 0; i < p->n_lists; i++)
		if ((uint64_t)p->lists[i].first + p->lists[i].n > p->n_rules)
			return error_set(err, "list %u ends behind the last rule", i);
	for (unsigned i = 0; i < p->n_lists; i++)
		if (visit_list(p, visits, i, err) != 0)
			return -1;
	return 0;
}

// --- translations and the rest ---

static int check_nat(const struct dp_policy *p, unsigned i, struct error *err)
{
	const struct dp_nat *nat = &p->nats[i];

	if ((unsigned)nat->kind > DP_NAT_EXEMPT)
		return error_set(err, "translation %u: there is no kind %d", i, (int)nat->kind);
	if (!is_family(nat->family))
		return error_set(err, "translation %u: there is no family %u", i, nat->family);
	if (nat->interface < -1 || nat->interface >= (int)sizeof(p->zones))
		return error_set(
			err, "translation %u: there is no interface %d", i, nat->interface);
	if (nat->outside.len > ip_family_bits(nat->outside.addr.family) ||
		nat->inside.len > ip_family_bits(nat->inside.addr.family) ||
		!is_family(nat->outside.addr.family) || !is_family(nat->inside.addr.family))
		return error_set(err, "translation %u: inside or outside is no prefix", i);
	if (nat->first_port > nat->last_port || (nat->first_port == 0 && nat->last_port != 0))
		return error_set(err, "translation %u: there are no ports %u to %u", i,
			nat->first_port, nat->last_port);
	if (nat->inside_port + (nat->last_port - nat->first_port) > UINT16_MAX)
		return error_set(err, "translation %u: ports from %u on end beyond 65535", i,
			nat->inside_port);
	if (check_match(p, "translation", i, "source", &nat->source, DP_SET_ADDRESSES, err) != 0 ||
		check_match(p, "translation", i, "destination", &nat->destination, DP_SET_ADDRESSES,
			err) != 0)
		return -1;
	return check_match(p, "translation", i, "protocol", &nat->protocol, DP_SET_PROTOCOLS, err);
}

static int check_rates_and_logs(const struct dp_policy *p, struct error *err)
{
	struct error why;

	for (unsigned i = 0; i < p->n_rates; i++)
		if (rate_check(&p->rates[i], &why) != 0)
			return error_set(err, "rate %u: %s", i, why.text);
	for (unsigned i = 0; i < p->n_logs; i++) {
		if (!is_index(p->logs[i].rate, p->n_rates))
			return error_set(err, "log %u: there is no rate %u", i, p->logs[i].rate);
		if (memchr(p->logs[i].prefix, '\0', sizeof(p->logs[i].prefix)) == NULL)
			return error_set(err, "log %u: its prefix has no end", i);
	}
	return 0;
}

static int check_hooks(const struct dp_policy *p, struct error *err)
{
	for (unsigned hook = 0; hook < DP_HOOK_COUNT; hook++) {
		if (!is_index(p->hooks[hook], p->n_lists))
			return error_set(err, "hook %u: there is no list %u", hook, p->hooks[hook]);
		if (!is_verdict(p->defaults[hook]))
			return error_set(err, "hook %u: its default %d is no verdict", hook,
				(int)p->defaults[hook]);
	}
	return 0;
}

static int check_interfaces(const struct dp_policy *p, struct error *err)
{
	for (unsigned i = 0; i < sizeof(p->zones); i++) {
		uint16_t rpf = p->hygiene[i] & HYGIENE_RPF;

		if (p->zones[i] >= DP_ZONES_MAX)
			return error_set(err, "interface %u: there is no zone %u", i, p->zones[i]);
		if ((rpf & (rpf - 1)) != 0)
			return error_set(err, "interface %u: one reverse path check at most", i);
	}
	return 0;
}

static int check_helpers(const struct dp_policy *p, struct error *err)
{
	for (unsigned i = 0; i < DP_HELPER_COUNT; i++)
		if (p->helpers[i].n > DP_HELPER_PORTS_MAX)
			return error_set(err, "helper %u: %u ports, the most is %d", i,
				p->helpers[i].n, DP_HELPER_PORTS_MAX);
	return 0;
}

int policy_check(const struct dp_policy *policy, struct timed_set *const timed[DP_TIMED_SETS_MAX],
	struct error *err)
{
	if (check_interfaces(policy, err) != 0 || check_arrays(policy, err) != 0 ||
		check_helpers(policy, err) != 0)
		return -EINVAL;
	if (check_sets(policy, timed, err) != 0)
		return -EINVAL;
	for (unsigned i = 0; i < policy->n_nats; i++)
		if (check_nat(policy, i, err) != 0)
			return -EINVAL;
	if (check_rates_and_logs(policy, err) != 0)
		return -EINVAL;
	// Without a firewall nobody asks the rules, and control need not fill their part.
	if (!policy->has_firewall)
		return 0;
	if (check_hooks(policy, err) != 0 || check_rules(policy, timed, err) != 0 ||
		check_lists(policy, err) != 0)
		return -EINVAL;
	return 0;
}
