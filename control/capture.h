// SPDX-License-Identifier: BSD-3-Clause
// A capture from its request to its last byte: empties the workers' rings every few milliseconds
// into a bounded buffer of pcapng that the client comes for. Nobody waits for a client: while the
// buffer is full the rings fill, and then packets are lost by name. Who does not come for a few
// seconds has gone, and the capture ends. A few at a time. Control thread.
#pragma once

#include <event2/buffer.h>

#include "dataplane/dataplane.h"

struct router;
struct capture_session;

enum { CAPTURE_SESSIONS_MAX = DP_CAPTURES_MAX }; // of struct router; NULL: none

struct capture_request {
	struct dp_capture what;
	uint64_t packets_max; // 0: no end, as below
	uint32_t for_sec;
	const char *text; // the filter, as somebody wrote it; or NULL
};

struct capture_state {
	uint64_t packets; // written
	struct dp_capture_counts counts;
	bool is_over; // and all has been taken
};

// A number for it, > 0, or a negative errno with the reason.
int capture_begin(struct router *router, const struct capture_request *request, struct error *err);
// The same of what the recorder has: of `request` its text, snap_bytes and interfaces hold, and
// packets_max. Nothing older than `since_ns` (since 1970).
int capture_begin_recorded(struct router *router, const struct capture_request *request,
	uint64_t since_ns, struct error *err);
bool capture_has_recording(const struct router *router); // one of those is under way
// Moves what is there to `out`, at most `max` bytes, and says how far it is; after what is_over
// says it is forgotten. False: there is no such capture.
bool capture_take(struct router *router, int number, struct evbuffer *out, size_t max,
	struct capture_state *state);
// No further packets; what is there can still be taken. False: there is no such capture.
bool capture_end(struct router *router, int number);
void capture_forget_all(struct router *router); // at the router's end; without any too
