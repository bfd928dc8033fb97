// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/api/peer.h"
#include "control/api/socket_file.h"

enum {
	INPUT_USUAL = 4 << 10, // then nothing more is read, unless a line is longer
	INPUT_MAX = RPC_LINE_MAX + 1,
	OUTPUT_PAUSE = 16 << 10, // then nothing more is answered
	OUTPUT_RESUME = 4 << 10,
	WAITING_MAX = 32 << 20, // bytes in and out of all clients: more than all of the above
	STUCK_SEC = 10,		// a client that reads nothing for so long is let go
	ACCEPTS_PER_TURN = 16,
	EVENTS_PER_TURN = 512,
	TASK_MS = 2,	  // until a task that waits is asked again
	NO_ROOM_MS = 100, // until the next try, when no descriptor is free
	TURN_NS = 500000, // then the rest of the loop has its turn
};

// Of the loop's events; what names none has the one before.
enum { PRIORITIES = 3, PRIORITY_LAST = 2 };

struct client {
	struct api *api;
	struct bufferevent *stream; // NULL: free
	struct rpc_session session;
	struct stream events;
	bool is_deaf;		   // no request can be found any more in what it sends
	bool is_closing;	   // as soon as the last answer is out
	bool is_queued;		   // there may be work for it
	bool is_waiting;	   // for what it has asked for
	bool is_fresh;		   // it has not had a step since
	TAILQ_ENTRY(client) place; // among those, or among the free
};

TAILQ_HEAD(client_list, client);

struct api {
	const char *path;
	struct rpc rpc;
	struct peer_groups groups;
	struct event_base *base;
	int fd;
	struct event *callers, *callers_again;
	struct event *tasks; // while somebody waits
	struct event *turn;  // while there is something in one of the first two
	struct client_list fresh, busy, free;
	bool is_turn_of_busy;
	unsigned n_clients;
	uint64_t n_callers; // who may write, so far
	struct client clients[API_CLIENTS_MAX];
};

static struct evbuffer *input_of(const struct client *client)
{
	return bufferevent_get_input(client->stream);
}

static struct evbuffer *output_of(const struct client *client)
{
	return bufferevent_get_output(client->stream);
}

static struct client_list *queue_of(const struct client *client)
{
	return client->is_fresh ? &client->api->fresh : &client->api->busy;
}

static void enter_queue(struct client *client, bool is_fresh)
{
	client->is_queued = true;
	client->is_fresh = is_fresh;
	TAILQ_INSERT_TAIL(queue_of(client), client, place);
}

static void leave_queue(struct client *client)
{
	if (client->is_queued)
		TAILQ_REMOVE(queue_of(client), client, place);
	client->is_queued = false;
}

static void let_go(struct client *client)
{
	struct api *api = client->api;

	leave_queue(client);
	rpc_session_fini(&client->session);
	stream_fini(&client->events);
	bufferevent_free(client->stream);
	*client = (struct client){.api = api};
	TAILQ_INSERT_TAIL(&api->free, client, place);
	api->n_clients--;
}

// --- turns: each client that has something to do gets one step after the other; those that begin
// and those that go on in turns, so that a short question does not wait for all the long ones ---

static void queue(struct client *client)
{
	static const struct timeval now = {0};
	struct api *api = client->api;

	if (client->is_queued)
		return;
	enter_queue(client, true);
	// by way of the timers, so that the loop looks at everything else in between
	event_add(api->turn, &now);
}

// Whether there is more to do for it at once.
static bool serve_step(struct client *client)
{
	static const struct timeval soon = {.tv_usec = TASK_MS * 1000};
	enum rpc_step step = RPC_NEEDS_MORE;

	if (evbuffer_get_length(output_of(client)) >= OUTPUT_PAUSE)
		return false; // on_written goes on
	if (rpc_is_between_answers(&client->session))
		stream_flush(&client->events, output_of(client));
	if (!client->is_deaf)
		step = rpc_step(&client->session, input_of(client), output_of(client));
	if (step == RPC_GOES_ON) {
		if (rpc_is_between_answers(&client->session))
			bufferevent_setwatermark(client->stream, EV_READ, 0, INPUT_USUAL);
		return true;
	}
	if (step == RPC_WAITS) {
		client->is_waiting = true;
		event_add(client->api->tasks, &soon);
	}
	if (step == RPC_NEEDS_MORE && evbuffer_get_length(input_of(client)) >= INPUT_USUAL)
		bufferevent_setwatermark(client->stream, EV_READ, 0, INPUT_MAX);
	if (step == RPC_LINE_TOO_LONG) {
		bufferevent_disable(client->stream, EV_READ);
		client->is_deaf = client->is_closing = true;
	}
	if (client->is_closing && step != RPC_WAITS && evbuffer_get_length(output_of(client)) == 0)
		let_go(client);
	return false;
}

