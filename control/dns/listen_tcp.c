// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/listen_tcp.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "control/dns/sock_addr.h"

enum {
	CONNECTIONS_MAX = 512, // of one listener
	WAITING_MAX = 64,      // questions of one connection: then it is read no further
	OUTPUT_MAX = 256 << 10,
	IDLE_SEC = 10, // RFC 7766 section 6.2.3: "on the order of a few seconds"
	LENGTH_BYTES = 2,
	NS_PER_MS = 1000000,
	NS_PER_US = 1000,
};

struct connection {
	struct connection *next, **link;
	struct listen_tcp *listen; // NULL: it is over, and waits for its last answers
	struct dns_stats *stats;
	struct bufferevent *bev;
	struct sockaddr_storage peer;
	struct ip_addr client;
	unsigned n_waiting;
	bool has_ended; // the client sends no more
};

struct listen_tcp {
	struct front *front;
	struct event_base *base;
	struct dns_stats *stats;
	struct event *event;
	int fd;
	struct connection *list;
	unsigned n;
};

static uint8_t answer_bytes[DNS_MESSAGE_BYTES + 1];

// --- ends ---

static void end_connection(struct connection *connection)
{
	if (connection->listen != NULL) {
		*connection->link = connection->next;
		if (connection->next != NULL)
			connection->next->link = connection->link;
		connection->listen->n--;
		connection->listen = NULL;
		bufferevent_free(connection->bev);
		connection->bev = NULL;
	}
	if (connection->n_waiting == 0)
		free(connection);
}

static bool is_done(const struct connection *connection)
{
	return connection->has_ended && connection->n_waiting == 0 &&
	       evbuffer_get_length(bufferevent_get_output(connection->bev)) == 0;
}

// --- questions and answers ---

static void write_answer(struct connection *connection, const uint8_t *answer, size_t bytes)
{
	uint8_t length[LENGTH_BYTES] = {(uint8_t)(bytes >> 8), (uint8_t)bytes};
	struct evbuffer *out = bufferevent_get_output(connection->bev);

	evbuffer_add(out, length, sizeof(length));
	evbuffer_add(out, answer, bytes);
}

static void read_on(struct connection *connection);

