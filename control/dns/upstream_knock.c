// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/upstream_knock.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/dns/upstream.h"

struct upstream_knock {
	struct event_base *base;
	const struct upstream *upstream;
	struct event *timer, *event; // the event: of a connection that is tried, or NULL
	int fd;
	upstream_knock_fn fn;
	void *ctx;
};

static void give_up(struct upstream_knock *knock)
{
	if (knock->event != NULL)
		event_free(knock->event);
	knock->event = NULL;
	if (knock->fd >= 0)
		close(knock->fd);
	knock->fd = -1;
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct upstream_knock *knock = ctx;
	socklen_t bytes = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0 || error != 0) {
		give_up(knock); // refused: the timer tries again
		return;
	}
	give_up(knock);
	event_del(knock->timer);
	knock->fn(knock->ctx);
}

static void on_timer(evutil_socket_t ignored, short what, void *ctx)
{
	struct upstream_knock *knock = ctx;

	give_up(knock);
	knock->fd = upstream_socket(knock->upstream, SOCK_STREAM);
	if (knock->fd < 0)
		return;
	if (connect(knock->fd, (const struct sockaddr *)&knock->upstream->address,
		    knock->upstream->address_bytes) != 0 &&
		errno != EINPROGRESS) {
		give_up(knock);
		return;
	}
	knock->event = event_new(knock->base, knock->fd, EV_WRITE, on_writable, knock);
	if (knock->event == NULL || event_add(knock->event, NULL) != 0)
		give_up(knock);
}

struct upstream_knock *upstream_knock_new(
	struct event_base *base, const struct upstream *upstream, upstream_knock_fn fn, void *ctx)
{
	static const struct timeval interval = {.tv_usec = KNOCK_MS * 1000};
	struct upstream_knock *knock = calloc(1, sizeof(*knock));

	if (knock == NULL)
		return NULL;
	*knock = (struct upstream_knock){
		.base = base,
		.upstream = upstream,
		.fd = -1,
		.fn = fn,
		.ctx = ctx,
	};
	knock->timer = event_new(base, -1, EV_PERSIST, on_timer, knock);
	if (knock->timer != NULL && event_add(knock->timer, &interval) == 0)
		return knock;
	upstream_knock_free(knock);
	return NULL;
}

void upstream_knock_free(struct upstream_knock *knock)
{
	if (knock == NULL)
		return;
	give_up(knock);
	if (knock->timer != NULL)
		event_free(knock->timer);
	free(knock);
}
