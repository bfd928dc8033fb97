// SPDX-License-Identifier: BSD-3-Clause
// JSON-RPC 2.0, one object or batch a line: bytes in, bytes out, no socket. Anything may come in: a
// line has a largest length, what is no request gets the error that the standard names (5.1), and
// whatever takes long is done in small steps, its answer written as it comes. Control thread.
#pragma once

#include <event2/buffer.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
	RPC_LINE_MAX = 64 << 10,
	RPC_BATCH_MAX = 128, // requests
	RPC_ROWS_MAX = 32,   // that one step of a walk may give
};

enum rpc_error_code {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_METHOD_NOT_FOUND = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_INTERNAL_ERROR = -32603,
	// -32000 to -32099 are the server's own
	RPC_NOT_ALLOWED = -32001,
};

// Why a method gave no result.
struct rpc_failure {
	enum rpc_error_code code;
	char text[480];
};

// What a method does to the router. One that does not say is not for everybody.
enum rpc_effect {
	RPC_WRITES = 0,
	RPC_READS,
};

// A long list, looked through in steps: {KEY: [rows], and what `end` gives}. Between two steps
// anything may change, so a walk keeps nothing that a config owns. With an inner key, the rows are
// objects with a list of their own, which comes in parts: first the object without it, then arrays.
struct rpc_walk {
	const char *key;
	const char *inner_key; // or NULL
	// The walk, or NULL with *failure filled.
	void *(*begin)(void *ctx, const json_t *params, struct rpc_failure *failure);
	// Looks at a bounded part and appends some RPC_ROWS_MAX rows at most; false at the end.
	bool (*next)(void *walk, json_t *rows);
	json_t *(*end)(void *walk); // an object whose members come behind the list
	void (*free)(void *walk);
	const char *second_key; // of a list that begins behind a row that is null; or NULL
};

struct rpc_session;

enum rpc_task_state {
	RPC_TASK_DONE = 0,
	RPC_TASK_GOES_ON, // did a bounded part
	RPC_TASK_WAITS,	  // for somebody else: ask again in a moment
	RPC_TASK_TEXT,	  // done, and the result is `text`
};

// Work that takes long, done a part at a time or by another thread.
struct rpc_task {
	// It, or NULL with *failure filled. Nobody may hear how it ends.
	void *(*begin)(
		struct rpc_session *session, const json_t *params, struct rpc_failure *failure);
	// Done: *result is a new reference, or NULL with *failure filled.
	enum rpc_task_state (*go_on)(void *task, json_t **result, struct rpc_failure *failure);
	// What a client that waits may be told, as `progress`; NULL: nothing new. May be NULL.
	json_t *(*progress)(void *task);
	// At its end, or when the client has gone before.
	void (*free)(void *task);
	// A result that is too long for one step, as JSON in one line: good until `free`.
	const char *(*text)(void *task, size_t *bytes);
};

// With one of the four; a walk only reads.
struct rpc_method {
	const char *name;
	// `params` is an object or NULL. A new reference, or NULL with *failure filled.
	json_t *(*run)(void *ctx, const json_t *params, struct rpc_failure *failure);
	enum rpc_effect effect;
	const struct rpc_walk *walk;
	// One that is about the connection that it came by.
	json_t *(*run_session)(
		struct rpc_session *session, const json_t *params, struct rpc_failure *failure);
	const struct rpc_task *task;
};

struct rpc {
	const struct rpc_method *methods; // the last one has no name
	void *ctx;
};

// One client. Zeroed but for the first five.
struct rpc_session {
	const struct rpc *rpc;
	bool may_write;
	uid_t uid; // who it is
	pid_t pid;
	void *owner;	    // run_session's to know
	size_t n_looked_at; // bytes of a line whose end has not come
	json_t *batch;	    // NULL: none is being answered
	size_t batch_at;
	bool has_answered; // some request of the batch
	const struct rpc_walk *walk;
	void *walking; // NULL: nothing
	json_t *walk_id;
	bool has_rows, has_inner_rows;
	const struct rpc_task *task;
	void *at_work;	  // NULL: nothing
	json_t *task_id;  // NULL: nobody asked for an answer
	const char *text; // that is left of its result; NULL: none is being written
	size_t text_bytes;
};

// Gives back what an unfinished answer holds.
void rpc_session_fini(struct rpc_session *session);

enum rpc_step {
	RPC_NEEDS_MORE = 0, // no whole line is there
	RPC_GOES_ON,	    // did a small part of the work; there may be more
	RPC_WAITS,	    // what it does is not done: ask again in a moment
	RPC_LINE_TOO_LONG,  // said so; there is no way to find the next request
};

// Does one bounded step: takes at most one line from `in`, appends what is answered to `out`.
enum rpc_step rpc_step(struct rpc_session *session, struct evbuffer *in, struct evbuffer *out);
// No answer is half written: a notification of ours may stand here.
bool rpc_is_between_answers(const struct rpc_session *session);

// NULL with *failure filled, for methods.
json_t *rpc_fail(struct rpc_failure *failure, enum rpc_error_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
