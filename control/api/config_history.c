// SPDX-License-Identifier: BSD-3-Clause
// What the router was given so far, and what of it is in force.
#include "control/api/config.h"
#include "control/api/config_parts.h"
#include "control/api/show_parts.h"
#include "control/apply/start.h"

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
	json_t *to;

	if (!show_read_nothing(params, failure))
		return NULL;
	if (history == NULL)
		return rpc_fail(failure, RPC_INTERNAL_ERROR, "there is no state file");
	list.revisions = json_array();
	history_each(history, 0, add_revision, &list);
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
