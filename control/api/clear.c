// SPDX-License-Identifier: BSD-3-Clause
// clear.counters, clear.neighbours.
#include <stdlib.h>

#include "control/api/caller.h"
#include "control/api/filter.h"

// --- counters ---

json_t *clear_counters(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"what", NULL};
	struct router *router = session->rpc->ctx;
	int what;

	if (!show_check_names(params, keys, failure) ||
		!filter_read_choice(params, "what", "interfaces|drops|rules", &what, failure))
		return NULL;
	for (int kind = 0; kind < BASELINE_KINDS; kind++)
		if ((what < 0 || what == kind) &&
			baselines_clear(&router->baselines, (enum baseline_kind)kind, router->dp,
				&router->ports) != 0)
			return rpc_fail(failure, RPC_INTERNAL_ERROR, "no memory");
	caller_tell(session, router, "clear counters", what < 0 ? BASELINE_KINDS : 1, params);
	return json_pack("{s:s}", "what",
		what < 0 ? "all" : json_string_value(json_object_get(params, "what")));
}

// --- neighbours: as they were when it began, some at a time ---

enum { FORGET_AT_ONCE = 64 };

struct forget {
	const struct rpc_session *session;
	struct router *router;
	json_t *which;
	struct ip_prefix addr;
	int interface; // -1: any
	unsigned n, at, room, n_asked;
	struct neighbour list[];
};

static void note(void *ctx, const struct neighbour *neighbour)
{
	struct forget *forget = ctx;

	if (!neighbour->is_permanent && neighbour_has_mac(neighbour) &&
		(forget->interface < 0 || neighbour->interface == forget->interface) &&
		filter_contains(&forget->addr, &neighbour->addr) && forget->n < forget->room)
		forget->list[forget->n++] = *neighbour;
}

static void *begin_forget(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"address", "interface", NULL};
	struct router *router = session->rpc->ctx;
	struct forget *forget, asked = {.session = session, .router = router};

	if (!show_check_names(params, keys, failure) ||
		!filter_read_prefix(params, "address", &asked.addr, failure) ||
		!filter_read_interface(router, params, &asked.interface, failure))
		return NULL;
	asked.room = neighbour_table_count(router->neighbours.table);
	asked.which = json_deep_copy(params);
	forget = malloc(sizeof(*forget) + asked.room * sizeof(forget->list[0]));
	if (forget == NULL) {
		json_decref(asked.which);
		return NULL;
	}
	*forget = asked;
	neighbour_table_each(router->neighbours.table, note, forget);
	return forget;
}

static enum rpc_task_state forget_on(void *task, json_t **result, struct rpc_failure *failure)
{
	struct forget *forget = task;

	for (unsigned i = 0; i < FORGET_AT_ONCE && forget->at < forget->n; i++, forget->at++)
		forget->n_asked += neighbours_forget(&forget->router->neighbours,
					   forget->list[forget->at].interface,
					   &forget->list[forget->at].addr) == 0;
	if (forget->at < forget->n)
		return RPC_TASK_GOES_ON;
	caller_tell(forget->session, forget->router, "clear neighbours", forget->n_asked,
		forget->which);
	*result = json_pack("{s:I}", "neighbours", (json_int_t)forget->n_asked);
	return RPC_TASK_DONE;
}

static void free_forget(void *task)
{
	struct forget *forget = task;

	json_decref(forget->which);
	free(forget);
}

const struct rpc_task clear_neighbours = {begin_forget, forget_on, NULL, free_forget};
