// SPDX-License-Identifier: BSD-3-Clause
// Bytes from a client of the control socket: whatever comes, each line gets one answer that is
// JSON, or none when it was a notification.
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

static void check_answer(const char *line)
{
	json_t *answer = json_loads(line, 0, NULL);

	if (answer == NULL || json_object_get(answer, "id") == NULL ||
		(json_object_get(answer, "result") == NULL) ==
			(json_object_get(answer, "error") == NULL))
		abort();
	json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
	static const struct rpc_method methods[] = {{"echo", echo}, {NULL}};
	const struct rpc rpc = {.methods = methods};
	struct rpc_session session = {.rpc = &rpc, .may_write = true};
	struct evbuffer *in = evbuffer_new(), *out = evbuffer_new();
	char *line;

	evbuffer_add(in, bytes, n_bytes);
	while (rpc_step(&session, in, out) == RPC_TOOK_LINE)
		;
	while ((line = evbuffer_readln(out, NULL, EVBUFFER_EOL_LF)) != NULL) {
		check_answer(line);
		free(line);
	}
	evbuffer_free(in);
	evbuffer_free(out);
	return 0;
}
