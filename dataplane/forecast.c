// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/forecast.h"

#include <errno.h>
#include <stdlib.h>

#include "dataplane/conntrack.h"
#include "dataplane/helper.h"
#include "dataplane/rehearsal.h"

enum { LOOKS_MAX = 8 * DP_FORECAST_LOOKS }; // at places where no flow may be

struct dp_forecast {
	struct rehearsal *r;
	struct dp_forecast_of of;
	unsigned worker; // the next place to look at
	uint32_t at;
};

struct dp_forecast *dataplane_forecast_new(struct dataplane *dp, const struct dp_forecast_of *of)
{
	struct rehearsal *r = rehearsal_of(dp);
	struct dp_forecast *forecast = r == NULL ? NULL : calloc(1, sizeof(*forecast));

	if (forecast == NULL)
		return NULL;
	atomic_store(&of->policy->schedules, of->active_schedules);
	*forecast = (struct dp_forecast){.r = r, .of = *of};
	return forecast;
}

void dataplane_forecast_free(struct dp_forecast *forecast)
{
	if (forecast != NULL)
		rehearsal_leave(forecast->r);
	free(forecast);
}

static enum dp_hook hook_of(const struct flow *flow, const struct decision *d)
{
	if (flow->state.in_iface == FLOW_IFACE_HOST)
		return DP_HOOK_OUTPUT;
	return d->out_iface == FLOW_IFACE_HOST ? DP_HOOK_INPUT : DP_HOOK_FORWARD;
}

static void describe(const struct flow *flow, const struct decision *d, struct dp_foreseen *out)
{
	struct dp_counter counter;

	if (d->refused == COUNTER_COUNT) {
		out->what = DP_FORESEEN_ANEW;
		return;
	}
	stats_describe(d->refused, &counter);
	out->what = DP_FORESEEN_REFUSED;
	out->reason = counter.name;
	out->help = counter.help;
	out->is_by_firewall = d->refused == COUNTER_DROP_RULE;
	if (!out->is_by_firewall)
		return;
	out->hook = hook_of(flow, d);
	out->rule = d->verdict.rule;
}

static bool goes_with_interface(const struct dp_forecast *forecast, const struct flow *flow)
{
	return interface_is_among(forecast->of.interfaces_gone, flow->state.in_iface) ||
	       interface_is_among(forecast->of.interfaces_gone, flow->state.out_iface);
}

// As its next packet would have it judged. True: it ends, and `out` says why.
static bool ends_by_policy(struct dp_forecast *forecast, const struct worker *owner,
	const struct flow *flow, const struct flow *copy, struct dp_foreseen *out)
{
	struct rehearsal *r = forecast->r;
	struct flow_tuple original = flow_tuple_of(&copy->dir[0]);
	struct nat_destination expected;
	struct rule_subject subject;
	struct decision d;
	bool is_expected =
		helper_expected(r->w, owner, copy, flow_index(&owner->flows, flow), &expected);
	bool stands;

	rehearsal_lend_called(r, &original);
	stands = conntrack_stands(
			 r->w, copy, &original, is_expected ? &expected : NULL, &subject, &d) ||
		 conntrack_waits(&d);
	rehearsal_forget(r);
	if (!stands)
		describe(copy, &d, out);
	return !stands;
}

static bool ends(struct dp_forecast *forecast, const struct worker *owner, const struct flow *flow,
	const struct flow *copy, struct dp_foreseen *out)
{
	*out = (struct dp_foreseen){.what = DP_FORESEEN_INTERFACE, .rule = RULE_DEFAULT};
	if (!goes_with_interface(forecast, copy) &&
		!ends_by_policy(forecast, owner, flow, copy, out))
		return false;
	stats_flow(owner, flow, &out->flow);
	return true;
}

int dataplane_forecast_some(struct dp_forecast *forecast, struct dp_foreseen out[DP_FORECAST_LOOKS],
	unsigned *n, uint64_t *judged)
{
	const struct dataplane *dp = forecast->r->dp;
	const struct worker *owner = &dp->workers[forecast->worker];
	unsigned n_judged = 0;

	*n = 0;
	if (forecast->worker >= dp->options.n_workers)
		return 0;
	if (!rehearsal_begin(forecast->r, (uint16_t)forecast->worker, forecast->of.policy))
		return -ENOMEM;
	for (unsigned looks = 0; looks < LOOKS_MAX && n_judged < DP_FORECAST_LOOKS &&
				 forecast->at < owner->flows.n_touched;
		looks++, forecast->at++) {
		const struct flow *flow = &owner->flows.flows[forecast->at];
		struct flow copy;

		if (flow->state.state == FLOW_FREE || !rehearsal_look(flow, &copy))
			continue;
		n_judged++;
		*n += ends(forecast, owner, flow, &copy, &out[*n]);
	}
	*judged += n_judged;
	if (forecast->at < owner->flows.n_touched)
		return 1;
	forecast->worker++;
	forecast->at = 0;
	return forecast->worker < dp->options.n_workers ? 1 : 0;
}
