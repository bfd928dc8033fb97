// SPDX-License-Identifier: BSD-3-Clause
// From the policy's translations to those that workers ask. What makes no sense is refused here
// with the number of the translation, so that nothing has to be doubted later.
#include <stdlib.h>

#include "dataplane/nat_prefix.h"
#include "dataplane/nat_rules_private.h"
#include "dataplane/policy.h"

static bool is_single(const struct ip_prefix *prefix)
{
	return prefix->addr.family != IP_NONE && prefix->len == ip_family_bits(prefix->addr.family);
}

static bool is_prefix(const struct ip_prefix *prefix)
{
	unsigned bits = ip_family_bits(prefix->addr.family);

	return (bits != 0 || prefix->addr.family == IP_NONE) && prefix->len <= bits;
}

static int check_match(const struct dp_policy *policy, unsigned i, const struct dp_match_set *match,
	enum dp_set_kind kind, struct error *err)
{
	if (match->set == DP_INDEX_NONE)
		return 0;
	if (match->set >= policy->n_sets || policy->sets[match->set].kind != kind)
		return error_set(err, "translation %u: there is no such set as %u", i, match->set);
	return 0;
}

static int check_matches(
	const struct dp_policy *policy, unsigned i, const struct dp_nat *nat, struct error *err)
{
	if (check_match(policy, i, &nat->source, DP_SET_ADDRESSES, err) != 0 ||
		check_match(policy, i, &nat->destination, DP_SET_ADDRESSES, err) != 0)
		return -1;
	return check_match(policy, i, &nat->protocol, DP_SET_PROTOCOLS, err);
}

static int check_ports(unsigned i, const struct dp_nat *nat, struct error *err)
{
	if (nat->first_port > nat->last_port || (nat->first_port == 0 && nat->last_port != 0))
		return error_set(
			err, "translation %u: ports %u to %u", i, nat->first_port, nat->last_port);
	if (nat->inside_port != 0 && nat->first_port == 0)
		return error_set(err, "translation %u: an inside port, and none outside", i);
	if (nat->inside_port + (nat->last_port - nat->first_port) > UINT16_MAX)
		return error_set(err, "translation %u: inside ports end beyond 65535", i);
	return 0;
}

static int check_one_to_one(unsigned i, const struct dp_nat *nat, struct error *err)
{
	if (nat->outside.addr.family == IP_NONE
			? is_single(&nat->inside)
			: nat->inside.addr.family == nat->outside.addr.family &&
				  nat->inside.len == nat->outside.len)
		return 0;
	return error_set(err, "translation %u: inside and outside are not of one size", i);
}

static int check_kind(unsigned i, const struct dp_nat *nat, struct error *err)
{
	bool needs_interface = nat->outside.addr.family == IP_NONE && nat->interface < 0;

	switch (nat->kind) {
	case DP_NAT_SOURCE: // the interface is the one it leaves by
	case DP_NAT_EXEMPT:
		return 0;
	case DP_NAT_PREFIX:
		if (!nat_prefix_fits(&nat->inside, &nat->outside))
			return error_set(err,
				"translation %u: no two IPv6 prefixes of one length up to 112", i);
		return 0;
	case DP_NAT_ONE_TO_ONE:
		if (check_one_to_one(i, nat, err) != 0)
			return -1;
		break;
	case DP_NAT_FORWARD:
		if (!is_single(&nat->inside))
			return error_set(err, "translation %u: inside is no single address", i);
		if (nat->outside.addr.family != IP_NONE &&
			nat->outside.addr.family != nat->inside.addr.family)
			return error_set(err, "translation %u: addresses of two families", i);
		break;
	case DP_NAT_REDIRECT:
		break;
	}
	if (needs_interface)
		return error_set(err, "translation %u: neither address nor interface outside", i);
	return check_ports(i, nat, err);
}

static int check(const struct dp_policy *policy, unsigned i, struct error *err)
{
	const struct dp_nat *nat = &policy->nats[i];

	if ((unsigned)nat->kind > DP_NAT_EXEMPT)
		return error_set(err, "translation %u: there is no kind %d", i, (int)nat->kind);
	if (nat->interface < -1 ||
		nat->interface >= (int)(sizeof(policy->zones) / sizeof(policy->zones[0])))
		return error_set(
			err, "translation %u: there is no interface %d", i, nat->interface);
	if (nat->family != IP_NONE && ip_family_bits(nat->family) == 0)
		return error_set(err, "translation %u: there is no family %u", i, nat->family);
	if (!is_prefix(&nat->outside) || !is_prefix(&nat->inside))
		return error_set(err, "translation %u: inside or outside is no prefix", i);
	if (check_matches(policy, i, nat, err) != 0)
		return -1;
	return check_kind(i, nat, err);
}

