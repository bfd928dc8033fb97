// SPDX-License-Identifier: BSD-3-Clause
#include "control/timed_sets.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static_assert((int)CFG_TIMED_SETS_MAX <= (int)DP_TIMED_SETS_MAX, "a number for each");

static struct timed_set_name *find(struct timed_sets *sets, const char *name)
{
	for (unsigned i = 0; i < sets->n; i++)
		if (strcmp(sets->list[i].name, name) == 0)
			return &sets->list[i];
	return NULL;
}

static int open_one(
	struct timed_sets *sets, const struct cfg_set *set, struct dataplane *dp, struct error *err)
{
	struct timed_set_name *to = &sets->list[sets->n];
	int rc;

	if (sets->n == DP_TIMED_SETS_MAX)
		return error_set(err,
			"the set %s is one too many with a timeout: there is room "
			"for %d since the start",
			set->name, DP_TIMED_SETS_MAX);
	rc = dataplane_timed_open(dp, (uint16_t)sets->n, set->capacity);
	if (rc != 0)
		return error_set(err, "the workers have no room for the set %s: %s", set->name,
			strerror(-rc));
	*to = (struct timed_set_name){.capacity = set->capacity};
	snprintf(to->name, sizeof(to->name), "%s", set->name);
	sets->n++;
	return 0;
}

static int take(
	struct timed_sets *sets, const struct cfg_set *set, struct dataplane *dp, struct error *err)
{
	struct timed_set_name *its = find(sets, set->name);

	if (its == NULL) {
		if (open_one(sets, set, dp, err) != 0)
			return -1;
		its = &sets->list[sets->n - 1];
	}
	if (its->capacity != set->capacity)
		return error_set(err,
			"the set %s has room for %u since it was made: another "
			"capacity needs a restart",
			set->name, its->capacity);
	its->timeout_sec = set->timeout_sec;
	its->is_there = true;
	return 0;
}

int timed_sets_open(struct timed_sets *sets, const struct config *config, struct dataplane *dp,
	struct error *err)
{
	struct timed_sets before = *sets;

	for (unsigned i = 0; i < sets->n; i++)
		sets->list[i].is_there = false;
	for (unsigned i = 0; i < config->n_sets; i++) {
		if (config->sets[i].timeout_sec == 0 || take(sets, &config->sets[i], dp, err) == 0)
			continue;
		timed_sets_revert(sets, &before);
		return -1;
	}
	return 0;
}

void timed_sets_revert(struct timed_sets *sets, const struct timed_sets *before)
{
	unsigned n = sets->n;

	memcpy(sets->list, before->list, before->n * sizeof(before->list[0]));
	for (unsigned i = before->n; i < n; i++)
		sets->list[i].is_there = false;
}

uint16_t timed_sets_find(const struct timed_sets *sets, const char *name)
{
	for (unsigned i = 0; i < sets->n; i++)
		if (sets->list[i].is_there && strcmp(sets->list[i].name, name) == 0)
			return (uint16_t)i;
	return DP_INDEX_NONE;
}

uint16_t timed_sets_usual(const struct timed_sets *sets)
{
	uint16_t banned = timed_sets_find(sets, "banned"), only = DP_INDEX_NONE;
	unsigned n = 0;

	for (unsigned i = 0; i < sets->n; i++) {
		if (!sets->list[i].is_there)
			continue;
		only = (uint16_t)i;
		n++;
	}
	return n == 1 ? only : banned;
}
