// SPDX-License-Identifier: BSD-3-Clause
// kill.flows: the workers are walked as `show.flows` does, and end what fits. One client at a time;
// others wait for their turn.
#include <errno.h>
#include <stdlib.h>

#include "cfg/base/clock.h"
#include "control/api/caller.h"
#include "control/api/flow_filter.h"

enum {
	ANSWER_MS = 5000, // a worker that does nothing for so long has stalled
	PROGRESS_MS = 1000,
};

static const void *whose_turn; // NULL: nobody kills

struct kill {
	const struct rpc_session *session;
	struct router *router;
	json_t *which;
	struct flow_filter filter;
	bool resets, has_turn, is_walked;
	bool tells; // how far it is
	uint64_t told_ms;
	uint64_t cursor, n_before, n_asked;
	uint64_t n_seen, seen_ms; // ended when it was looked at last, and when that changed
	struct dp_flow flows[RPC_ROWS_MAX];
	unsigned n, at;
};

static void free_kill(void *task)
{
	struct kill *kill = task;

	if (whose_turn == kill)
		whose_turn = NULL;
	json_decref(kill->which);
	free(kill);
}

// Takes a flag out of the parameters. False with *failure filled.
static bool take_flag(json_t *params, const char *key, bool *out, struct rpc_failure *failure)
{
	const json_t *value = json_object_get(params, key);

	*out = json_is_true(value);
	if (value != NULL && !json_is_boolean(value)) {
		rpc_fail(failure, RPC_INVALID_PARAMS, "'%s' must be true or false", key);
		return false;
	}
	json_object_del(params, key);
	return true;
}

static bool read_params(struct kill *kill, struct rpc_failure *failure)
{
	bool is_all;

	if (!take_flag(kill->which, "reset", &kill->resets, failure) ||
		!take_flag(kill->which, "all", &is_all, failure) ||
		!take_flag(kill->which, "progress", &kill->tells, failure))
		return false;
	if (json_object_get(kill->which, "sort") != NULL) {
		rpc_fail(failure, RPC_INVALID_PARAMS,
			"'sort' orders what is shown; all that fit are ended");
		return false;
	}
	if (!flow_filter_read(kill->router, kill->which, &kill->filter, failure))
		return false;
	if (flow_filter_is_all(&kill->filter) == is_all)
		return true;
	rpc_fail(failure, RPC_INVALID_PARAMS, "%s",
		is_all ? "all of them, or those that fit?"
		       : "which flows? 'all' ends every one of them");
	return false;
}

static void *begin_kill(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	struct kill *kill = calloc(1, sizeof(*kill));

	if (kill == NULL)
		return NULL;
	kill->session = session;
	kill->told_ms = clock_now_ms();
	kill->router = session->rpc->ctx;
	kill->which = params == NULL ? json_object() : json_deep_copy(params);
	if (kill->which != NULL && read_params(kill, failure))
		return kill;
	free_kill(kill);
	return NULL;
}

static bool take_turn(struct kill *kill)
{
	if (whose_turn != NULL)
		return false;
	whose_turn = kill;
	kill->has_turn = true;
	dataplane_flows_ended(kill->router->dp, &kill->n_before);
	kill->n_seen = kill->n_before;
	kill->seen_ms = clock_now_ms();
	return true;
}

// Hands over what fits of those at hand. 0, or what dataplane_flow_end says.
static int hand_over(struct kill *kill)
{
	int error;

	for (; kill->at < kill->n; kill->at++) {
		const struct dp_flow *flow = &kill->flows[kill->at];

		if (!flow_filter_takes(&kill->filter, flow))
			continue;
		error = dataplane_flow_end(kill->router->dp, flow, kill->resets);
		if (error != 0)
			return error;
		kill->n_asked++;
	}
	return 0;
}

// Whether the workers go on.
static enum rpc_task_state wait_for_workers(struct kill *kill, struct rpc_failure *failure)
{
	uint64_t n, now_ms = clock_now_ms();

	dataplane_flows_ended(kill->router->dp, &n);
	if (n != kill->n_seen)
		kill->seen_ms = now_ms;
	kill->n_seen = n;
	if (now_ms - kill->seen_ms < ANSWER_MS)
		return RPC_TASK_WAITS;
	rpc_fail(failure, RPC_INTERNAL_ERROR, "a worker does not answer; %llu flows were ended",
		(unsigned long long)(n - kill->n_before));
	return RPC_TASK_DONE;
}

static enum rpc_task_state finish(struct kill *kill, json_t **result, struct rpc_failure *failure)
{
	uint64_t n;

	if (!dataplane_flows_ended(kill->router->dp, &n))
		return wait_for_workers(kill, failure);
	n -= kill->n_before;
	caller_tell(kill->session, kill->router, kill->resets ? "kill flows, reset" : "kill flows",
		n, kill->which);
	*result = json_pack("{s:I, s:I}", "flows", (json_int_t)n, "ended_meanwhile",
		(json_int_t)(kill->n_asked - n));
	return RPC_TASK_DONE;
}

static enum rpc_task_state kill_on(void *task, json_t **result, struct rpc_failure *failure)
{
	struct kill *kill = task;
	int error;

	if (!kill->has_turn && !take_turn(kill))
		return RPC_TASK_WAITS;
	error = hand_over(kill);
	if (error == -EAGAIN)
		return wait_for_workers(kill, failure);
	if (error != 0) {
		rpc_fail(failure, RPC_INTERNAL_ERROR, "no memory");
		return RPC_TASK_DONE;
	}
	if (kill->is_walked)
		return finish(kill, result, failure);
	kill->at = 0;
	kill->is_walked = !dataplane_flows(
		kill->router->dp, &kill->cursor, kill->flows, RPC_ROWS_MAX, &kill->n);
	return RPC_TASK_GOES_ON;
}

static json_t *progress(void *task)
{
	struct kill *kill = task;
	uint64_t n, now_ms = clock_now_ms();

	if (!kill->tells || now_ms - kill->told_ms < PROGRESS_MS)
		return NULL;
	kill->told_ms = now_ms;
	dataplane_flows_ended(kill->router->dp, &n);
	return json_pack("{s:s, s:I}", "step", kill->has_turn ? "flows" : "waiting", "done",
		(json_int_t)(kill->has_turn ? n - kill->n_before : 0));
}

const struct rpc_task kill_flows = {begin_kill, kill_on, progress, free_kill};