// The policy's sets, compiled, and the timed ones that they may have beside them.
struct all_sets {
	const struct dp_set *policy;
	struct set *const *sets;
	struct timed_set *const *timed;
};

static struct nat_match match_of(const struct all_sets *all, const struct dp_match_set *match)
{
	uint16_t timed;

	if (match->set == DP_INDEX_NONE)
		return (struct nat_match){0};
	timed = all->policy[match->set].timed;
	return (struct nat_match){
		.set = all->sets[match->set],
		.timed = timed != DP_INDEX_NONE ? all->timed[timed] : NULL,
		.is_negated = match->is_negated,
	};
}

// The family that its addresses have, if the rule itself names none.
static uint8_t family_of(const struct dp_nat *nat)
{
	if (nat->family != IP_NONE)
		return nat->family;
	return nat->outside.addr.family != IP_NONE ? nat->outside.addr.family
						   : nat->inside.addr.family;
}

static struct nat_rule rule_of(unsigned i, const struct dp_nat *nat, const struct all_sets *sets)
{
	static const enum nat_action actions[] = {
		[DP_NAT_SOURCE] = NAT_SOURCE,
		[DP_NAT_ONE_TO_ONE] = NAT_ONE_TO_ONE,
		[DP_NAT_FORWARD] = NAT_FORWARD,
		[DP_NAT_REDIRECT] = NAT_REDIRECT,
		[DP_NAT_PREFIX] = NAT_PREFIX,
		[DP_NAT_EXEMPT] = NAT_EXEMPT,
	};

	return (struct nat_rule){
		.action = actions[nat->kind],
		.family = family_of(nat),
		.interface = nat->interface < 0 ? NAT_INTERFACE_ANY : (uint8_t)nat->interface,
		.is_random = nat->is_random,
		.keeps_parity = nat->keeps_parity,
		.is_full_cone = nat->is_full_cone,
		.index = (uint16_t)i,
		.first_port = nat->first_port,
		.last_port = nat->last_port,
		.inside_port = nat->inside_port,
		.source = match_of(sets, &nat->source),
		.destination = match_of(sets, &nat->destination),
		.protocol = match_of(sets, &nat->protocol),
		.outside = ip_prefix_network(&nat->outside),
		.inside = ip_prefix_network(&nat->inside),
	};
}

static void add(struct nat_rules *rules, const struct nat_rule *rule)
{
	if (rule->action != NAT_FORWARD && rule->action != NAT_REDIRECT)
		rules->sources[rules->n_sources++] = *rule;
	if (rule->action != NAT_SOURCE && rule->action != NAT_EXEMPT)
		rules->destinations[rules->n_destinations++] = *rule;
}

struct nat_rules *nat_rules_new(const struct dp_policy *policy, struct set *const *sets,
	struct timed_set *const *timed, struct error *err)
{
	const struct all_sets all = {policy->sets, sets, timed};
	struct nat_rules *rules = NULL;

	if (policy->n_nats > DP_NATS_MAX) {
		error_set(err, "%u translations: there may be %d", policy->n_nats, DP_NATS_MAX);
		return NULL;
	}
	for (unsigned i = 0; i < policy->n_nats; i++)
		if (check(policy, i, err) != 0)
			return NULL;
	rules = calloc(1, sizeof(*rules));
	if (rules != NULL) {
		rules->sources = calloc(policy->n_nats + 1, sizeof(rules->sources[0]));
		rules->destinations = calloc(policy->n_nats + 1, sizeof(rules->sources[0]));
	}
	if (rules == NULL || rules->sources == NULL || rules->destinations == NULL) {
		nat_rules_free(rules);
		error_set(err, "no memory for %u translations", policy->n_nats);
		return NULL;
	}
	for (unsigned i = 0; i < policy->n_nats; i++) {
		struct nat_rule rule = rule_of(i, &policy->nats[i], &all);

		add(rules, &rule);
	}
	return rules;
}

void nat_rules_free(struct nat_rules *rules)
{
	if (rules == NULL)
		return;
	free(rules->sources);
	free(rules->destinations);
	free(rules);
}
