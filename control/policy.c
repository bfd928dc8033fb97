// SPDX-License-Identifier: BSD-3-Clause
#include "control/policy.h"

#include <string.h>

static int too_many(const struct config *config, const struct cfg_place *place, const char *what,
	int most, struct error *err)
{
	error_set(err, "too many %s: the most is %d", what, most);
	err->file = config->file;
	err->line = place->line;
	err->column = place->column;
	return -1;
}

int policy_compile(const struct config *config, const struct interfaces *interfaces,
	struct dp_policy *out, struct error *err)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < config->n_masquerades; i++) {
		const struct cfg_masquerade *from = &config->masquerades[i];
		const struct interface *interface = interfaces_by_name(interfaces, from->interface);
		struct dp_masquerade *to = &out->masquerades[out->n_masquerades];

		// Names bind late: one that is absent has no effect until it appears.
		if (interface == NULL)
			continue;
		if (out->n_masquerades >= DP_MASQUERADES_MAX)
			return too_many(
				config, &from->place, "masquerades", DP_MASQUERADES_MAX, err);
		if (from->n_from > DP_MASQUERADE_SOURCES_MAX)
			return too_many(config, &from->place, "sources of a masquerade",
				DP_MASQUERADE_SOURCES_MAX, err);
		to->interface = interface->id;
		to->n_sources = from->n_from;
		if (from->n_from > 0)
			memcpy(to->sources, from->from, from->n_from * sizeof(to->sources[0]));
		out->n_masquerades++;
	}
	return 0;
}
