// SPDX-License-Identifier: BSD-3-Clause
// config.diff and show.running: configs may be large, so they are read by another thread, and what
// comes of it is written in pieces.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "cfg/print.h"
#include "control/api/config.h"
#include "control/api/config_parts.h"
#include "control/api/show_parts.h"
#include "control/apply/reading.h"
#include "control/apply/source.h"

enum { SIDES = 2, REVISION_NAME_BYTES = 40 };

// What config.diff compares.
struct side {
	int64_t number; // 0: what is in force
	char name[REVISION_NAME_BYTES];
};

struct config_reading {
	struct reading reading; // first
	const struct router *router;
	bool tells; // that it is at work
	uint64_t told_ms;
	struct side sides[SIDES];
	struct history *history; // NULL: there is none
	json_t *state;		 // of the config in force
	char *text;		 // the answer; NULL: `failure` says why not
	size_t bytes;
	struct rpc_failure failure;
};

static struct config_reading *of(struct reading *reading)
{
	return (struct config_reading *)reading;
}

static void free_reading(struct reading *reading)
{
	struct config_reading *its = of(reading);

	json_decref(its->state);
	free(its->text);
	free(its);
}

// Takes `answer`.
static void keep(struct config_reading *its, json_t *answer)
{
	its->text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
	if (its->text != NULL)
		its->bytes = strlen(its->text);
	json_decref(answer);
}

// --- config.diff ---

static bool begin_diff(struct reading *reading)
{
	struct config_reading *its = of(reading);

	for (int i = 0; i < SIDES; i++)
		snprintf(its->sides[i].name, sizeof(its->sides[i].name), "revision %lld",
			(long long)its->sides[i].number);
	its->history = apply_history(its->router->apply);
	return true;
}

static bool parse_side(struct config_reading *its, const struct side *side, struct source *source)
{
	struct cfg_errors errors = {0};
	struct error err = {0};
	char text[1024], *its_text = NULL;
	size_t bytes;
	bool is_good;

	if (side->number == 0)
		return true;
	if (its->history == NULL)
		error_set(&err, "there is no state file, so there is no history");
	else
		its_text = history_text(its->history, side->number, &bytes, &err);
	if (its_text == NULL) {
		rpc_fail(&its->failure, RPC_INVALID_PARAMS, "%s", err.text);
		return false;
	}
	is_good = source_parse(source, side->name, its_text, bytes, &errors) == 0;
	free(its_text);
	if (!is_good)
		rpc_fail(&its->failure, RPC_INVALID_PARAMS, "%s",
			error_str(&errors.list[0], text, sizeof(text)));
	cfg_errors_free(&errors);
	return is_good;
}

static void run_diff(struct reading *reading, const struct config *present)
{
	struct config_reading *its = of(reading);
	struct source sources[SIDES] = {0};
	struct cfg_changes changes = {0};
	json_t *answer;

	if (parse_side(its, &its->sides[0], &sources[0]) &&
		parse_side(its, &its->sides[1], &sources[1]) &&
		config_diff(sources[0].config,
			its->sides[1].number == 0 ? present : sources[1].config, &changes) == 0) {
		answer = json_object();
		config_put_changes(answer, &changes);
		keep(its, answer);
	}
	cfg_changes_free(&changes);
	for (int i = 0; i < SIDES; i++)
		source_fini(&sources[i]);
}

// --- show.running ---

static bool begin_running(struct reading *reading)
{
	struct config_reading *its = of(reading);

	its->state = json_object();
	config_put_state(its->state, its->router);
	return true;
}

static void run_running(struct reading *reading, const struct config *present)
{
	struct config_reading *its = of(reading);
	size_t bytes;
	char *text = config_print(present, &bytes);
	json_t *answer;

	if (text == NULL)
		return;
	answer = json_object();
	json_object_set_new(answer, "text", json_stringn(text, bytes));
	free(text);
	json_object_update(answer, its->state);
	keep(its, answer);
}

// --- both, as tasks ---

static void *begin(struct rpc_session *session, const json_t *params, const char *const *keys,
	const struct reading_kind *kind, struct rpc_failure *failure)
{
	const struct router *router = session->rpc->ctx;
	struct config_reading *its;
	struct config_params said;

	if (!config_read_params(params, keys, &said, failure))
		return NULL;
	its = calloc(1, sizeof(*its));
	if (its == NULL)
		return NULL;
	its->router = router;
	its->tells = said.progress;
	its->told_ms = clock_now_ms();
	its->sides[0].number = said.from;
	its->sides[1].number = said.to;
	its->failure = *failure;
	reading_begin(apply_readings(router->apply), kind, &its->reading);
	return its;
}

static void *begin_compare(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"from", "to", "progress", NULL};
	static const struct reading_kind kind = {begin_diff, run_diff, free_reading};

	if (json_object_get(params, "from") == NULL)
		return rpc_fail(failure, RPC_INVALID_PARAMS, "'from' is missing");
	return begin(session, params, keys, &kind, failure);
}

static void *begin_show(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"progress", NULL};
	static const struct reading_kind kind = {begin_running, run_running, free_reading};

	return begin(session, params, keys, &kind, failure);
}

static enum rpc_task_state go_on(void *task, json_t **result, struct rpc_failure *failure)
{
	const struct config_reading *its = task;

	if (!reading_is_done(&its->reading))
		return RPC_TASK_WAITS;
	*failure = its->failure;
	return its->text != NULL ? RPC_TASK_TEXT : RPC_TASK_DONE;
}

static const char *text_of(void *task, size_t *bytes)
{
	const struct config_reading *its = task;

	*bytes = its->bytes;
	return its->text;
}

static json_t *progress(void *task)
{
	struct config_reading *its = task;

	if (!its->tells || !config_is_time_to_tell(&its->told_ms))
		return NULL;
	return json_pack("{s:s}", "step", "reading");
}

static void leave(void *task)
{
	struct config_reading *its = task;

	reading_leave(&its->reading);
}

const struct rpc_task config_compare = {begin_compare, go_on, progress, leave, text_of};
const struct rpc_task show_running = {begin_show, go_on, progress, leave, text_of};
