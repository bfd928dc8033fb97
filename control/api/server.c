// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <unistd.h>

#include "cfg/base/log.h"
#include "control/api/peer.h"
#include "control/api/socket_file.h"

enum {
	INPUT_MAX = 2 * RPC_LINE_MAX, // then nothing more is read
	OUTPUT_PAUSE = 1 << 20,	      // then no further request is taken
	OUTPUT_RESUME = 64 << 10,
	STUCK_SEC = 10, // a client that reads nothing for so long is let go
};

struct client {
	struct api *api;
	struct bufferevent *stream; // NULL: free
	struct rpc_session session;
	bool is_closing; // as soon as the last answer is out
};

struct api {
	const char *path;
	struct rpc rpc;
	struct peer_groups groups;
	struct evconnlistener *listener;
	struct client clients[API_CLIENTS_MAX];
};

static void let_go(struct client *client)
{
	bufferevent_free(client->stream);
	client->stream = NULL;
	client->is_closing = false;
}

static void serve(struct client *client)
{
	struct evbuffer *in = bufferevent_get_input(client->stream);
	struct evbuffer *out = bufferevent_get_output(client->stream);
	enum rpc_step step = RPC_TOOK_LINE;

	while (!client->is_closing && step == RPC_TOOK_LINE &&
		evbuffer_get_length(out) < OUTPUT_PAUSE) {
		step = rpc_step(&client->session, in, out);
		if (step == RPC_LINE_TOO_LONG) {
			client->is_closing = true;
			bufferevent_disable(client->stream, EV_READ);
		}
	}
}

static void on_read(struct bufferevent *stream, void *ctx)
{
	serve(ctx);
}

// What was written has gone down to OUTPUT_RESUME.
static void on_written(struct bufferevent *stream, void *ctx)
{
	struct client *client = ctx;

	serve(client);
	if (client->is_closing && evbuffer_get_length(bufferevent_get_output(stream)) == 0)
		let_go(client);
}

static void on_end(struct bufferevent *stream, short what, void *ctx)
{
	struct client *client = ctx;

	if ((what & BEV_EVENT_TIMEOUT) != 0)
		log_warning("control", "a client of the socket does not read its answers; let go");
	// A client may shut down its sending side and still wait for the answers.
	if ((what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_READING) != 0) {
		serve(client);
		client->is_closing = true;
		if (evbuffer_get_length(bufferevent_get_output(stream)) > 0)
			return;
	}
	let_go(client);
}

static void on_client(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr,
	int addr_len, void *ctx)
{
	static const struct timeval stuck = {.tv_sec = STUCK_SEC};
	struct api *api = ctx;
	struct client *client = NULL;
	enum peer_right right = peer_right(&api->groups, fd);

	if (right == PEER_NOTHING) {
		close(fd);
		return;
	}
	for (int i = 0; i < API_CLIENTS_MAX && client == NULL; i++)
		if (api->clients[i].stream == NULL)
			client = &api->clients[i];
	if (client != NULL)
		client->stream = bufferevent_socket_new(
			evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
	if (client == NULL || client->stream == NULL) {
		close(fd);
		return;
	}
	client->api = api;
	client->session = (struct rpc_session){.rpc = &api->rpc, .may_write = right == PEER_WRITES};
	peer_who(fd, &client->session.uid, &client->session.pid);
	bufferevent_setcb(client->stream, on_read, on_written, on_end, client);
	bufferevent_setwatermark(client->stream, EV_READ, 0, INPUT_MAX);
	bufferevent_setwatermark(client->stream, EV_WRITE, OUTPUT_RESUME, 0);
	bufferevent_set_timeouts(client->stream, NULL, &stuck);
	bufferevent_enable(client->stream, EV_READ | EV_WRITE);
}

struct api *api_new(
	struct event_base *base, const char *path, const struct rpc *rpc, struct error *err)
{
	struct api *api = calloc(1, sizeof(*api));
	int fd;

	if (api == NULL) {
		error_set(err, "no memory for the control socket");
		return NULL;
	}
	api->path = path;
	api->rpc = *rpc;
	peer_groups_find(&api->groups);
	fd = socket_file_take(path, API_CLIENTS_MAX, &api->groups, err);
	if (fd < 0) {
		free(api);
		return NULL;
	}
	api->listener = evconnlistener_new(base, on_client, api, LEV_OPT_CLOSE_ON_FREE, 0, fd);
	if (api->listener == NULL) {
		error_set(err, "no memory for the control socket");
		close(fd);
		unlink(path);
		free(api);
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
	evconnlistener_free(api->listener);
	unlink(api->path);
	free(api);
}
