// SPDX-License-Identifier: BSD-3-Clause
// The UNIX socket on which programs, the command `millrace` first, talk to the daemon. Bounded in
// clients and in what each may have waiting; a client that does not read is let go. Control thread.
#pragma once

#include <event2/event.h>

#include "cfg/base/error.h"
#include "control/api/rpc.h"

enum { API_CLIENTS_MAX = 32 };

struct api;

// Takes the socket at once, so that a second daemon notices; answers when the loop runs. The
// folder is made when it is missing, and a socket that nobody serves any more is replaced.
// NULL with the reason. `path` and what `rpc` points to must outlive it.
struct api *api_new(
	struct event_base *base, const char *path, const struct rpc *rpc, struct error *err);
void api_free(struct api *api); // removes the socket
