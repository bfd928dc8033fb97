// SPDX-License-Identifier: BSD-3-Clause
#include "control/wall_clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MINUTE_SEC = 60, JUMP_MIN_SEC = 2 }; // less is a clock being adjusted

struct wall_clock {
	wall_clock_fn fn;
	void *ctx;
	int fd;
	struct event *event;
	int64_t ahead_sec; // the wall's clock of the time since the machine was started
};

static int64_t seconds_of(clockid_t id)
{
	struct timespec now = {0};

	clock_gettime(id, &now);
	return now.tv_sec;
}

int64_t wall_clock_now(void)
{
	return seconds_of(CLOCK_REALTIME);
}

// Readable at the next minute, or at once when the clock is set before.
static int arm(const struct wall_clock *clock)
{
	int64_t next = (wall_clock_now() / MINUTE_SEC + 1) * MINUTE_SEC;
	struct itimerspec at = {.it_value.tv_sec = next};

	return timerfd_settime(clock->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct wall_clock *clock = ctx;
	int64_t ahead, jump, now;
	uint64_t times;

	// ECANCELED when the clock was set; that it was is seen below.
	if (read(fd, &times, sizeof(times)) < 0 && errno == EAGAIN)
		return;
	arm(clock);
	now = wall_clock_now();
	ahead = now - seconds_of(CLOCK_BOOTTIME);
	jump = ahead - clock->ahead_sec;
	if (llabs(jump) < JUMP_MIN_SEC)
		jump = 0;
	else
		clock->ahead_sec = ahead;
	clock->fn(clock->ctx, now, jump);
}

struct wall_clock *wall_clock_new(
	struct event_base *base, wall_clock_fn fn, void *ctx, struct error *err)
{
	struct wall_clock *clock = calloc(1, sizeof(*clock));

	if (clock == NULL) {
		error_set(err, "no memory for the clock");
		return NULL;
	}
	clock->fn = fn;
	clock->ctx = ctx;
	clock->ahead_sec = wall_clock_now() - seconds_of(CLOCK_BOOTTIME);
	clock->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (clock->fd < 0 || arm(clock) != 0) {
		error_set(err, "cannot follow the clock: %s", strerror(errno));
		wall_clock_free(clock);
		return NULL;
	}
	clock->event = event_new(base, clock->fd, EV_READ | EV_PERSIST, on_readable, clock);
	if (clock->event == NULL || event_add(clock->event, NULL) != 0) {
		error_set(err, "no memory for the clock");
		wall_clock_free(clock);
		return NULL;
	}
	return clock;
}

void wall_clock_free(struct wall_clock *clock)
{
	if (clock == NULL)
		return;
	if (clock->event != NULL)
		event_free(clock->event);
	if (clock->fd >= 0)
		close(clock->fd);
	free(clock);
}
