// SPDX-License-Identifier: BSD-3-Clause
// Who asks: for the history, the log and those who listen to what others do. Control thread.
#pragma once

#include "control/api/rpc.h"
#include "control/router.h"

enum { CALLER_PROGRAM_BYTES = 64 };

// "millrace[4711]": the program by its pid, what it was called when it asked.
void caller_program(const struct rpc_session *session, char out[CALLER_PROGRAM_BYTES]);

// A line in the log and an event: somebody did `what` ("kill flows") to `n` of them; `which` says
// to which, an object or NULL, and stays the caller's.
void caller_tell(const struct rpc_session *session, const struct router *router, const char *what,
	uint64_t n, const json_t *which);
