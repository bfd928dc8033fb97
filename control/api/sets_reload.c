// SPDX-License-Identifier: BSD-3-Clause
// sets.reload: the file of a set is read, and the policy made anew, by another thread.
#include <stdio.h>
#include <stdlib.h>

#include "cfg/base/clock.h"
#include "control/api/caller.h"
#include "control/api/config_parts.h"
#include "control/api/show_parts.h"
#include "control/apply/apply.h"

struct reload {
	const struct router *router;
	struct apply_job *job;
	char set[CFG_NAME_MAX + 1];
	uint64_t told_ms;
	bool tells; // how far it is
};

static const struct cfg_set *read_set(
	const struct router *router, const json_t *params, bool *tells, struct rpc_failure *failure)
{
	static const char *const keys[] = {"name", "progress", NULL};
	const json_t *progress = json_object_get(params, "progress");

	if (!show_check_names(params, keys, failure))
		return NULL;
	*tells = json_is_true(progress);
	if (progress != NULL && !json_is_boolean(progress))
		return (void *)rpc_fail(
			failure, RPC_INVALID_PARAMS, "'progress' must be true or false");
	return show_read_set(router, params, failure);
}

static void *begin(struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = session->rpc->ctx;
	char program[CALLER_PROGRAM_BYTES];
	const struct cfg_set *set;
	struct reload *reload;
	bool tells;

	set = read_set(router, params, &tells, failure);
	if (set == NULL)
		return NULL;
	reload = calloc(1, sizeof(*reload));
	if (reload == NULL)
		return NULL;
	*reload = (struct reload){.router = router, .told_ms = clock_now_ms(), .tells = tells};
	snprintf(reload->set, sizeof(reload->set), "%s", set->name);
	caller_program(session, program);
	reload->job = apply_begin(router->apply, &(struct apply_request){.what = APPLY_ASKS_FILES,
							 .set = set->name,
							 .who = {session->uid, program, ""}});
	if (reload->job != NULL)
		return reload;
	free(reload);
	return NULL;
}

static enum rpc_task_state go_on(void *task, json_t **result, struct rpc_failure *failure)
{
	const struct reload *reload = task;
	const struct router *router = reload->router;
	const struct apply_outcome *outcome;
	const struct set_elements *elements;
	const struct cfg_set *set;
	int rc;

	outcome = apply_job_outcome(reload->job, &rc);
	if (outcome == NULL)
		return RPC_TASK_WAITS;
	if (rc != 0) {
		rpc_fail(failure, RPC_INVALID_PARAMS, "%s", outcome->err.text);
		return RPC_TASK_DONE;
	}
	// another config may have come already
	set = show_find_set(router->config, reload->set);
	elements = set == NULL ? NULL : set_files_find(&router->firewall.files, set);
	*result = json_object();
	show_put_text(*result, "name", reload->set);
	show_put_number(*result, "elements", elements == NULL ? 0 : elements->n);
	return RPC_TASK_DONE;
}

static json_t *progress(void *task)
{
	struct reload *reload = task;

	if (!reload->tells || !config_is_time_to_tell(&reload->told_ms))
		return NULL;
	return json_pack("{s:s}", "step", apply_job_doing(reload->job));
}

static void leave(void *task)
{
	struct reload *reload = task;

	apply_job_leave(reload->job);
	free(reload);
}

const struct rpc_task sets_reload = {begin, go_on, progress, leave, NULL};
