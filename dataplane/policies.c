// SPDX-License-Identifier: BSD-3-Clause
// The door's policy: published whole; schedules and timed sets, which change under it; and what it
// has counted. Control thread.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "dataplane/compiled_policy.h"
#include "dataplane/dataplane_internal.h"

enum {
	SWEEP_BUDGET = 4096,
	TIMED_LOOKS = 16, // for one entry, and so many in one call:
	TIMED_LOOKS_MAX = 1024,
	REVIEW_INTERVAL_MS = 100,
};

struct compiled_policy *dataplane_policy_compile(
	struct dataplane *dp, const struct dp_policy *policy, struct error *err)
{
	return compiled_policy_new(dp, policy, err);
}

struct compiled_policy *dataplane_policy_exchange(struct dataplane *dp,
	struct compiled_policy *next, const struct dp_policy *policy, struct error *err)
{
	struct snapshot *snap = snapshot_copy(dp);
	struct compiled_policy *old;

	if (snap == NULL) {
		error_set(err, "no memory for another snapshot");
		return NULL;
	}
	old = snap->policy;
	atomic_store(&next->schedules, policy->active_schedules);
	next->serial = ++dp->n_policies;
	snap->policy = next;
	snapshot_publish(dp, snap);
	compiled_policy_carry(old, next, policy);
	return old;
}

uint32_t dataplane_policy_serial(const struct dataplane *dp)
{
	return dp->snapshot->policy->serial;
}

void dataplane_policy_free(struct compiled_policy *policy)
{
	compiled_policy_free(policy);
}

int dataplane_policy_set(struct dataplane *dp, const struct dp_policy *policy, struct error *err)
{
	struct compiled_policy *compiled = compiled_policy_new(dp, policy, err), *old;

	if (compiled == NULL)
		return -EINVAL;
	old = dataplane_policy_exchange(dp, compiled, policy, err);
	compiled_policy_free(old != NULL ? old : compiled);
	return old != NULL ? 0 : -ENOMEM;
}

void dataplane_schedules_set(struct dataplane *dp, uint64_t active)
{
	if (atomic_exchange(&dp->snapshot->policy->schedules, active) != active)
		dataplane_next_epoch(dp);
}

// --- timed sets ---

static struct timed_set *timed_at(const struct dataplane *dp, uint16_t timed)
{
	return timed < DP_TIMED_SETS_MAX ? dp->timed[timed] : NULL;
}

// Who is banned loses what he has: every flow is judged again. A flood of additions must not make
// each of them cost that; the last ones are then seen to by the sweep.
static void review_flows(struct dataplane *dp)
{
	uint64_t now_ms = (rte_rdtsc() - dp->start_tsc) / (rte_get_tsc_hz() / 1000);

	dp->review_is_due = dp->reviewed_ms != 0 && now_ms < dp->reviewed_ms + REVIEW_INTERVAL_MS;
	if (dp->review_is_due)
		return;
	dp->reviewed_ms = now_ms;
	dataplane_next_epoch(dp);
}

