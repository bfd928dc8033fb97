// SPDX-License-Identifier: BSD-3-Clause
// What the router was given so far, and what of it is in force.
#include <stdio.h>
#include <stdlib.h>

#include "cfg/print.h"
#include "control/api/config.h"
#include "control/api/config_parts.h"
#include "control/api/show_parts.h"
#include "control/apply/start.h"

static bool load_revision(const struct router *router, int64_t number, struct source *source,
	struct rpc_failure *failure)
{
	struct cfg_errors errors = {0};
	struct error err = {0};
	char text[1024], name[64];
	bool is_good;

	snprintf(name, sizeof(name), "revision %lld", (long long)number);
	is_good = apply_load(router->apply, number, name, source, &errors, &err) == 0;
	if (!is_good)
		rpc_fail(failure, RPC_INVALID_PARAMS, "%s",
			error_str(errors.n > 0 ? &errors.list[0] : &err, text, sizeof(text)));
	cfg_errors_free(&errors);
	return is_good;
}

json_t *config_compare(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"from", "to", NULL};
	const struct router *router = ctx;
	struct cfg_changes changes = {0};
	struct source from = {0}, to = {0};
	struct config_params said;
	json_t *result = NULL;

	if (!config_read_params(params, keys, &said, failure))
		return NULL;
	if (said.from == 0)
		return rpc_fail(failure, RPC_INVALID_PARAMS, "'from' is missing");
	if (load_revision(router, said.from, &from, failure) &&
		(said.to == 0 || load_revision(router, said.to, &to, failure))) {
		if (config_diff(from.config, said.to == 0 ? router->config : to.config, &changes) ==
			0) {
			result = json_object();
			config_put_changes(result, &changes);
		} else {
			rpc_fail(failure, RPC_INTERNAL_ERROR, "no memory");
		}
	}
	cfg_changes_free(&changes);
	source_fini(&from);
	source_fini(&to);
	return result;
}

json_t *show_running(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	json_t *to;
	size_t bytes;
	char *text;

	if (!show_read_nothing(params, failure))
		return NULL;
	text = config_print(router->config, &bytes);
	if (text == NULL)
		return rpc_fail(failure, RPC_INTERNAL_ERROR, "no memory");
	to = json_object();
	json_object_set_new(to, "text", json_stringn(text, bytes));
	config_put_state(to, router);
	free(text);
	return to;
}

static const char *const state_names[] = {
	[REVISION_GOOD] = "good",
	[REVISION_TRIAL] = "trial",
	[REVISION_UNDONE] = "undone",
};

struct history_list {
	json_t *revisions;
	int64_t present;
};

static void add_revision(void *ctx, const struct revision *revision)
{
	struct history_list *list = ctx;
	json_t *to = json_object();

	show_put_number(to, "revision", (uint64_t)revision->number);
	show_put_number(to, "at", (uint64_t)revision->at);
	show_put_text(to, "state",
		(unsigned)revision->state <= REVISION_UNDONE ? state_names[revision->state] : "?");
	show_put_bool(to, "is_present", revision->number == list->present);
	json_object_set_new(
		to, "uid", revision->uid < 0 ? json_null() : json_integer(revision->uid));
	show_put_text(to, "program", revision->who);
	show_put_text(to, "message", revision->why);
	show_put_text(to, "file", revision->file);
	json_array_append_new(list->revisions, to);
}

json_t *config_history(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	struct history *history = apply_history(router->apply);
	struct history_list list = {.present = apply_present(router->apply)};
	struct error err = {0};
	json_t *to;

	if (!show_read_nothing(params, failure))
		return NULL;
	if (history == NULL)
		return rpc_fail(failure, RPC_INTERNAL_ERROR, "there is no state file");
	list.revisions = json_array();
	if (history_each(history, 0, add_revision, &list, &err) != 0) {
		json_decref(list.revisions);
		return rpc_fail(failure, RPC_INTERNAL_ERROR, "%s", err.text);
	}
	to = json_pack("{s:o}", "revisions", list.revisions);
	config_put_state(to, router);
	return to;
}

void config_put_state(json_t *to, const struct router *router)
{
	int64_t present = apply_present(router->apply);
	unsigned left_sec;

	show_put_number(to, "revision", (uint64_t)present);
	json_object_set_new(to, "confirm_sec",
		apply_trial(router->apply, &left_sec) == 0 ? json_null() : json_integer(left_sec));
	json_object_set_new(to, "note",
		present != router->start->present || router->start->note.text[0] == '\0'
			? json_null()
			: json_string(router->start->note.text));
}
