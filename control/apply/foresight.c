// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/foresight.h"

#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"

enum { SLICE_MS = 1 };

// Bits 1 << id of the interfaces whose flows end with them.
static uint64_t interfaces_gone(const struct interfaces *there, const struct plan *plan)
{
	uint64_t gone = 0;

	for (unsigned i = 0; i < plan->n_interfaces; i++) {
		const struct plan_interface *one = &plan->interfaces[i];
		const struct interface *is =
			one->before == NULL ? NULL : interfaces_by_name(there, one->before->name);

		if (is != NULL && is->id >= 0)
			gone |= UINT64_C(1) << is->id;
	}
	return gone;
}

struct foresight *foresight_new(const struct firewall *firewall, const struct firewall_next *next,
	const struct plan *plan, uint64_t flows_max, int64_t now)
{
	struct foresight *foresight = calloc(1, sizeof(*foresight));
	const struct policy *policy = next->policy;

	if (foresight == NULL)
		return NULL;
	foresight->limit = flows_max != 0 ? flows_max : FORESIGHT_FLOWS_MAX;
	foresight->policy = policy;
	foresight->forecast = dataplane_forecast_new(firewall->dp,
		&(struct dp_forecast_of){
			.policy = next->compiled,
			.active_schedules = schedules_active(
				policy->schedules, policy->n_schedules, (time_t)now),
			.interfaces_gone = interfaces_gone(firewall->input.interfaces, plan),
		});
	if (foresight->forecast != NULL)
		return foresight;
	free(foresight);
	return NULL;
}

// --- what ends ---

static struct foresight_cause cause_of(
	const struct policy *policy, const struct dp_foreseen *foreseen)
{
	struct foresight_cause cause = {.what = foreseen->what, .reason = foreseen->reason};
	bool has_rule = foreseen->is_by_firewall && foreseen->rule >= 0 &&
			foreseen->rule < policy->dp.n_rules;

	if (has_rule) {
		cause.rule = policy->rules[foreseen->rule];
		cause.list = policy_list_of(policy, (uint32_t)foreseen->rule);
	} else if (foreseen->is_by_firewall) {
		cause.list = policy_list_name(policy, foreseen->hook);
	}
	return cause;
}

static bool is_same(const struct foresight_cause *a, const struct foresight_cause *b)
{
	return a->what == b->what && a->rule == b->rule && a->list == b->list &&
	       a->reason == b->reason;
}

// Its number, or -1: there is no room for another.
static int16_t count_cause(struct foresight *foresight, const struct dp_foreseen *foreseen)
{
	struct foresight_cause cause = cause_of(foresight->policy, foreseen);
	unsigned i = 0;

	while (i < foresight->n_causes && !is_same(&foresight->causes[i], &cause))
		i++;
	if (i == FORESIGHT_CAUSES) {
		foresight->n_others++;
		return -1;
	}
	if (i == foresight->n_causes)
		foresight->causes[foresight->n_causes++] = cause;
	foresight->causes[i].flows++;
	return (int16_t)i;
}

static void note(struct foresight *foresight, const struct dp_foreseen *foreseen)
{
	int16_t cause = count_cause(foresight, foreseen);

	foresight->ends++;
	if (foresight->n_shown == FORESIGHT_SHOWN)
		return;
	foresight->shown[foresight->n_shown] = foreseen->flow;
	foresight->shown_cause[foresight->n_shown++] = cause;
}

bool foresight_go_on(struct foresight *foresight)
{
	uint64_t end_ms = clock_now_ms() + SLICE_MS;
	struct dp_foreseen ends[DP_FORECAST_LOOKS];
	int more = 1;

	while (more > 0 && foresight->judged < foresight->limit && clock_now_ms() < end_ms) {
		unsigned n;

		more = dataplane_forecast_some(foresight->forecast, ends, &n, &foresight->judged);
		for (unsigned i = 0; i < n; i++)
			note(foresight, &ends[i]);
	}
	foresight->is_all = more == 0;
	return more > 0 && foresight->judged < foresight->limit;
}

// --- the end ---

// Most flows first; those that are shown keep theirs.
static void sort_causes(struct foresight *foresight)
{
	struct foresight_cause sorted[FORESIGHT_CAUSES] = {0};
	int16_t place[FORESIGHT_CAUSES];

	for (unsigned i = 0; i < foresight->n_causes; i++) {
		place[i] = 0;
		for (unsigned k = 0; k < foresight->n_causes; k++)
			place[i] +=
				foresight->causes[k].flows > foresight->causes[i].flows ||
				(k < i && foresight->causes[k].flows == foresight->causes[i].flows);
		sorted[place[i]] = foresight->causes[i];
	}
	memcpy(foresight->causes, sorted, sizeof(sorted[0]) * foresight->n_causes);
	for (unsigned i = 0; i < foresight->n_shown; i++)
		if (foresight->shown_cause[i] >= 0)
			foresight->shown_cause[i] = place[foresight->shown_cause[i]];
}

void foresight_end(struct foresight *foresight)
{
	if (foresight == NULL || foresight->forecast == NULL)
		return;
	dataplane_forecast_free(foresight->forecast);
	foresight->forecast = NULL;
	foresight->policy = NULL;
	sort_causes(foresight);
}

void foresight_free(struct foresight *foresight)
{
	foresight_end(foresight);
	free(foresight);
}
