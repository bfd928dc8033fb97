// SPDX-License-Identifier: BSD-3-Clause
// config.plan, config.apply, config.confirm and config.rollback: begun here, asked about until they
// are done.
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "cfg/base/clock.h"
#include "control/api/caller.h"
#include "control/api/config.h"
#include "control/api/config_parts.h"
#include "control/api/show_parts.h"
#include "control/apply/apply.h"
#include "control/apply/dns_probe.h"
#include "control/apply/probation.h"

struct change {
	const struct router *router;
	struct apply_job *job;
	enum apply_asks what;
	uint64_t confirm_sec, told_ms, changes_before;
	char confirm_when[CONFIG_PROBES_TEXT_MAX + 1];
	bool tells; // how far it is
};

static void free_change(void *task)
{
	struct change *change = task;

	apply_job_leave(change->job);
	free(change);
}

// --- what is asked ---

// False with *failure filled: what is to confirm it makes no sense.
static bool read_probes(
	const struct config_params *said, unsigned *probes, struct rpc_failure *failure)
{
	uint8_t question[DNS_PROBE_BYTES_MAX];
	struct error err = {0};

	*probes = 0;
	if (said->confirm_name[0] != '\0' && dns_probe_ask(question, 0, said->confirm_name) == 0)
		error_set(&err, "'%s' is no name that a resolver could be asked for",
			said->confirm_name);
	else if (said->confirm_when == NULL && said->confirm_name[0] != '\0')
		error_set(&err, "'confirm_name' is for 'confirm_when' with dns");
	else if (said->confirm_when == NULL)
		return true;
	else if (said->confirm == 0)
		error_set(&err, "'confirm_when' is for 'confirm': how long it may take");
	else if (probation_parse(said->confirm_when, probes, &err) == 0)
		return true;
	rpc_fail(failure, RPC_INVALID_PARAMS, "%s", err.text);
	return false;
}

static_assert((int)CFG_PROBE_DNS == 1 << PROBE_DNS && (int)CFG_PROBE_UPLINK == 1 << PROBE_UPLINK &&
		      (int)CFG_PROBE_MANAGEMENT == 1 << PROBE_MANAGEMENT,
	"probes pass as they are");

// As the config in force says, where nothing is said of it.
static void take_defaults(
	struct config_params *said, const struct cfg_apply *usual, char *when, size_t when_bytes)
{
	size_t at = 0;

	if (said->no_confirm || said->confirm != 0 || said->confirm_when != NULL ||
		said->confirm_name[0] != '\0')
		return;
	said->confirm = usual->confirm_sec;
	for (unsigned i = 0; i < PROBES; i++)
		if (usual->probes >> i & 1)
			at += (size_t)snprintf(when + at, when_bytes - at, "%s%s",
				at > 0 ? "," : "", probe_name((enum probe)i));
	if (at == 0)
		return;
	said->confirm_when = when;
	if (usual->confirm_name != NULL)
		said->confirm_name = usual->confirm_name;
}

static bool read_request(const struct router *router, const json_t *params, enum apply_asks what,
	struct config_params *said, char when[CONFIG_PROBES_TEXT_MAX + 1], unsigned *probes,
	struct rpc_failure *failure)
{
	static const char *const plan_keys[] = {"file", "flows", "progress", NULL};
	static const char *const file_keys[] = {"file", "message", "confirm", "no_confirm",
		"confirm_when", "confirm_name", "progress", NULL};
	static const char *const back_keys[] = {"revision", "message", "progress", NULL};
	static const char *const no_keys[] = {NULL};
	static const char *const *const keys[] = {[APPLY_ASKS_PLAN] = plan_keys,
		[APPLY_ASKS_FILE] = file_keys,
		[APPLY_ASKS_BACK] = back_keys,
		[APPLY_ASKS_CONFIRM] = no_keys};
	bool has_file = what == APPLY_ASKS_PLAN || what == APPLY_ASKS_FILE;

	if (!config_read_params(params, keys[what], said, failure) ||
		(has_file && !config_read_file(said, failure)))
		return false;
	if (said->no_confirm && said->confirm != 0) {
		rpc_fail(failure, RPC_INVALID_PARAMS, "either 'confirm' or 'no_confirm'");
		return false;
	}
	if (what == APPLY_ASKS_FILE)
		take_defaults(said, &router->config->apply, when, CONFIG_PROBES_TEXT_MAX + 1);
	return read_probes(said, probes, failure);
}

