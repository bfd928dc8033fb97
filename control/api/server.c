// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cfg/base/log.h"

enum {
	INPUT_MAX = 2 * RPC_LINE_MAX, // then nothing more is read
	OUTPUT_PAUSE = 1 << 20,	      // then no further request is taken
	OUTPUT_RESUME = 64 << 10,
	STUCK_SEC = 10, // a client that reads nothing for so long is let go
};

struct client {
	struct api *api;
	struct bufferevent *stream; // NULL: free
	bool is_closing;	    // as soon as the last answer is out
};

struct api {
	const char *path;
	struct rpc rpc;
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
		step = rpc_step(&client->api->rpc, in, out);
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
	bufferevent_setcb(client->stream, on_read, on_written, on_end, client);
	bufferevent_setwatermark(client->stream, EV_READ, 0, INPUT_MAX);
	bufferevent_setwatermark(client->stream, EV_WRITE, OUTPUT_RESUME, 0);
	bufferevent_set_timeouts(client->stream, NULL, &stuck);
	bufferevent_enable(client->stream, EV_READ | EV_WRITE);
}

// --- the socket's file ---

static bool is_served(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is_refused;

	if (fd < 0)
		return true;
	// EAGAIN: someone's queue of clients is full, which is an answer too
	is_refused =
		connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0 && errno != EAGAIN;
	close(fd);
	return !is_refused;
}

static int remove_stale(const struct sockaddr_un *addr, struct error *err)
{
	struct stat st;

	if (lstat(addr->sun_path, &st) != 0)
		return errno == ENOENT ? 0
				       : error_set(err, "cannot look at %s: %s", addr->sun_path,
						 strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, "%s is there and is no socket", addr->sun_path);
	if (is_served(addr))
		return error_set(err, "another millraced answers on %s", addr->sun_path);
	if (unlink(addr->sun_path) != 0)
		return error_set(err,
			"cannot remove the socket %s that an earlier millraced left: %s",
			addr->sun_path, strerror(errno));
	return 0;
}

static int bind_and_listen(const struct sockaddr_un *addr, struct error *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t old;
	int rc;

	if (fd < 0)
		return error_set(err, "cannot make a socket: %s", strerror(errno));
	old = umask(0117); // mode 0660 from the first moment
	rc = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));
	umask(old);
	if (rc == 0)
		rc = listen(fd, API_CLIENTS_MAX);
	if (rc != 0) {
		error_set(err, "cannot listen on %s: %s", addr->sun_path, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

// Waits a little, since nobody holds it for long; who does has no business with it.
static int lock_folder(int fd)
{
	static const struct timespec pause = {.tv_nsec = 20000000};

	for (int i = 0; i < 50; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	return -1;
}

// The descriptor, or -1 with the reason. The folder is locked meanwhile: of two daemons that start
// at the same moment one must see the other's socket as it is when all is done.
static int take_socket(const char *path, struct error *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char folder[sizeof(addr.sun_path)];
	const char *parent;
	int lock, fd = -1;

	if (strlen(path) >= sizeof(addr.sun_path))
		return error_set(err, "the socket's path is too long (%zu bytes at most): %s",
			sizeof(addr.sun_path) - 1, path);
	memcpy(addr.sun_path, path, strlen(path));
	memcpy(folder, addr.sun_path, sizeof(folder));
	parent = dirname(folder);
	if (mkdir(parent, 0755) != 0 && errno != EEXIST)
		return error_set(err, "cannot make the folder %s: %s", parent, strerror(errno));
	lock = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0)
		return error_set(err, "cannot open the folder %s: %s", parent, strerror(errno));
	if (lock_folder(lock) != 0)
		error_set(err, "cannot lock the folder %s: %s", parent, strerror(errno));
	else if (remove_stale(&addr, err) == 0)
		fd = bind_and_listen(&addr, err);
	close(lock);
	return fd;
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
	fd = take_socket(path, err);
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