static void on_reply(const struct asker *asker, const uint8_t *answer, size_t bytes)
{
	struct connection *connection = asker->transport;

	connection->n_waiting--;
	if (connection->listen == NULL) {
		end_connection(connection);
		return;
	}
	if (bytes > 0)
		write_answer(connection, answer, bytes);
	if (is_done(connection)) {
		end_connection(connection);
		return;
	}
	bufferevent_enable(connection->bev, EV_READ);
	bufferevent_trigger(connection->bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

static void ask(struct connection *connection, const uint8_t *query, size_t n)
{
	uint64_t began_ns = clock_now_ns();
	struct asker asker = {
		.client = connection->client,
		.is_stream = true,
		.came_ns = began_ns,
		.reply = on_reply,
		.transport = connection,
	};
	size_t bytes = 0;

	switch (front_ask(connection->listen->front, query, n, &asker, began_ns / NS_PER_MS,
		answer_bytes, DNS_MESSAGE_BYTES, &bytes)) {
	case FRONT_ANSWERED:
		write_answer(connection, answer_bytes, bytes);
		dns_stats_time(
			&connection->stats->hit_times, (clock_now_ns() - began_ns) / NS_PER_US);
		break;
	case FRONT_WAITS:
		connection->n_waiting++;
		break;
	case FRONT_DROPPED:
		break;
	}
}

// Whole messages, as many as may be under way.
static void read_on(struct connection *connection)
{
	static uint8_t query[DNS_MESSAGE_BYTES + 1];
	struct evbuffer *in = bufferevent_get_input(connection->bev);
	struct evbuffer *out = bufferevent_get_output(connection->bev);
	uint8_t length[LENGTH_BYTES];

	while (evbuffer_copyout(in, length, sizeof(length)) == LENGTH_BYTES) {
		size_t bytes = (size_t)(length[0] << 8 | length[1]);

		if (evbuffer_get_length(in) < LENGTH_BYTES + bytes)
			return;
		if (connection->n_waiting >= WAITING_MAX || evbuffer_get_length(out) > OUTPUT_MAX) {
			bufferevent_disable(connection->bev, EV_READ);
			return;
		}
		evbuffer_drain(in, LENGTH_BYTES);
		evbuffer_remove(in, query, bytes);
		ask(connection, query, bytes);
	}
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct connection *connection = ctx;
	struct dns_stats *stats = connection->stats;

	pthread_mutex_lock(&stats->lock);
	read_on(connection);
	pthread_mutex_unlock(&stats->lock);
}

// All that was written has gone.
static void on_written(struct bufferevent *bev, void *ctx)
{
	struct connection *connection = ctx;

	if (is_done(connection)) {
		end_connection(connection);
		return;
	}
	bufferevent_enable(bev, EV_READ);
	bufferevent_trigger(bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct connection *connection = ctx;

	connection->has_ended = true;
	if ((what & BEV_EVENT_EOF) != 0 && (connection->n_waiting > 0 || !is_done(connection)))
		return; // it has shut down its side, and gets what it is owed
	end_connection(connection);
}

// --- coming ---

static void accept_one(struct listen_tcp *listen, int fd, const struct sockaddr_storage *peer)
{
	static const struct timeval idle = {.tv_sec = IDLE_SEC};
	struct connection *connection = calloc(1, sizeof(*connection));

	if (connection == NULL || (connection->bev = bufferevent_socket_new(
					   listen->base, fd, BEV_OPT_CLOSE_ON_FREE)) == NULL) {
		free(connection);
		close(fd);
		return;
	}
	connection->listen = listen;
	connection->stats = listen->stats;
	connection->peer = *peer;
	sock_addr_get(peer, &connection->client);
	connection->next = listen->list;
	connection->link = &listen->list;
	if (connection->next != NULL)
		connection->next->link = &connection->next;
	listen->list = connection;
	listen->n++;
	bufferevent_setcb(connection->bev, on_read, on_written, on_event, connection);
	bufferevent_set_timeouts(connection->bev, &idle, &idle);
	bufferevent_setwatermark(connection->bev, EV_READ, 0, DNS_MESSAGE_BYTES + LENGTH_BYTES);
	bufferevent_enable(connection->bev, EV_READ | EV_WRITE);
}

static void on_connection(evutil_socket_t fd, short what, void *ctx)
{
	struct listen_tcp *listen = ctx;
	struct sockaddr_storage peer;
	socklen_t bytes = sizeof(peer);
	int one = accept4(fd, (struct sockaddr *)&peer, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (one < 0)
		return;
	if (listen->n < CONNECTIONS_MAX) {
		accept_one(listen, one, &peer);
		return;
	}
	pthread_mutex_lock(&listen->stats->lock);
	dns_stats_count(listen->stats, DNS_COUNT_DROP_CONNECTIONS);
	pthread_mutex_unlock(&listen->stats->lock);
	close(one);
}

struct listen_tcp *listen_tcp_new(
	struct front *front, struct event_base *base, struct dns_stats *stats, int fd)
{
	struct listen_tcp *listen = calloc(1, sizeof(*listen));

	if (listen == NULL) {
		close(fd);
		return NULL;
	}
	listen->front = front;
	listen->base = base;
	listen->stats = stats;
	listen->fd = fd;
	listen->event = event_new(base, fd, EV_READ | EV_PERSIST, on_connection, listen);
	if (listen->event == NULL || event_add(listen->event, NULL) != 0) {
		listen_tcp_free(listen);
		return NULL;
	}
	return listen;
}

void listen_tcp_free(struct listen_tcp *listen)
{
	if (listen == NULL)
		return;
	while (listen->list != NULL)
		end_connection(listen->list);
	if (listen->event != NULL)
		event_free(listen->event);
	close(listen->fd);
	free(listen);
}
