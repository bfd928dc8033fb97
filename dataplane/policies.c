// SPDX-License-Identifier: BSD-3-Clause
// The door's policy: published whole; schedules and timed sets, which change under it; and what it
// has counted. Control thread.
#include <errno.h>
#include <stdlib.h>

#include "dataplane/compiled_policy.h"
#include "dataplane/dataplane_internal.h"

enum { SWEEP_BUDGET = 4096 };

int dataplane_policy_set(struct dataplane *dp, const struct dp_policy *policy, struct error *err)
{
	struct compiled_policy *compiled = compiled_policy_new(dp, policy, err);
	struct snapshot *snap = compiled != NULL ? snapshot_copy(dp) : NULL;
	struct compiled_policy *old;

	if (compiled == NULL)
		return -EINVAL;
	if (snap == NULL) {
		compiled_policy_free(compiled);
		error_set(err, "no memory for another snapshot");
		return -ENOMEM;
	}
	old = snap->policy;
	snap->policy = compiled;
	snapshot_publish(dp, snap);
	compiled_policy_free(old);
	return 0;
}

void dataplane_schedules_set(struct dataplane *dp, uint64_t active)
{
	if (atomic_exchange(&dp->schedules, active) != active)
		dataplane_next_epoch(dp);
}

// --- timed sets ---

static struct timed_set *timed_at(const struct dataplane *dp, uint16_t timed)
{
	return timed < DP_TIMED_SETS_MAX ? dp->timed[timed] : NULL;
}

int dataplane_timed_open(struct dataplane *dp, uint16_t timed, uint32_t capacity)
{
	if (timed >= DP_TIMED_SETS_MAX)
		return -EINVAL;
	if (dp->timed[timed] != NULL)
		return -EEXIST;
	dp->timed[timed] = timed_set_new(capacity, dp->rcu);
	return dp->timed[timed] != NULL ? 0 : -ENOMEM;
}

int dataplane_timed_add(
	struct dataplane *dp, uint16_t timed, const struct dp_timed_entry *entry, bool replaces)
{
	struct timed_set *set = timed_at(dp, timed);
	uint32_t deadline_sec = TIMED_SET_FOREVER;
	int error;

	if (set == NULL)
		return -ENOENT;
	if (entry->left_sec != DP_FOREVER)
		deadline_sec = timed_set_deadline(dataplane_now_sec(dp), entry->left_sec);
	error = replaces ? timed_set_replace(set, &entry->prefix, deadline_sec)
			 : timed_set_add(set, &entry->prefix, deadline_sec);
	if (error == 0)
		dataplane_next_epoch(dp); // who is banned loses what it has
	return error;
}

int dataplane_timed_delete(struct dataplane *dp, uint16_t timed, const struct ip_prefix *prefix)
{
	struct timed_set *set = timed_at(dp, timed);
	int error = set != NULL ? timed_set_delete(set, prefix) : -ENOENT;

	if (error == 0)
		dataplane_next_epoch(dp);
	return error;
}

void dataplane_timed_flush(struct dataplane *dp, uint16_t timed)
{
	struct timed_set *set = timed_at(dp, timed);

	if (set == NULL)
		return;
	timed_set_flush(set);
	dataplane_next_epoch(dp);
}

bool dataplane_timed_next(
	const struct dataplane *dp, uint16_t timed, uint32_t *cursor, struct dp_timed_entry *entry)
{
	const struct timed_set *set = timed_at(dp, timed);
	uint32_t now_sec = dataplane_now_sec(dp);
	uint32_t deadline_sec;

	while (set != NULL && timed_set_next(set, cursor, &entry->prefix, &deadline_sec)) {
		entry->left_sec =
			deadline_sec == TIMED_SET_FOREVER ? DP_FOREVER : deadline_sec - now_sec;
		if (deadline_sec == TIMED_SET_FOREVER || deadline_sec > now_sec)
			return true;
	}
	return false;
}

void dataplane_timed_sweep(struct dataplane *dp)
{
	uint32_t now_sec = dataplane_now_sec(dp);

	for (unsigned i = 0; i < DP_TIMED_SETS_MAX; i++)
		if (dp->timed[i] != NULL)
			timed_set_expire(dp->timed[i], now_sec, SWEEP_BUDGET);
}

// --- counts ---

bool dataplane_rule_count(const struct dataplane *dp, uint32_t rule, struct dp_count *out)
{
	const struct compiled_policy *policy = dp->snapshot->policy;

	*out = (struct dp_count){0};
	if (rule >= policy->rules->n_rules)
		return false;
	for (unsigned i = 0; i < policy->n_workers; i++)
		rules_count_add(&policy->counts[i].rules[rule], &out->packets, &out->bytes);
	return true;
}

bool dataplane_named_count(const struct dataplane *dp, unsigned counter, struct dp_count *out)
{
	const struct compiled_policy *policy = dp->snapshot->policy;

	*out = (struct dp_count){0};
	if (counter >= policy->rules->n_counters)
		return false;
	for (unsigned i = 0; i < policy->n_workers; i++)
		rules_count_add(&policy->counts[i].counters[counter], &out->packets, &out->bytes);
	return true;
}

bool dataplane_default_count(const struct dataplane *dp, enum dp_hook hook, struct dp_count *out)
{
	const struct compiled_policy *policy = dp->snapshot->policy;

	*out = (struct dp_count){0};
	if ((unsigned)hook >= DP_HOOK_COUNT)
		return false;
	for (unsigned i = 0; i < policy->n_workers; i++)
		rules_count_add(&policy->counts[i].defaults[hook], &out->packets, &out->bytes);
	return true;
}
