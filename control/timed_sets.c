// SPDX-License-Identifier: BSD-3-Clause
#include "control/timed_sets.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static_assert((int)CFG_TIMED_SETS_MAX <= (int)DP_TIMED_SETS_MAX, "a number for each");

int timed_sets_open(struct timed_sets *sets, const struct config *config, struct dataplane *dp,
	struct error *err)
{
	*sets = (struct timed_sets){0};
	for (unsigned i = 0; i < config->n_sets; i++) {
		const struct cfg_set *set = &config->sets[i];
		struct timed_set_name *to = &sets->list[sets->n];
		int rc;

		if (set->timeout_sec == 0)
			continue;
		snprintf(to->name, sizeof(to->name), "%s", set->name);
		to->timeout_sec = set->timeout_sec;
		to->capacity = set->capacity;
		rc = dataplane_timed_open(dp, (uint16_t)sets->n, set->capacity);
		if (rc != 0)
			return error_set(err, "the workers have no room for the set %s: %s",
				set->name, strerror(-rc));
		sets->n++;
	}
	return 0;
}

uint16_t timed_sets_find(const struct timed_sets *sets, const char *name)
{
	for (unsigned i = 0; i < sets->n; i++)
		if (strcmp(sets->list[i].name, name) == 0)
			return (uint16_t)i;
	return DP_INDEX_NONE;
}

uint16_t timed_sets_usual(const struct timed_sets *sets)
{
	return sets->n == 1 ? 0 : timed_sets_find(sets, "banned");
}
