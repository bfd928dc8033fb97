// SPDX-License-Identifier: BSD-3-Clause
// Bytes from a client of the control socket: whatever comes, each line gets one answer that is
// JSON, or none when it was a notification; a batch gets one array.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "control/api/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static json_t *echo(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const char *text = json_string_value(json_object_get(params, "fail"));

	if (text != NULL)
		return rpc_fail(failure, RPC_INVALID_PARAMS, "failed as '%.20s' asked", text);
	return params == NULL ? json_null() : json_deep_copy(params);
}

static void *begin_list(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	return json_deep_copy(params == NULL ? json_null() : params);
}

// A step for each of its members.
static bool next_list(void *walk, json_t *rows)
{
	void *first = json_object_iter(walk);

	if (first == NULL)
		return false;
	json_array_append(rows, json_object_iter_value(first));
	json_object_del(walk, json_object_iter_key(first));
	return true;
}

static json_t *end_list(void *walk)
{
	return json_pack("{s:i}", "total", 1);
}

static void free_list(void *walk)
{
	json_decref(walk);
}

static const struct rpc_walk list = {"list", NULL, begin_list, next_list, end_list, free_list};

static void check_response(const json_t *answer)
{
	if (answer == NULL || json_object_get(answer, "id") == NULL ||
		(json_object_get(answer, "result") == NULL) ==
			(json_object_get(answer, "error") == NULL))
		abort();
}

static void check_line(const char *line)
{
	json_t *answer = json_loads(line, 0, NULL), *one;
	size_t i;

	if (json_is_array(answer) && json_array_size(answer) > 0) {
		json_array_foreach(answer, i, one) check_response(one);
	} else {
		check_response(answer);
	}
	json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
	static const struct rpc_method methods[] = {
		{"echo", echo, RPC_READS}, {"list", NULL, RPC_READS, &list}, {"set", echo}, {NULL}};
	const struct rpc rpc = {.methods = methods};
	struct rpc_session session = {.rpc = &rpc, .may_write = n_bytes > 0 && bytes[0] == '['};
	struct evbuffer *in = evbuffer_new(), *out = evbuffer_new();
	char *line;

	evbuffer_add(in, bytes, n_bytes);
	while (rpc_step(&session, in, out) == RPC_GOES_ON)
		;
	while ((line = evbuffer_readln(out, NULL, EVBUFFER_EOL_LF)) != NULL) {
		check_line(line);
		free(line);
	}
	rpc_session_fini(&session);
	evbuffer_free(in);
	evbuffer_free(out);
	return 0;
}