static void on_tasks(evutil_socket_t fd, short what, void *ctx)
{
	struct api *api = ctx;

	for (int i = 0; i < API_CLIENTS_MAX; i++) {
		struct client *client = &api->clients[i];

		if (!client->is_waiting)
			continue;
		client->is_waiting = false;
		queue(client);
	}
}

static size_t waiting_of(const struct client *client)
{
	size_t events =
		client->events.waiting == NULL ? 0 : evbuffer_get_length(client->events.waiting);

	return evbuffer_get_length(input_of(client)) + evbuffer_get_length(output_of(client)) +
	       events;
}

// Who has most waiting goes first when all together have too much.
static void keep_within_bounds(struct api *api)
{
	struct client *most = NULL;
	size_t all = 0;

	for (int i = 0; i < API_CLIENTS_MAX; i++) {
		struct client *client = &api->clients[i];

		if (client->stream == NULL)
			continue;
		all += waiting_of(client);
		if (most == NULL || waiting_of(client) > waiting_of(most))
			most = client;
	}
	if (all <= WAITING_MAX)
		return;
	log_warning("control", "clients of the socket have %zu MiB waiting; let go who has most",
		all >> 20);
	let_go(most);
}

static struct client *next_in_turn(struct api *api)
{
	struct client *fresh = TAILQ_FIRST(&api->fresh), *busy = TAILQ_FIRST(&api->busy);

	api->is_turn_of_busy = !api->is_turn_of_busy;
	if (fresh == NULL || busy == NULL)
		return fresh == NULL ? busy : fresh;
	return api->is_turn_of_busy ? busy : fresh;
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
	static const struct timeval now = {0};
	struct api *api = ctx;
	uint64_t end_ns = clock_now_ns() + TURN_NS;
	struct client *client;

	while ((client = next_in_turn(api)) != NULL && clock_now_ns() < end_ns) {
		leave_queue(client);
		// what it did may have been an event for itself
		if (serve_step(client) && !client->is_queued)
			enter_queue(client, false);
	}
	keep_within_bounds(api);
	if (next_in_turn(api) != NULL)
		event_add(api->turn, &now);
}

void api_publish(struct api *api, enum stream_topic topic, const char *line)
{
	size_t len = strlen(line);
	char *whole = malloc(len + 2);

	if (whole == NULL || api == NULL) {
		free(whole);
		return;
	}
	memcpy(whole, line, len);
	memcpy(whole + len, "\n", 2);
	for (int i = 0; i < API_CLIENTS_MAX; i++)
		if (api->clients[i].stream != NULL &&
			stream_put(&api->clients[i].events, topic, whole, len + 1))
			queue(&api->clients[i]);
	free(whole);
}

bool api_has_listener(const struct api *api, enum stream_topic topic)
{
	for (int i = 0; api != NULL && i < API_CLIENTS_MAX; i++)
		if ((api->clients[i].events.topics & (1u << topic)) != 0)
			return true;
	return false;
}

// --- a client's stream ---

static void on_read(struct bufferevent *stream, void *ctx)
{
	queue(ctx);
}

// What was written has gone down to OUTPUT_RESUME.
static void on_written(struct bufferevent *stream, void *ctx)
{
	queue(ctx);
}

static void on_end(struct bufferevent *stream, short what, void *ctx)
{
	struct client *client = ctx;

	if ((what & BEV_EVENT_TIMEOUT) != 0)
		log_warning("control", "a client of the socket does not read its answers; let go");
	// A client may shut down its sending side and still wait for the answers.
	if ((what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_READING) != 0) {
		client->is_closing = true;
		queue(client);
	} else {
		let_go(client);
	}
}