static bool is_in(const struct timed_set *set, const struct ip_addr *addr, uint32_t now_sec)
{
	uint32_t addr_be;

	memcpy(&addr_be, addr->v4, sizeof(addr_be));
	return addr->family == IP_V6 ? timed_set_has6(set, addr->v6, now_sec)
				     : timed_set_has4(set, addr_be, now_sec);
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

uint64_t dataplane_timed_bytes(uint32_t capacity)
{
	return timed_set_bytes(capacity);
}

int dataplane_timed_add(
	struct dataplane *dp, uint16_t timed, const struct dp_timed_entry *entry, bool replaces)
{
	struct timed_set *set = timed_at(dp, timed);
	uint32_t now_sec = dataplane_now_sec(dp);
	uint32_t deadline_sec = TIMED_SET_FOREVER;
	uint32_t n_before;
	bool was_in;
	int error;

	if (set == NULL)
		return -ENOENT;
	n_before = timed_set_count(set);
	was_in = is_in(set, &entry->prefix.addr, now_sec);
	if (entry->left_sec != DP_FOREVER)
		deadline_sec = timed_set_deadline(now_sec, entry->left_sec);
	error = replaces ? timed_set_replace(set, &entry->prefix, deadline_sec)
			 : timed_set_add(set, &entry->prefix, deadline_sec);
	if (error == 0 && (!was_in || timed_set_count(set) != n_before))
		review_flows(dp);
	return error;
}

int dataplane_timed_delete(struct dataplane *dp, uint16_t timed, const struct ip_prefix *prefix)
{
	struct timed_set *set = timed_at(dp, timed);
	int error = set != NULL ? timed_set_delete(set, prefix) : -ENOENT;

	if (error == 0)
		review_flows(dp);
	return error;
}

// Whether it has not ended yet.
static bool note_left(struct dp_timed_entry *entry, uint32_t deadline_sec, uint32_t now_sec)
{
	bool is_forever = deadline_sec == TIMED_SET_FOREVER;

	entry->left_sec = is_forever ? DP_FOREVER : deadline_sec - now_sec;
	return is_forever || deadline_sec > now_sec;
}

bool dataplane_timed_next(
	const struct dataplane *dp, uint16_t timed, uint32_t *cursor, struct dp_timed_entry *entry)
{
	const struct timed_set *set = timed_at(dp, timed);
	uint32_t now_sec = dataplane_now_sec(dp);
	uint32_t deadline_sec;

	while (set != NULL && timed_set_next(set, cursor, &entry->prefix, &deadline_sec))
		if (note_left(entry, deadline_sec, now_sec))
			return true;
	return false;
}

bool dataplane_timed_some(const struct dataplane *dp, uint16_t timed, uint32_t *cursor,
	struct dp_timed_entry *out, unsigned max, unsigned *n)
{
	const struct timed_set *set = timed_at(dp, timed);
	uint32_t now_sec = dataplane_now_sec(dp), deadline_sec;

	*n = 0;
	for (unsigned i = 0; set != NULL && *n < max && i < TIMED_LOOKS_MAX / TIMED_LOOKS; i++)
		if (timed_set_next_of(set, cursor, TIMED_LOOKS, &out[*n].prefix, &deadline_sec) &&
			note_left(&out[*n], deadline_sec, now_sec))
			++*n;
	return set != NULL && !timed_set_is_walked(set, *cursor);
}

void dataplane_timed_sweep(struct dataplane *dp)
{
	uint64_t that_give = dp->snapshot->policy->timed_that_give;
	uint32_t now_sec = dataplane_now_sec(dp);
	bool has_taken = false;

	for (unsigned i = 0; i < DP_TIMED_SETS_MAX; i++)
		if (dp->timed[i] != NULL &&
			timed_set_expire(dp->timed[i], now_sec, SWEEP_BUDGET) > 0)
			has_taken |= that_give >> i & 1;
	if (has_taken || dp->review_is_due)
		review_flows(dp);
}

// --- counts ---

bool dataplane_rule_count(const struct dataplane *dp, uint32_t rule, struct dp_count *out)
{
	const struct compiled_policy *policy = dp->snapshot->policy;
	bool is_there = rule < policy->rules->n_rules;

	*out = is_there ? compiled_policy_rule_count(policy, rule) : (struct dp_count){0};
	return is_there;
}

bool dataplane_named_count(const struct dataplane *dp, unsigned counter, struct dp_count *out)
{
	const struct compiled_policy *policy = dp->snapshot->policy;
	bool is_there = counter < policy->rules->n_counters;

	*out = is_there ? compiled_policy_named_count(policy, counter) : (struct dp_count){0};
	return is_there;
}

bool dataplane_default_count(const struct dataplane *dp, enum dp_hook hook, struct dp_count *out)
{
	const struct compiled_policy *policy = dp->snapshot->policy;
	bool is_there = (unsigned)hook < DP_HOOK_COUNT;

	*out = is_there ? compiled_policy_default_count(policy, hook) : (struct dp_count){0};
	return is_there;
}
