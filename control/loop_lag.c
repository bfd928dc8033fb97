// SPDX-License-Identifier: BSD-3-Clause
#include "control/loop_lag.h"

#include <stdint.h>
#include <stdlib.h>

#include "cfg/base/clock.h"

enum { INTERVAL_MS = 100, MINUTE_MS = 60000 };

struct loop_lag {
	struct event_base *base;
	struct event *timer;
	uint64_t due_ns;
	unsigned worst_us, worst_before_us; // of this minute, of the one before
	unsigned ticks;			    // of this minute
};

static int wait_on(struct loop_lag *lag)
{
	static const struct timeval interval = {.tv_usec = INTERVAL_MS * 1000};

	event_base_update_cache_time(lag->base);
	lag->due_ns = clock_now_ns() + INTERVAL_MS * UINT64_C(1000000);
	return event_add(lag->timer, &interval);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct loop_lag *lag = ctx;
	uint64_t now_ns = clock_now_ns();
	unsigned late_us = now_ns > lag->due_ns ? (unsigned)((now_ns - lag->due_ns) / 1000) : 0;

	if (late_us > lag->worst_us)
		lag->worst_us = late_us;
	if (++lag->ticks >= MINUTE_MS / INTERVAL_MS) {
		lag->worst_before_us = lag->worst_us;
		lag->worst_us = 0;
		lag->ticks = 0;
	}
	wait_on(lag);
}

struct loop_lag *loop_lag_new(struct event_base *base)
{
	struct loop_lag *lag = calloc(1, sizeof(*lag));

	if (lag == NULL)
		return NULL;
	lag->base = base;
	lag->timer = event_new(base, -1, 0, on_timer, lag);
	if (lag->timer != NULL && wait_on(lag) == 0)
		return lag;
	loop_lag_free(lag);
	return NULL;
}

void loop_lag_free(struct loop_lag *lag)
{
	if (lag == NULL)
		return;
	if (lag->timer != NULL)
		event_free(lag->timer);
	free(lag);
}

unsigned loop_lag_worst_us(const struct loop_lag *lag)
{
	return lag->worst_us > lag->worst_before_us ? lag->worst_us : lag->worst_before_us;
}
