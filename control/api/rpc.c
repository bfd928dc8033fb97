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

// --- answers ---

static int append_text(const char *text, size_t bytes, void *out)
{
	return evbuffer_add(out, text, bytes);
}

static void append_json(struct evbuffer *out, const json_t *value)
{
	json_dump_callback(value, append_text, out, JSON_COMPACT | JSON_ENCODE_ANY);
}

// Those of a batch stand in one array, on one line (6).
static void begin_answer(struct rpc_session *session, struct evbuffer *out)
{
	if (session->batch == NULL)
		return;
	evbuffer_add(out, session->has_answered ? "," : "[", 1);
	session->has_answered = true;
}

static void end_answer(const struct rpc_session *session, struct evbuffer *out)
{
	if (session->batch == NULL)
		evbuffer_add(out, "\n", 1);
}

// Takes `result`; `id` stays the caller's, NULL: null.
static void answer(struct rpc_session *session, struct evbuffer *out, json_t *id, json_t *result,
	const struct rpc_failure *failure)
{
	json_t *response = json_object();
	json_t *error = NULL;

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
	begin_answer(session, out);
	append_json(out, response);
	end_answer(session, out);
	json_decref(response);
}

static void answer_failure(struct rpc_session *session, struct evbuffer *out, json_t *id,
	enum rpc_error_code code, const char *text)
{
	struct rpc_failure failure;

	rpc_fail(&failure, code, "%s", text);
	answer(session, out, id, NULL, &failure);
}

// --- walks: the answer's text is written around the rows ---

static void begin_walk(struct rpc_session *session, struct evbuffer *out,
	const struct rpc_walk *walk, void *walking, json_t *id)
{
	session->walk = walk;
	session->walking = walking;
	session->walk_id = json_incref(id);
	session->has_rows = false;
	begin_answer(session, out);
	evbuffer_add_printf(out, "{\"jsonrpc\":\"2.0\",\"result\":{\"%s\":[", walk->key);
}

static void end_walk(struct rpc_session *session, struct evbuffer *out)
{
	json_t *rest = session->walk->end(session->walking), *value;
	const char *key;

	if (session->walk->inner_key != NULL && session->has_rows)
		evbuffer_add(out, "]}", 2);
	evbuffer_add(out, "]", 1);
	json_object_foreach(rest, key, value)
	{
		evbuffer_add_printf(out, ",\"%s\":", key);
		append_json(out, value);
	}
	json_decref(rest);
	evbuffer_add_printf(out, "},\"id\":");
	append_json(out, session->walk_id);
	evbuffer_add(out, "}", 1);
	end_answer(session, out);
	session->walk->free(session->walking);
	session->walking = NULL;
	json_decref(session->walk_id);
}

// `second_key` as in struct rpc_walk.
static void append_rows(
	struct evbuffer *out, const json_t *rows, const char *second_key, bool *has_some)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (second_key != NULL && json_is_null(row)) {
			evbuffer_add_printf(out, "],\"%s\":[", second_key);
			*has_some = false;
			continue;
		}
		if (*has_some)
			evbuffer_add(out, ",", 1);
		*has_some = true;
		append_json(out, row);
	}
}

// An object that is left open at the end of its own list, or more of that.
static void append_outer(struct rpc_session *session, struct evbuffer *out, const json_t *row)
{
	char *text;

	if (json_is_array(row)) {
		append_rows(out, row, NULL, &session->has_inner_rows);
		return;
	}
	text = json_dumps(row, JSON_COMPACT | JSON_EMBED);
	evbuffer_add_printf(out, "%s{%s,\"%s\":[", session->has_rows ? "]}," : "",
		text == NULL ? "" : text, session->walk->inner_key);
	free(text);
	session->has_rows = true;
	session->has_inner_rows = false;
}

static void walk_on(struct rpc_session *session, struct evbuffer *out)
{
	json_t *rows = json_array(), *row;
	bool is_more = session->walk->next(session->walking, rows);
	size_t i;

	if (session->walk->inner_key == NULL) {
		append_rows(out, rows, session->walk->second_key, &session->has_rows);
	} else {
		json_array_foreach(rows, i, row)
		{
			append_outer(session, out, row);
		}
	}
	json_decref(rows);
	if (!is_more)
		end_walk(session, out);
}

// --- tasks ---

static void begin_task(
	struct rpc_session *session, const struct rpc_task *task, void *at_work, json_t *id)
{
	session->task = task;
	session->at_work = at_work;
	session->task_id = id == NULL ? NULL : json_incref(id);
}

static void end_task(struct rpc_session *session)
{
	session->task->free(session->at_work);
	session->at_work = NULL;
	json_decref(session->task_id);
	session->task_id = NULL;
}