static void *begin_change(struct rpc_session *session, const json_t *params, enum apply_asks what,
	struct rpc_failure *failure)
{
	const struct router *router = session->rpc->ctx;
	char program[CALLER_PROGRAM_BYTES];
	char when[CONFIG_PROBES_TEXT_MAX + 1];
	struct config_params said;
	struct change *change;
	unsigned probes;

	if (!read_request(router, params, what, &said, when, &probes, failure))
		return NULL;
	change = calloc(1, sizeof(*change));
	if (change == NULL)
		return NULL;
	caller_program(session, program);
	*change = (struct change){.router = router,
		.what = what,
		.confirm_sec = (uint64_t)said.confirm,
		.told_ms = clock_now_ms(),
		.changes_before = apply_changes(router->apply),
		.tells = said.progress};
	if (said.confirm_when != NULL)
		snprintf(change->confirm_when, sizeof(change->confirm_when), "%s",
			said.confirm_when);
	change->job =
		apply_begin(router->apply, &(struct apply_request){
						   .what = what,
						   .file = said.file,
						   .revision = said.revision,
						   .confirm_sec = (unsigned)said.confirm,
						   .flows_max = (uint64_t)said.flows,
						   .probes = probes,
						   .confirm_name = said.confirm_name,
						   .who = {session->uid, program, said.message},
					   });
	if (change->job != NULL)
		return change;
	free(change);
	return NULL;
}

static void *begin_plan(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	return begin_change(session, params, APPLY_ASKS_PLAN, failure);
}

static void *begin_apply(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	return begin_change(session, params, APPLY_ASKS_FILE, failure);
}

static void *begin_rollback(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	return begin_change(session, params, APPLY_ASKS_BACK, failure);
}

static void *begin_confirm(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	return begin_change(session, params, APPLY_ASKS_CONFIRM, failure);
}

// --- what became of it ---

static void tell_confirmed(
	const struct apply_outcome *outcome, int rc, json_t **result, struct rpc_failure *failure)
{
	if (rc == 0)
		*result = json_pack("{s:I}", "revision", (json_int_t)outcome->revision);
	else
		rpc_fail(failure, RPC_INVALID_PARAMS, "%s", outcome->err.text);
}

static enum rpc_task_state change_on(void *task, json_t **result, struct rpc_failure *failure)
{
	const struct change *change = task;
	const struct router *router = change->router;
	const struct apply_outcome *outcome;
	int rc;

	outcome = apply_job_outcome(change->job, &rc);
	if (outcome == NULL)
		return RPC_TASK_WAITS;
	if (change->what == APPLY_ASKS_PLAN &&
		apply_changes(router->apply) != change->changes_before) {
		rpc_fail(failure, RPC_INTERNAL_ERROR,
			"another config came into force meanwhile: ask again");
		return RPC_TASK_DONE;
	}
	if (change->what == APPLY_ASKS_CONFIRM) {
		tell_confirmed(outcome, rc, result, failure);
		return RPC_TASK_DONE;
	}
	*result = config_outcome_json(outcome, rc == 0);
	if (change->what == APPLY_ASKS_PLAN) {
		config_put_plan(*result, router, outcome);
	} else if (change->what == APPLY_ASKS_FILE) {
		show_put_number(*result, "confirm_sec", change->confirm_sec);
		show_put_text(*result, "confirm_when", change->confirm_when);
	}
	apply_job_told(router->apply, change->job);
	return RPC_TASK_DONE;
}

static json_t *change_progress(void *task)
{
	struct change *change = task;

	if (!change->tells || !config_is_time_to_tell(&change->told_ms))
		return NULL;
	return json_pack("{s:s}", "step", apply_job_doing(change->job));
}

const struct rpc_task config_plan = {begin_plan, change_on, change_progress, free_change};
const struct rpc_task config_apply = {begin_apply, change_on, change_progress, free_change};
const struct rpc_task config_confirm = {begin_confirm, change_on, change_progress, free_change};
const struct rpc_task config_rollback = {begin_rollback, change_on, change_progress, free_change};
