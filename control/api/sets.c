// SPDX-License-Identifier: BSD-3-Clause
// What can be done to sets: ban, unban.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/value.h"
#include "control/api/events.h"
#include "control/api/show_parts.h"
#include "control/wall_clock.h"

// --- parameters ---

static const char *text_of(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

static bool read_timed(const struct router *router, const json_t *params, uint16_t *timed,
	struct rpc_failure *failure)
{
	const struct timed_sets *sets = &router->bans.sets;
	const char *name = text_of(params, "set");

	*timed = name == NULL ? timed_sets_usual(sets) : timed_sets_find(sets, name);
	if (*timed != DP_INDEX_NONE)
		return true;
	if (sets->n == 0)
		rpc_fail(failure, RPC_INVALID_PARAMS, "no set of the config has a timeout");
	else if (name == NULL)
		rpc_fail(failure, RPC_INVALID_PARAMS,
			"in which set? Several have a timeout, and none is called 'banned'");
	else if (show_find_set(router->config, name) != NULL)
		rpc_fail(failure, RPC_INVALID_PARAMS,
			"the set '%.64s' has no timeout: only the config changes it", name);
	else
		rpc_fail(failure, RPC_INVALID_PARAMS, "there is no set '%.64s'", name);
	return false;
}

static bool read_prefix(const json_t *params, struct ip_prefix *out, struct rpc_failure *failure)
{
	const char *text = text_of(params, "address");
	struct ip_prefix network;

	if (text == NULL) {
		rpc_fail(failure, RPC_INVALID_PARAMS, "'address' is missing");
		return false;
	}
	if (ip_addr_parse(text, &out->addr) == 0) {
		out->len = (uint8_t)ip_family_bits(out->addr.family);
		return true;
	}
	if (ip_prefix_parse(text, out) != 0) {
		rpc_fail(failure, RPC_INVALID_PARAMS, "'%.64s' is no address and no network", text);
		return false;
	}
	network = ip_prefix_network(out);
	if (ip_addr_equal(&network.addr, &out->addr))
		return true;
	rpc_fail(failure, RPC_INVALID_PARAMS, "'%.64s' has bits behind the network's", text);
	return false;
}

static bool read_duration(
	const json_t *params, uint32_t otherwise, uint32_t *out, struct rpc_failure *failure)
{
	static const struct model_key seconds = {
		.key = "for", .type = MODEL_SECONDS, .min = 1, .max = CFG_DURATION_MAX_SEC};
	const char *text = text_of(params, "for");
	struct error err;

	*out = otherwise;
	if (text == NULL)
		return true;
	if (strcmp(text, "forever") == 0) {
		*out = DP_FOREVER;
		return true;
	}
	if (value_read(&seconds, text, NULL, out, &err) == 0)
		return true;
	rpc_fail(failure, RPC_INVALID_PARAMS, "%s; or forever", err.text);
	return false;
}

// --- what is done ---

// In the workers at once; it is answered when it is on the disk, or cannot be.
struct task {
	const struct router *router;
	struct ban_asked *asked;
	uint32_t for_sec;
};

static void *task_new(const struct router *router, struct ban_asked *asked, uint32_t for_sec)
{
	struct task *task = malloc(sizeof(*task));

	if (task == NULL)
		bans_leave(asked);
	else
		*task = (struct task){router, asked, for_sec};
	return task;
}

static void *begin_ban(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"address", "set", "for", NULL};
	struct router *router = session->rpc->ctx;
	struct ban_asked *asked;
	struct ip_prefix prefix;
	uint32_t for_sec;
	struct error err;
	uint16_t timed;

	if (!show_check_keys(params, keys, failure) || !read_prefix(params, &prefix, failure) ||
		!read_timed(router, params, &timed, failure) ||
		!read_duration(
			params, router->bans.sets.list[timed].timeout_sec, &for_sec, failure))
		return NULL;
	asked = bans_add(&router->bans, timed, &prefix, for_sec, wall_clock_now(), &err);
	if (asked == NULL)
		return rpc_fail(failure, RPC_INTERNAL_ERROR, "%s", err.text);
	events_set_add(router, timed, &prefix, for_sec, "command");
	return task_new(router, asked, for_sec);
}

static void *begin_unban(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"address", "set", NULL};
	struct router *router = session->rpc->ctx;
	struct ban_asked *asked;
	struct ip_prefix prefix;
	struct error err;
	uint16_t timed;

	if (!show_check_keys(params, keys, failure) || !read_prefix(params, &prefix, failure) ||
		!read_timed(router, params, &timed, failure))
		return NULL;
	asked = bans_remove(&router->bans, timed, &prefix, &err);
	if (asked == NULL)
		return rpc_fail(failure, RPC_INTERNAL_ERROR, "%s", err.text);
	if (asked->was_there)
		events_set_remove(router, timed, &prefix);
	return task_new(router, asked, 0);
}

static enum rpc_task_state go_on(void *ctx, json_t **result, struct rpc_failure *failure)
{
	const struct task *task = ctx;
	const struct ban_asked *asked = task->asked;
	char text[ADDR_STR_BYTES];
	struct error err, unkept;
	int rc = bans_outcome(&task->router->bans, asked, &unkept, &err);

	if (rc == -EAGAIN)
		return RPC_TASK_WAITS;
	if (rc != 0) {
		rpc_fail(failure, RPC_INVALID_PARAMS, "%s", err.text);
		return RPC_TASK_DONE;
	}
	if (asked->is_removal && !asked->was_there)
		events_set_remove(task->router, asked->timed, &asked->prefix);
	*result = json_object();
	show_put_text(*result, "set", asked->set);
	show_put_text(*result, "address", ip_prefix_str(&asked->prefix, text));
	if (!asked->is_removal)
		show_put_left(*result, "for_sec", task->for_sec);
	json_object_set_new(
		*result, "unkept", unkept.text[0] == '\0' ? json_null() : json_string(unkept.text));
	return RPC_TASK_DONE;
}

static void leave(void *ctx)
{
	struct task *task = ctx;

	bans_leave(task->asked);
	free(task);
}

const struct rpc_task sets_ban = {begin_ban, go_on, NULL, leave, NULL};
const struct rpc_task sets_unban = {begin_unban, go_on, NULL, leave, NULL};
