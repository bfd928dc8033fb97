// SPDX-License-Identifier: BSD-3-Clause
// Tells when a minute begins on the wall, and when somebody has set the clock. Control thread.
#pragma once

#include <event2/event.h>
#include <stdint.h>

#include "cfg/base/error.h"

struct wall_clock;

// `jump_sec` is how far the clock went forward (backward where negative) beside the time that
// passed; 0 in a usual minute. `now` is in seconds since 1970.
typedef void (*wall_clock_fn)(void *ctx, int64_t now, int64_t jump_sec);

// Calls `fn` from the loop. NULL with the reason.
struct wall_clock *wall_clock_new(
	struct event_base *base, wall_clock_fn fn, void *ctx, struct error *err);
void wall_clock_free(struct wall_clock *clock); // NULL is fine

int64_t wall_clock_now(void);
