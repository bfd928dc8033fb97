// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/rpc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/api/peer.h"

json_t *rpc_fail(struct rpc_failure *failure, enum rpc_error_code code, const char *fmt, ...)
{
	va_list ap;

	failure->code = code;
	va_start(ap, fmt);
	vsnprintf(failure->text, sizeof(failure->text), fmt, ap);
	va_end(ap);
	return NULL;
}

// Takes `result`; `id` stays the caller's, NULL: null.
static void answer(
	struct evbuffer *out, json_t *id, json_t *result, const struct rpc_failure *failure)
{
	json_t *response = json_object();
	json_t *error = NULL;
	char *text = NULL;

	json_object_set_new(response, "jsonrpc", json_string("2.0"));
	if (result == NULL) {
		error = json_pack(
			"{s:i, s:s}", "code", (int)failure->code, "message", failure->text);
		// no UTF-8 where a quoted name was cut
		if (error == NULL)
			error = json_pack("{s:i, s:s}", "code", (int)failure->code, "message",
				"the request cannot be answered");
	}
	json_object_set_new(
		response, result != NULL ? "result" : "error", result != NULL ? result : error);
	json_object_set_new(response, "id", id == NULL ? json_null() : json_incref(id));
	text = json_dumps(response, JSON_COMPACT);
	json_decref(response);
	if (text != NULL)
		evbuffer_add_printf(out, "%s\n", text);
	free(text);
}

static void answer_failure(
	struct evbuffer *out, json_t *id, enum rpc_error_code code, const char *text)
{
	struct rpc_failure failure;

	rpc_fail(&failure, code, "%s", text);
	answer(out, id, NULL, &failure);
}

static const struct rpc_method *find_method(const struct rpc *rpc, const char *name)
{
	for (const struct rpc_method *m = rpc->methods; m->name != NULL; m++)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

static void handle_request(struct rpc_session *session, json_t *request, struct evbuffer *out)
{
	const char *version = json_string_value(json_object_get(request, "jsonrpc"));
	const char *name = json_string_value(json_object_get(request, "method"));
	json_t *params = json_object_get(request, "params");
	json_t *id = json_object_get(request, "id");
	const struct rpc_method *method;
	struct rpc_failure failure = {.code = RPC_INTERNAL_ERROR, .text = "no memory"};
	json_t *result = NULL;

	if (!json_is_object(request)) {
		answer_failure(out, NULL, RPC_INVALID_REQUEST, "a request is one JSON object");
		return;
	}
	if (id != NULL && !json_is_string(id) && !json_is_number(id) && !json_is_null(id)) {
		answer_failure(out, NULL, RPC_INVALID_REQUEST, "'id' must be a string or a number");
		return;
	}
	if (version == NULL || strcmp(version, "2.0") != 0 || name == NULL) {
		answer_failure(out, id, RPC_INVALID_REQUEST,
			"a request needs \"jsonrpc\": \"2.0\" and a \"method\"");
		return;
	}
	method = find_method(session->rpc, name);
	if (method == NULL)
		rpc_fail(&failure, RPC_METHOD_NOT_FOUND, "there is no method '%.64s'", name);
	else if (method->effect == RPC_WRITES && !session->may_write)
		rpc_fail(&failure, RPC_NOT_ALLOWED, "'%s' is for root and for the group %s", name,
			PEER_ADMINS);
	else if (params != NULL && !json_is_object(params))
		rpc_fail(&failure, RPC_INVALID_PARAMS, "'params' must be an object");
	else if (method->run_session != NULL)
		result = method->run_session(session, params, &failure);
	else
		result = method->run(session->rpc->ctx, params, &failure);
	// 4.1: "The Server MUST NOT reply to a Notification", which is a request without id
	if (id == NULL)
		json_decref(result);
	else
		answer(out, id, result, &failure);
}

enum rpc_step rpc_step(struct rpc_session *session, struct evbuffer *in, struct evbuffer *out)
{
	size_t len = 0;
	struct evbuffer_ptr end = evbuffer_search_eol(in, NULL, &len, EVBUFFER_EOL_LF);
	struct rpc_failure failure;
	json_error_t error;
	json_t *request;
	char *line;

	if (end.pos > RPC_LINE_MAX || (end.pos < 0 && evbuffer_get_length(in) > RPC_LINE_MAX)) {
		answer_failure(out, NULL, RPC_INVALID_REQUEST, "the request is too long");
		return RPC_LINE_TOO_LONG;
	}
	if (end.pos < 0)
		return RPC_NEEDS_MORE;
	line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
	if (line == NULL)
		return RPC_NEEDS_MORE;
	request = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	free(line);
	if (request == NULL) {
		// jansson's own words quote the input, which need not be text
		rpc_fail(&failure, RPC_PARSE_ERROR, "no valid JSON at byte %d", error.position);
		answer(out, NULL, NULL, &failure);
		return RPC_TOOK_LINE;
	}
	handle_request(session, request, out);
	json_decref(request);
	return RPC_TOOK_LINE;
}