// Those of a batch stand in one array: nothing else may.
static void tell_progress(struct rpc_session *session, struct evbuffer *out)
{
	json_t *progress = session->task->progress == NULL || session->batch != NULL ||
					   session->task_id == NULL
				   ? NULL
				   : session->task->progress(session->at_work);
	json_t *message;

	if (progress == NULL)
		return;
	json_object_set(progress, "id", session->task_id);
	message = json_pack(
		"{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", "progress", "params", progress);
	append_json(out, message);
	evbuffer_add(out, "\n", 1);
	json_decref(message);
}

// --- texts: the answer is written around the result, as much of it at a step ---

enum { TEXT_AT_ONCE = 16 << 10 };

static void begin_text(struct rpc_session *session, struct evbuffer *out)
{
	session->text = session->task->text(session->at_work, &session->text_bytes);
	begin_answer(session, out);
	evbuffer_add_printf(out, "{\"jsonrpc\":\"2.0\",\"result\":");
}

static void text_on(struct rpc_session *session, struct evbuffer *out)
{
	size_t n = session->text_bytes < TEXT_AT_ONCE ? session->text_bytes : TEXT_AT_ONCE;

	evbuffer_add(out, session->text, n);
	session->text += n;
	session->text_bytes -= n;
	if (session->text_bytes > 0)
		return;
	session->text = NULL;
	evbuffer_add_printf(out, ",\"id\":");
	append_json(out, session->task_id);
	evbuffer_add(out, "}", 1);
	end_answer(session, out);
	end_task(session);
}

static enum rpc_step task_on(struct rpc_session *session, struct evbuffer *out)
{
	struct rpc_failure failure = {.code = RPC_INTERNAL_ERROR, .text = "no memory"};
	json_t *result = NULL;
	enum rpc_task_state state;

	if (session->text != NULL) {
		text_on(session, out);
		return RPC_GOES_ON;
	}
	state = session->task->go_on(session->at_work, &result, &failure);
	if (state == RPC_TASK_TEXT && session->task_id != NULL) {
		begin_text(session, out);
		return RPC_GOES_ON;
	}
	if (state == RPC_TASK_GOES_ON || state == RPC_TASK_WAITS) {
		tell_progress(session, out);
		return state == RPC_TASK_WAITS ? RPC_WAITS : RPC_GOES_ON;
	}
	if (session->task_id != NULL)
		answer(session, out, session->task_id, result, &failure);
	else
		json_decref(result);
	end_task(session);
	return RPC_GOES_ON;
}

// --- requests ---

