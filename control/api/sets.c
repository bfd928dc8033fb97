// SPDX-License-Identifier: BSD-3-Clause
// What can be done to sets: ban, unban.
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

static json_t *done_json(
	const struct router *router, uint16_t timed, const struct ip_prefix *prefix)
{
	json_t *to = json_object();
	char text[ADDR_STR_BYTES];

	show_put_text(to, "set", router->bans.sets.list[timed].name);
	show_put_text(to, "address", ip_prefix_str(prefix, text));
	return to;
}

static void put_unkept(json_t *to, const struct error *unkept)
{
	json_object_set_new(
		to, "unkept", unkept->text[0] == '\0' ? json_null() : json_string(unkept->text));
}

json_t *sets_ban(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"address", "set", "for", NULL};
	struct router *router = ctx;
	struct error err, unkept;
	struct ip_prefix prefix;
	uint32_t for_sec;
	uint16_t timed;
	json_t *to;

	if (!show_check_keys(params, keys, failure) || !read_prefix(params, &prefix, failure) ||
		!read_timed(router, params, &timed, failure) ||
		!read_duration(
			params, router->bans.sets.list[timed].timeout_sec, &for_sec, failure))
		return NULL;
	if (bans_add(&router->bans, timed, &prefix, for_sec, wall_clock_now(), &unkept, &err) != 0)
		return rpc_fail(failure, RPC_INTERNAL_ERROR, "%s", err.text);
	events_set_add(router, timed, &prefix, for_sec, "command");
	to = done_json(router, timed, &prefix);
	show_put_left(to, "for_sec", for_sec);
	put_unkept(to, &unkept);
	return to;
}

json_t *sets_unban(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"address", "set", NULL};
	struct router *router = ctx;
	struct error err, unkept;
	struct ip_prefix prefix;
	uint16_t timed;
	json_t *to;

	if (!show_check_keys(params, keys, failure) || !read_prefix(params, &prefix, failure) ||
		!read_timed(router, params, &timed, failure))
		return NULL;
	if (bans_remove(&router->bans, timed, &prefix, &unkept, &err) != 0)
		return rpc_fail(failure, RPC_INVALID_PARAMS, "%s", err.text);
	events_set_remove(router, timed, &prefix);
	to = done_json(router, timed, &prefix);
	put_unkept(to, &unkept);
	return to;
}
