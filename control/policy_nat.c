// SPDX-License-Identifier: BSD-3-Clause
// One translation of the config is one for the workers for each of its interfaces and each of its
// ranges of ports.
#include "control/policy_build.h"

static const enum dp_nat_kind kinds[] = {
	[CFG_NAT_MASQUERADE] = DP_NAT_SOURCE, // to the interface's address, whichever it is
	[CFG_NAT_SOURCE] = DP_NAT_SOURCE,
	[CFG_NAT_ONE_TO_ONE] = DP_NAT_ONE_TO_ONE,
	[CFG_NAT_FORWARD] = DP_NAT_FORWARD,
	[CFG_NAT_REDIRECT] = DP_NAT_REDIRECT,
	[CFG_NAT_PREFIX] = DP_NAT_PREFIX,
	[CFG_NAT_EXEMPT] = DP_NAT_EXEMPT,
};

static int add(struct policy_build *build, const struct cfg_nat *nat, const struct dp_nat *to)
{
	struct dp_policy *dp = &build->policy->dp;

	if (dp->n_nats == DP_NATS_MAX)
		return policy_refuse(build, nat->place,
			"too many translations: the most is %d, with one for each interface and "
			"range of ports of a rule",
			DP_NATS_MAX);
	build->policy->nats[dp->n_nats] = nat;
	build->arrays->nats[dp->n_nats++] = *to;
	return 0;
}

static int add_ranges(struct policy_build *build, const struct cfg_nat *nat, struct dp_nat *to)
{
	if (nat->ports.n == 0)
		return add(build, nat, to);
	for (unsigned i = 0; i < nat->ports.n; i++) {
		to->first_port = (uint16_t)nat->ports.elements[i].numbers.first;
		to->last_port = (uint16_t)nat->ports.elements[i].numbers.last;
		if (add(build, nat, to) != 0)
			return -1;
	}
	return 0;
}

static int make_nat(struct policy_build *build, const struct cfg_nat *nat)
{
	struct dp_nat to = dp_nat_any(kinds[nat->kind]);

	to.family = nat->family;
	to.outside = nat->outside;
	to.inside = nat->inside;
	to.inside_port = nat->inside_port;
	to.is_random = nat->is_random;
	to.keeps_parity = nat->keeps_parity;
	to.is_full_cone = nat->is_full_cone;
	if (policy_match(build, CFG_SET_ADDRESSES, &nat->from, nat->place, &to.source) != 0 ||
		policy_match(build, CFG_SET_ADDRESSES, &nat->to, nat->place, &to.destination) !=
			0 ||
		policy_match(build, CFG_SET_PROTOCOLS, &nat->protocol, nat->place, &to.protocol) !=
			0)
		return -1;
	if (nat->interfaces.n == 0)
		return add_ranges(build, nat, &to);
	for (unsigned i = 0; i < nat->interfaces.n; i++) {
		to.interface = policy_interface_id(build, nat->interfaces.names[i]);
		if (to.interface >= 0 && add_ranges(build, nat, &to) != 0)
			return -1;
	}
	return 0;
}

int policy_nats(struct policy_build *build)
{
	const struct config *config = build->in->config;

	for (unsigned i = 0; i < config->n_nats; i++)
		if (make_nat(build, &config->nats[i]) != 0)
			return -1;
	return 0;
}
