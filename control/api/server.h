// SPDX-License-Identifier: BSD-3-Clause
// The UNIX socket on which programs, the command `millrace` first, talk to the daemon. Bounded in
// clients, in what each may have waiting and in what all have; the work is done in small steps, the
// clients in turns, and whatever else the loop has to do goes first. Control thread.
#pragma once

#include <event2/event.h>
#include <stdint.h>

#include "cfg/base/error.h"
#include "control/api/stream.h"

enum {
	API_CLIENTS_MAX = 1280,
	API_CLIENTS_RESERVED = 64, // the last ones are for who may write
};

struct api;

// The loop that it may run on: with a place behind all others for what may wait. NULL: no memory.
struct event_base *api_loop_new(void);

// Takes the socket at once, so that a second daemon notices; answers when the loop runs. The
// folder is made when it is missing, and a socket that nobody serves any more is replaced.
// NULL with the reason. `path` and what `rpc` points to must outlive it.
struct api *api_new(
	struct event_base *base, const char *path, const struct rpc *rpc, struct error *err);
void api_free(struct api *api); // removes the socket

// How many who may write have come so far. NULL: none.
uint64_t api_callers(const struct api *api);

// A line to each client that has subscribed to it, without its end. NULL has none.
void api_publish(struct api *api, enum stream_topic topic, const char *line);
bool api_has_listener(const struct api *api, enum stream_topic topic);
