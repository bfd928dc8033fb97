// SPDX-License-Identifier: BSD-3-Clause
// JSON-RPC 2.0, one object a line: bytes in, bytes out, no socket. Anything may come in: a line
// has a largest length, and what is no request gets the error that the standard names (5.1).
// Control thread.
#pragma once

#include <event2/buffer.h>
#include <jansson.h>

enum { RPC_LINE_MAX = 64 << 10 };

enum rpc_error_code {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_METHOD_NOT_FOUND = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_INTERNAL_ERROR = -32603,
};

// Why a method gave no result.
struct rpc_failure {
	enum rpc_error_code code;
	char text[480];
};

struct rpc_method {
	const char *name;
	// `params` is an object or NULL. A new reference, or NULL with *failure filled.
	json_t *(*run)(void *ctx, const json_t *params, struct rpc_failure *failure);
};

struct rpc {
	const struct rpc_method *methods; // the last one has no name
	void *ctx;
};

enum rpc_step {
	RPC_NEEDS_MORE = 0, // no whole line is there
	RPC_TOOK_LINE,	    // and answered it, unless it was a notification
	RPC_LINE_TOO_LONG,  // said so; there is no way to find the next request
};

// Takes at most one line from `in` and appends the answer to `out`.
enum rpc_step rpc_step(const struct rpc *rpc, struct evbuffer *in, struct evbuffer *out);

// NULL with *failure filled, for methods.
json_t *rpc_fail(struct rpc_failure *failure, enum rpc_error_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