static void take_client(struct api *api, int fd)
{
	static const struct timeval stuck = {.tv_sec = STUCK_SEC};
	struct client *client = TAILQ_FIRST(&api->free);
	enum peer_right right = peer_right(&api->groups, fd);
	unsigned max = API_CLIENTS_MAX - (right == PEER_WRITES ? 0 : API_CLIENTS_RESERVED);
	struct bufferevent *stream = NULL;

	if (right != PEER_NOTHING && api->n_clients < max)
		stream = bufferevent_socket_new(api->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (stream == NULL) {
		close(fd);
		return;
	}
	TAILQ_REMOVE(&api->free, client, place);
	api->n_clients++;
	api->n_callers += right == PEER_WRITES;
	client->stream = stream;
	client->session = (struct rpc_session){
		.rpc = &api->rpc, .may_write = right == PEER_WRITES, .owner = &client->events};
	peer_who(fd, &client->session.uid, &client->session.pid);
	bufferevent_priority_set(stream, PRIORITY_LAST);
	bufferevent_setcb(stream, on_read, on_written, on_end, client);
	bufferevent_setwatermark(stream, EV_READ, 0, INPUT_USUAL);
	bufferevent_setwatermark(stream, EV_WRITE, OUTPUT_RESUME, 0);
	bufferevent_set_timeouts(stream, NULL, &stuck);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
}

static void on_callers(evutil_socket_t fd, short what, void *ctx)
{
	static const struct timeval later = {.tv_usec = NO_ROOM_MS * 1000};
	struct api *api = ctx;

	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int caller = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (caller >= 0) {
			take_client(api, caller);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			event_del(api->callers); // they stay in line
			event_add(api->callers_again, &later);
		}
		return;
	}
}

static void on_callers_again(evutil_socket_t fd, short what, void *ctx)
{
	struct api *api = ctx;

	event_add(api->callers, NULL);
}

// --- all of it ---

struct event_base *api_loop_new(void)
{
	static const struct timeval interval = {.tv_usec = TURN_NS / 1000};
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	// between events of the last priority it looks for others anew
	if (config != NULL && event_config_set_max_dispatch_interval(
				      config, &interval, EVENTS_PER_TURN, PRIORITY_LAST) == 0)
		base = event_base_new_with_config(config);
	if (config != NULL)
		event_config_free(config);
	if (base != NULL && event_base_priority_init(base, PRIORITIES) != 0) {
		event_base_free(base);
		return NULL;
	}
	return base;
}

// Each client takes a descriptor.
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return;
	limit.rlim_cur += API_CLIENTS_MAX;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static struct event *new_event(struct api *api, int fd, short what, event_callback_fn fn)
{
	struct event *event = event_new(api->base, fd, what, fn, api);

	if (event != NULL)
		event_priority_set(event, PRIORITY_LAST);
	return event;
}

struct api *api_new(
	struct event_base *base, const char *path, const struct rpc *rpc, struct error *err)
{
	struct api *api = calloc(1, sizeof(*api));

	if (api == NULL) {
		error_set(err, "no memory for the control socket");
		return NULL;
	}
	api->path = path;
	api->rpc = *rpc;
	api->base = base;
	TAILQ_INIT(&api->fresh);
	TAILQ_INIT(&api->busy);
	TAILQ_INIT(&api->free);
	for (int i = 0; i < API_CLIENTS_MAX; i++) {
		api->clients[i].api = api;
		TAILQ_INSERT_TAIL(&api->free, &api->clients[i], place);
	}
	raise_descriptor_limit();
	peer_groups_find(&api->groups);
	api->fd = socket_file_take(path, API_CLIENTS_MAX, &api->groups, err);
	if (api->fd < 0) {
		free(api);
		return NULL;
	}
	api->turn = new_event(api, -1, 0, on_turn);
	api->callers = new_event(api, api->fd, EV_READ | EV_PERSIST, on_callers);
	api->callers_again = new_event(api, -1, 0, on_callers_again);
	api->tasks = new_event(api, -1, 0, on_tasks);
	if (api->turn == NULL || api->tasks == NULL || api->callers == NULL ||
		api->callers_again == NULL || event_add(api->callers, NULL) != 0) {
		error_set(err, "no memory for the control socket");
		api_free(api);
		return NULL;
	}
	return api;
}

void api_free(struct api *api)
{
	if (api == NULL)
		return;
	for (int i = 0; i < API_CLIENTS_MAX; i++)
		if (api->clients[i].stream != NULL)
			let_go(&api->clients[i]);
	if (api->callers != NULL)
		event_free(api->callers);
	if (api->callers_again != NULL)
		event_free(api->callers_again);
	if (api->tasks != NULL)
		event_free(api->tasks);
	if (api->turn != NULL)
		event_free(api->turn);
	// a bufferevent's memory is given back by the loop
	for (int i = 0; i < API_CLIENTS_MAX &&
			event_base_get_num_events(api->base, EVENT_BASE_COUNT_ACTIVE) > 0;
		i++)
		event_base_loop(api->base, EVLOOP_NONBLOCK);
	close(api->fd);
	unlink(api->path);
	free(api);
}

uint64_t api_callers(const struct api *api)
{
	return api == NULL ? 0 : api->n_callers;
}
