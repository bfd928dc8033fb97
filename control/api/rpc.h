// SPDX-License-Identifier: BSD-3-Clause
// JSON-RPC 2.0, one object a line: bytes in, bytes out, no socket. Anything may come in: a line
// has a largest length, and what is no request gets the error that the standard names (5.1).
// Control thread.
#pragma once

#include <event2/buffer.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

enum { RPC_LINE_MAX = 64 << 10 };

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

struct rpc_session;

struct rpc_method {
	const char *name;
	// `params` is an object or NULL. A new reference, or NULL with *failure filled.
	json_t *(*run)(void *ctx, const json_t *params, struct rpc_failure *failure);
	enum rpc_effect effect;
	// One that is about the connection that it came by.
	json_t *(*run_session)(
		struct rpc_session *session, const json_t *params, struct rpc_failure *failure);
};

struct rpc {
	const struct rpc_method *methods; // the last one has no name
	void *ctx;
};

// One client.
struct rpc_session {
	const struct rpc *rpc;
	bool may_write;
	uid_t uid; // who it is
	pid_t pid;
};

enum rpc_step {
	RPC_NEEDS_MORE = 0, // no whole line is there
	RPC_TOOK_LINE,	    // and answered it, unless it was a notification
	RPC_LINE_TOO_LONG,  // said so; there is no way to find the next request
};

// Takes at most one line from `in` and appends the answer to `out`.
enum rpc_step rpc_step(struct rpc_session *session, struct evbuffer *in, struct evbuffer *out);

// NULL with *failure filled, for methods.
json_t *rpc_fail(struct rpc_failure *failure, enum rpc_error_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
