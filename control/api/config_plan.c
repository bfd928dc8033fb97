// SPDX-License-Identifier: BSD-3-Clause
// What a plan tells: interfaces that it touches, and what that ends.
#include <string.h>

#include "cfg/base/clock.h"
#include "control/api/config.h"
#include "control/api/config_parts.h"
#include "control/api/show_parts.h"
#include "control/apply/apply.h"
#include "control/apply/plan_interfaces.h"

enum {
	CUT_SHOWN = 20,
	CUT_WALK_MS = 50, // the loop stands still for so long at most
	CUT_AT_A_TIME = 64,
};

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

// Those that come, go or are made anew, with a word for which. `gone`: bits 1 << id of those whose
// flows end with them.
static void put_exchanged(
	json_t *to, const struct plan *plan, const struct interfaces *there, uint64_t *gone)
{
	json_t *list = json_array();

	*gone = 0;
	for (unsigned i = 0; plan != NULL && i < plan->n_interfaces; i++) {
		const struct plan_interface *one = &plan->interfaces[i];
		const struct interface *is =
			one->before == NULL ? NULL : interfaces_by_name(there, one->before->name);

		if (is != NULL)
			*gone |= UINT64_C(1) << is->id;
		json_array_append_new(list,
			json_pack("{s:s, s:s}", "name",
				(one->before != NULL ? one->before : one->after)->name, "what",
				one->before == NULL  ? "comes"
				: one->after == NULL ? "goes"
						     : "is made anew"));
	}
	json_object_set_new(to, "exchanged", list);
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

static bool is_of(uint64_t interfaces, int id)
{
	return id >= 0 && (interfaces >> id & 1) != 0;
}

// Flows that live now and end with these interfaces, and the first of them.
static void put_cut(json_t *to, const struct router *router, uint64_t interfaces)
{
	uint64_t end_ms = clock_now_ms() + CUT_WALK_MS, cursor = 0, n_cut = 0;
	json_t *list = json_array();
	bool is_more = interfaces != 0;

	while (is_more && clock_now_ms() < end_ms) {
		struct dp_flow flows[CUT_AT_A_TIME];
		unsigned n;

		is_more = dataplane_flows(router->dp, &cursor, flows, CUT_AT_A_TIME, &n);
		for (unsigned i = 0; i < n; i++) {
			if (!is_of(interfaces, flows[i].in_interface) &&
				!is_of(interfaces, flows[i].out_interface))
				continue;
			if (n_cut++ < CUT_SHOWN)
				json_array_append_new(list, show_flow_json(router, &flows[i]));
		}
	}
	json_object_set_new(to, "cut", list);
	show_put_number(to, "cut_total", n_cut);
	show_put_bool(to, "cut_is_all", !is_more);
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
	uint64_t gone;

	config_put_changes(to, &outcome->changes);
	put_touched(to, outcome->plan);
	put_exchanged(to, outcome->plan, &router->interfaces, &gone);
	put_cut(to, router, gone);
	show_put_number(to, "flows", count_flows(router));
}
