// SPDX-License-Identifier: BSD-3-Clause
#include "control/capture.h"

#include <errno.h>
#include <stdlib.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/capture_writer.h"
#include "control/router.h"

enum {
	EMPTY_MS = 10,
	PACKETS_PER_TURN = 4096, // then the rest of the loop has its turn
	BUFFER_MAX = 4 << 20,
	PATIENCE_MS = 3000, // a client that does not come for so long has gone
};

struct capture_session {
	struct router *router;
	int number;
	// what it takes packets from: the workers' rings, or a copy of what the recorder had
	int running; // < 0: the copy
	struct dp_recording *recording;
	struct event *timer;
	struct capture_writer writer;
	uint64_t packets, packets_max;
	uint64_t end_ms;  // 0: none
	uint64_t seen_ms; // the client
	bool is_ended, is_empty;
};

static void end(struct capture_session *session)
{
	if (session->running >= 0)
		dataplane_capture_stop(session->router->dp, session->running);
	session->is_ended = true;
}

static bool next_packet(struct capture_session *session, struct dp_captured *packet)
{
	if (session->running < 0)
		return dataplane_recording_next(session->recording, packet);
	return dataplane_capture_next(session->router->dp, session->running, packet);
}

// As much as a turn of the loop, the buffer and the request have room for.
static void empty_rings(struct capture_session *session)
{
	struct dp_captured packet;

	for (unsigned i = 0; i < PACKETS_PER_TURN; i++) {
		if (session->packets_max > 0 && session->packets >= session->packets_max) {
			end(session);
			session->is_empty = true; // what else is there was not asked for
		}
		if (session->is_empty || evbuffer_get_length(session->writer.to) >= BUFFER_MAX)
			return;
		if (!next_packet(session, &packet)) {
			session->is_empty = session->is_ended;
			return;
		}
		session->packets += capture_writer_put(&session->writer, &packet);
	}
}

// --- its life ---

static void forget(struct capture_session *session)
{
	struct router *router = session->router;

	for (unsigned i = 0; i < CAPTURE_SESSIONS_MAX; i++)
		if (router->captures[i] == session)
			router->captures[i] = NULL;
	if (session->running >= 0)
		dataplane_capture_free(router->dp, session->running);
	dataplane_recording_free(session->recording);
	if (session->timer != NULL)
		event_free(session->timer);
	if (session->writer.to != NULL)
		evbuffer_free(session->writer.to);
	free(session);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct capture_session *session = ctx;
	uint64_t now_ms = clock_now_ms();

	if (now_ms - session->seen_ms > PATIENCE_MS) {
		log_info("control", "a capture ended: its client has gone");
		forget(session);
		return;
	}
	if (!session->is_ended && session->end_ms != 0 && now_ms >= session->end_ms)
		end(session);
	empty_rings(session);
}

void capture_forget_all(struct router *router)
{
	for (unsigned i = 0; i < CAPTURE_SESSIONS_MAX; i++)
		if (router->captures[i] != NULL)
			forget(router->captures[i]);
}

static bool start_timer(struct capture_session *session)
{
	static const struct timeval interval = {.tv_usec = EMPTY_MS * 1000};

	session->timer = event_new(session->router->base, -1, EV_PERSIST, on_timer, session);
	return session->timer != NULL && event_add(session->timer, &interval) == 0;
}

// One that has no packets yet, or NULL with the reason.
static struct capture_session *session_new(
	struct router *router, const struct capture_request *request, int *error, struct error *err)
{
	static int last_number;
	struct capture_session *session;
	unsigned place = 0;

	while (place < CAPTURE_SESSIONS_MAX && router->captures[place] != NULL)
		place++;
	*error = place == CAPTURE_SESSIONS_MAX ? -EBUSY : -ENOMEM;
	if (place == CAPTURE_SESSIONS_MAX) {
		error_set(
			err, "%d captures are under way, which is the most", CAPTURE_SESSIONS_MAX);
		return NULL;
	}
	session = router->captures[place] = calloc(1, sizeof(*session));
	if (session == NULL)
		goto no_memory;
	*session = (struct capture_session){.router = router,
		.running = -1,
		.packets_max = request->packets_max,
		.seen_ms = clock_now_ms(),
		.writer = {.router = router,
			.to = evbuffer_new(),
			.snap_bytes = request->what.snap_bytes}};
	session->number = last_number = last_number == INT32_MAX ? 1 : last_number + 1;
	if (request->for_sec > 0)
		session->end_ms = session->seen_ms + request->for_sec * UINT64_C(1000);
	if (session->writer.to != NULL && start_timer(session) &&
		capture_writer_begin(&session->writer, request->what.interfaces, request->text))
		return session;
no_memory:
	error_set(err, "no memory for a capture");
	if (session != NULL)
		forget(session);
	return NULL;
}

int capture_begin(struct router *router, const struct capture_request *request, struct error *err)
{
	int error;
	struct capture_session *session = session_new(router, request, &error, err);

	if (session == NULL)
		return error;
	session->running = dataplane_capture_start(router->dp, &request->what, err);
	if (session->running >= 0)
		return session->number;
	error = session->running;
	forget(session);
	return error;
}

int capture_begin_recorded(struct router *router, const struct capture_request *request,
	uint64_t since_ns, struct error *err)
{
	int error;
	struct capture_session *session = session_new(router, request, &error, err);

	if (session == NULL)
		return error;
	session->recording = dataplane_recording_new(router->dp, since_ns, err);
	session->is_ended = true; // nothing comes any more
	if (session->recording != NULL)
		return session->number;
	forget(session);
	return -ENOMEM;
}

bool capture_has_recording(const struct router *router)
{
	for (unsigned i = 0; i < CAPTURE_SESSIONS_MAX; i++)
		if (router->captures[i] != NULL && router->captures[i]->recording != NULL)
			return true;
	return false;
}

static struct capture_session *find(const struct router *router, int number)
{
	for (unsigned i = 0; i < CAPTURE_SESSIONS_MAX; i++)
		if (router->captures[i] != NULL && router->captures[i]->number == number)
			return router->captures[i];
	return NULL;
}

bool capture_take(struct router *router, int number, struct evbuffer *out, size_t max,
	struct capture_state *state)
{
	struct capture_session *session = find(router, number);

	if (session == NULL)
		return false;
	session->seen_ms = clock_now_ms();
	empty_rings(session);
	evbuffer_remove_buffer(session->writer.to, out, max);
	*state = (struct capture_state){
		.packets = session->packets,
		.is_over = session->is_empty && evbuffer_get_length(session->writer.to) == 0,
	};
	if (session->running >= 0)
		dataplane_capture_counts(router->dp, session->running, &state->counts);
	if (state->is_over)
		forget(session);
	return true;
}

bool capture_end(struct router *router, int number)
{
	struct capture_session *session = find(router, number);

	if (session == NULL)
		return false;
	end(session);
	return true;
}