static const struct rpc_method *find_method(const struct rpc *rpc, const char *name)
{
	for (const struct rpc_method *m = rpc->methods; m->name != NULL; m++)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

// What it names, if this client may ask for it in this way.
static const struct rpc_method *choose_method(const struct rpc_session *session, const char *name,
	const json_t *params, struct rpc_failure *failure)
{
	const struct rpc_method *method = find_method(session->rpc, name);

	if (method == NULL)
		rpc_fail(failure, RPC_METHOD_NOT_FOUND, "there is no method '%.64s'", name);
	else if (method->effect == RPC_WRITES && !session->may_write)
		rpc_fail(failure, RPC_NOT_ALLOWED, "'%s' is for root and for the group %s", name,
			PEER_ADMINS);
	else if (params != NULL && !json_is_object(params))
		rpc_fail(failure, RPC_INVALID_PARAMS, "'params' must be an object");
	else
		return method;
	return NULL;
}

static void run_method(struct rpc_session *session, const struct rpc_method *method,
	const json_t *params, json_t *id, struct evbuffer *out)
{
	struct rpc_failure failure = {.code = RPC_INTERNAL_ERROR, .text = "no memory"};
	json_t *result = NULL;
	void *walking, *at_work;

	if (method->task != NULL) {
		at_work = method->task->begin(session, params, &failure);
		if (at_work != NULL) {
			begin_task(session, method->task, at_work, id);
			return;
		}
	} else if (method->walk != NULL) {
		if (id == NULL) // nobody would hear what it finds
			return;
		walking = method->walk->begin(session->rpc->ctx, params, &failure);
		if (walking != NULL) {
			begin_walk(session, out, method->walk, walking, id);
			return;
		}
	} else if (method->run_session != NULL) {
		result = method->run_session(session, params, &failure);
	} else {
		result = method->run(session->rpc->ctx, params, &failure);
	}
	// 4.1: "The Server MUST NOT reply to a Notification", which is a request without id
	if (id == NULL)
		json_decref(result);
	else
		answer(session, out, id, result, &failure);
}

static void handle_request(struct rpc_session *session, json_t *request, struct evbuffer *out)
{
	const char *version = json_string_value(json_object_get(request, "jsonrpc"));
	const char *name = json_string_value(json_object_get(request, "method"));
	json_t *params = json_object_get(request, "params");
	json_t *id = json_object_get(request, "id");
	const struct rpc_method *method;
	struct rpc_failure failure;

	if (!json_is_object(request)) {
		answer_failure(session, out, NULL, RPC_INVALID_REQUEST,
			"a request is one JSON object, or an array of some");
		return;
	}
	if (id != NULL && !json_is_string(id) && !json_is_number(id) && !json_is_null(id)) {
		answer_failure(session, out, NULL, RPC_INVALID_REQUEST,
			"'id' must be a string, a number or null");
		return;
	}
	if (version == NULL || strcmp(version, "2.0") != 0 || name == NULL) {
		answer_failure(session, out, id, RPC_INVALID_REQUEST,
			"a request needs \"jsonrpc\": \"2.0\" and a \"method\"");
		return;
	}
	method = choose_method(session, name, params, &failure);
	if (method != NULL)
		run_method(session, method, params, id, out);
	else if (id != NULL)
		answer(session, out, id, NULL, &failure);
}

// --- batches: one request at a step ---

static void begin_batch(struct rpc_session *session, json_t *batch, struct evbuffer *out)
{
	size_t n = json_array_size(batch);
	struct rpc_failure failure;

	if (n >= 1 && n <= RPC_BATCH_MAX) {
		session->batch = json_incref(batch);
		session->batch_at = 0;
		session->has_answered = false;
		return;
	}
	rpc_fail(&failure, RPC_INVALID_REQUEST, "a batch has from 1 to %d requests", RPC_BATCH_MAX);
	answer(session, out, NULL, NULL, &failure);
}

// 6: "If there are no Response objects contained within the Response array as it is to be sent to
// the client, the server MUST NOT return an empty Array and should return nothing at all."
static void batch_on(struct rpc_session *session, struct evbuffer *out)
{
	json_t *request = json_array_get(session->batch, session->batch_at++);

	if (request != NULL) {
		handle_request(session, request, out);
		return;
	}
	if (session->has_answered)
		evbuffer_add(out, "]\n", 2);
	json_decref(session->batch);
	session->batch = NULL;
}

// --- lines ---

static void handle_line(
	struct rpc_session *session, const char *line, size_t len, struct evbuffer *out)
{
	struct rpc_failure failure;
	json_error_t error;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

	if (request == NULL) {
		// jansson's own words quote the input, which need not be text
		rpc_fail(&failure, RPC_PARSE_ERROR, "no valid JSON at byte %d", error.position);
		answer(session, out, NULL, NULL, &failure);
	} else if (json_is_array(request)) {
		begin_batch(session, request, out);
	} else {
		handle_request(session, request, out);
	}
	json_decref(request);
}

static enum rpc_step take_line(
	struct rpc_session *session, struct evbuffer *in, struct evbuffer *out)
{
	size_t len = evbuffer_get_length(in);
	struct evbuffer_ptr from, end;
	char *line;

	// who sends a line byte by byte has each looked at once
	if (len == session->n_looked_at)
		return RPC_NEEDS_MORE;
	evbuffer_ptr_set(in, &from, session->n_looked_at, EVBUFFER_PTR_SET);
	end = evbuffer_search_eol(in, &from, NULL, EVBUFFER_EOL_LF);
	if (end.pos > RPC_LINE_MAX || (end.pos < 0 && len > RPC_LINE_MAX)) {
		answer_failure(session, out, NULL, RPC_INVALID_REQUEST, "the request is too long");
		return RPC_LINE_TOO_LONG;
	}
	session->n_looked_at = end.pos < 0 ? len : 0;
	if (end.pos < 0)
		return RPC_NEEDS_MORE;
	line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
	if (line == NULL)
		return RPC_NEEDS_MORE;
	handle_line(session, line, len, out);
	free(line);
	return RPC_GOES_ON;
}

enum rpc_step rpc_step(struct rpc_session *session, struct evbuffer *in, struct evbuffer *out)
{
	if (session->at_work != NULL)
		return task_on(session, out);
	if (session->walking == NULL && session->batch == NULL)
		return take_line(session, in, out);
	if (session->walking != NULL)
		walk_on(session, out);
	else
		batch_on(session, out);
	return RPC_GOES_ON;
}

bool rpc_is_between_answers(const struct rpc_session *session)
{
	return session->walking == NULL && session->batch == NULL && session->text == NULL;
}

void rpc_session_fini(struct rpc_session *session)
{
	if (session->walking != NULL) {
		session->walk->free(session->walking);
		json_decref(session->walk_id);
	}
	if (session->at_work != NULL)
		end_task(session);
	json_decref(session->batch);
	*session = (struct rpc_session){0};
}
