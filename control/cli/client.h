// SPDX-License-Identifier: BSD-3-Clause
// One question to the daemon and its answer, by JSON-RPC over its UNIX socket.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "cfg/base/error.h"

// Asks, and goes on listening: `hear` gets each line, the answer first, until it returns false.
// 0, or -1 with the reason. Takes `params`.
int client_listen(const char *socket_path, const char *method, json_t *params,
	bool (*hear)(void *ctx, const json_t *message), void *ctx, struct error *err);

// The result (a new reference), or NULL with the reason, ready for a person. Takes `params`,
// which may be NULL.
json_t *client_call(const char *socket_path, const char *method, json_t *params, struct error *err);

// The same of what may take long: as long as the daemon says that it is at work, and
// `timeout_sec` at most, 0: for ever. `hear`, or NULL, gets what it says of that.
struct client_patience {
	unsigned timeout_sec;
	void (*hear)(void *ctx, const json_t *progress);
	void *ctx;
};
json_t *client_wait(const char *socket_path, const char *method, json_t *params,
	const struct client_patience *patience, struct error *err);
