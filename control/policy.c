// SPDX-License-Identifier: BSD-3-Clause
#include "control/policy.h"

#include <stdlib.h>
#include <string.h>

struct policy {
	struct dp_policy dp; // first
	struct dp_nat nats[DP_NATS_MAX];
	struct dp_set sets[DP_NATS_MAX];
};

struct dp_policy *policy_compile(
	const struct config *config, const struct interfaces *interfaces, struct error *err)
{
	const struct dp_match_set any = {.set = DP_INDEX_NONE};
	struct policy *policy = calloc(1, sizeof(*policy));
	struct dp_policy *out;

	if (policy == NULL) {
		error_set(err, "no memory for the policy");
		return NULL;
	}
	out = &policy->dp;
	for (unsigned i = 0; i < DP_HOOK_COUNT; i++)
		out->hooks[i] = DP_INDEX_NONE;
	out->nats = policy->nats;
	out->sets = policy->sets;
	out->picks_up = true;
	for (unsigned i = 0; i < config->n_masquerades && out->n_nats < DP_NATS_MAX; i++) {
		const struct cfg_masquerade *from = &config->masquerades[i];
		const struct interface *interface = interfaces_by_name(interfaces, from->interface);
		struct dp_nat *nat = &policy->nats[out->n_nats];

		// Names bind late: one that is absent has no effect until it appears.
		if (interface == NULL)
			continue;
		*nat = (struct dp_nat){
			.kind = DP_NAT_SOURCE,
			.family = IP_V4,
			.interface = interface->id,
			.source = any,
			.destination = any,
			.protocol = any,
		};
		if (from->n_from > 0) {
			nat->source.set = (uint16_t)out->n_sets;
			policy->sets[out->n_sets++] = (struct dp_set){
				.prefixes = from->from,
				.n_prefixes = from->n_from,
				.timed = DP_INDEX_NONE,
			};
		}
		out->n_nats++;
	}
	return out;
}

void policy_free(struct dp_policy *policy)
{
	free(policy);
}
