// SPDX-License-Identifier: BSD-3-Clause
// What a plan tells: interfaces that it touches, and what that ends.
#include <string.h>

#include "control/api/config.h"
#include "control/api/config_parts.h"
#include "control/api/show_parts.h"
#include "control/apply/apply.h"
#include "control/apply/foresight.h"
#include "control/apply/plan_interfaces.h"

// --- interfaces ---

static void add_touched(json_t *list, const char *name)
{
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (strcmp(json_string_value(one), name) == 0)
			return;
	}
	json_array_append_new(list, json_string(name));
}

// Those that come, go or are made anew, with a word for which.
static void put_exchanged(json_t *to, const struct plan *plan)
{
	json_t *list = json_array();

	for (unsigned i = 0; plan != NULL && i < plan->n_interfaces; i++) {
		const struct plan_interface *one = &plan->interfaces[i];

		json_array_append_new(list,
			json_pack("{s:s, s:s}", "name",
				(one->before != NULL ? one->before : one->after)->name, "what",
				one->before == NULL  ? "comes"
				: one->after == NULL ? "goes"
						     : "is made anew"));
	}
	json_object_set_new(to, "exchanged", list);
}

static void put_workers(json_t *to, const struct plan *plan)
{
	json_t *list = json_array();

	if (plan != NULL && plan->workers.move)
		for (unsigned i = 0; i < plan->workers.after.n_cores; i++)
			json_array_append_new(list, json_integer(plan->workers.after.workers[i]));
	json_object_set_new(to, "cores", list);
}

// Interfaces that stay, and are not as they were for a moment: the others notice nothing.
static void put_touched(json_t *to, const struct plan *plan)
{
	json_t *list = json_array();

	for (unsigned i = 0; plan != NULL && i < plan->n_added; i++)
		if (plan_is_kept(plan, plan->added[i].interface))
			add_touched(list, plan->added[i].interface);
	for (unsigned i = 0; plan != NULL && i < plan->n_removed; i++)
		add_touched(list, plan->removed[i].interface);
	for (unsigned i = 0; plan != NULL && i < plan->n_mtus; i++)
		add_touched(list, plan->mtus[i].interface);
	json_object_set_new(to, "interfaces", list);
}

// --- flows ---

static const char *what_text(const struct foresight_cause *cause)
{
	switch (cause->what) {
	case DP_FORESEEN_INTERFACE:
		return "interface";
	case DP_FORESEEN_ANEW:
		return "anew";
	case DP_FORESEEN_REFUSED:
		break;
	}
	if (cause->rule != NULL)
		return "rule";
	return cause->list != NULL ? "default" : "refused";
}

static json_t *cause_json(const struct config *config, const struct foresight_cause *cause)
{
	json_t *to = json_pack("{s:s, s:I, s:s?}", "what", what_text(cause), "flows",
		(json_int_t)cause->flows, "reason", cause->reason);

	show_put_text(to, "list", cause->list == NULL ? "" : cause->list);
	json_object_set_new(to, "rule",
		cause->rule == NULL ? json_null()
				    : show_rule_json(config, cause->list, cause->rule));
	return to;
}

// Flows that live and end with it: why, how many, and the first of them.
static void put_cut(json_t *to, const struct router *router, const struct apply_outcome *outcome)
{
	static const struct foresight nothing;
	const struct foresight *seen = outcome->foresight == NULL ? &nothing : outcome->foresight;
	json_t *list = json_array(), *causes = json_array();

	for (unsigned i = 0; i < seen->n_causes; i++)
		json_array_append_new(causes, cause_json(outcome->config, &seen->causes[i]));
	for (unsigned i = 0; i < seen->n_shown; i++) {
		json_t *flow = show_flow_json(router, &seen->shown[i]);
		int cause = seen->shown_cause[i];

		json_object_set_new(flow, "cause", cause < 0 ? json_null() : json_integer(cause));
		json_array_append_new(list, flow);
	}
	json_object_set_new(to, "causes", causes);
	show_put_number(to, "more_causes", seen->n_others);
	json_object_set_new(to, "cut", list);
	show_put_number(to, "cut_total", seen->ends);
	show_put_number(to, "judged", seen->judged);
	show_put_bool(to, "cut_is_all", seen->is_all);
}

static uint64_t count_flows(const struct router *router)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < router->cores.n_workers; i++) {
		struct dp_worker_stats stats = {0};

		if (dataplane_worker_stats(router->dp, i, &stats) == 0)
			n += stats.flows;
	}
	return n;
}

void config_put_plan(json_t *to, const struct router *router, const struct apply_outcome *outcome)
{
	const struct plan *plan = outcome->plan;

	config_put_changes(to, &outcome->changes);
	put_touched(to, plan);
	put_exchanged(to, plan);
	put_workers(to, plan);
	put_cut(to, router, outcome);
	show_put_bool(to, "routes_change",
		plan != NULL && (plan->n_routes > 0 || plan->n_added > 0 || plan->n_removed > 0));
	show_put_number(to, "flows", count_flows(router));
}
