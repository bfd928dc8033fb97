// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/upstream_stream.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/dns/upstream.h"
#include "control/dns/upstream_knock.h"

enum {
	SLOTS = 1024, // questions under way on one connection
	LENGTH_BYTES = 2,
	CONNECT_MS_MAX = 3000,
	STALL_MS_MAX = 2000, // questions are under way, and nothing comes
	AGAIN_MS_MIN = 50,   // after a connection that could not be set up
	AGAIN_MS_MAX = 400,
	WARM_FOR_MS = 300000, // after the last question, a connection that ends is made again
};

struct slot {
	upstream_stream_fn fn; // NULL: it is free, or nobody wants its answer any more
	void *ctx;
	uint16_t id; // the question's own
	bool is_taken;
};

struct upstream_stream {
	struct upstream *upstream;
	struct event_base *base;
	SSL_CTX *ssl_ctx;
	SSL_SESSION *session; // of the connection before, to be resumed
	struct bufferevent *bev;
	struct event *timer;	      // it takes too long; or, without a connection: connect again
	struct upstream_knock *knock; // while it is being set up
	bool is_up;
	unsigned again_ms;
	uint64_t not_before_ms, last_asked_ms;
	struct slot slots[SLOTS];
	unsigned n_taken, next_slot;
};

// --- ends ---

static void keep_session(struct upstream_stream *stream)
{
	SSL *ssl = stream->bev != NULL && stream->ssl_ctx != NULL
			   ? bufferevent_openssl_get_ssl(stream->bev)
			   : NULL;
	SSL_SESSION *session = ssl != NULL && stream->is_up ? SSL_get1_session(ssl) : NULL;

	if (session == NULL)
		return;
	SSL_SESSION_free(stream->session);
	stream->session = session;
	SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
	SSL_shutdown(ssl);
}

static void wait_on(struct upstream_stream *stream, unsigned ms)
{
	struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_add(stream->timer, &wait);
}

static void close_connection(struct upstream_stream *stream)
{
	keep_session(stream);
	if (stream->bev != NULL)
		bufferevent_free(stream->bev);
	stream->bev = NULL;
	stream->is_up = false;
	upstream_knock_free(stream->knock);
	stream->knock = NULL;
	event_del(stream->timer);
}

// Those whose questions were under way hear of it last: they may ask again at once.
static void end_connection(struct upstream_stream *stream, bool is_failure)
{
	static struct slot lost[SLOTS];
	unsigned n = 0;
	uint64_t now_ms = clock_now_ms();

	close_connection(stream);
	if (is_failure) {
		stream->again_ms = stream->again_ms == 0 ? AGAIN_MS_MIN : stream->again_ms * 2;
		if (stream->again_ms > AGAIN_MS_MAX)
			stream->again_ms = AGAIN_MS_MAX;
		stream->not_before_ms = now_ms + stream->again_ms;
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		if (stream->slots[i].is_taken && stream->slots[i].fn != NULL)
			lost[n++] = stream->slots[i];
		stream->slots[i] = (struct slot){0};
	}
	stream->n_taken = 0;
	if (stream->upstream->config.tls_name[0] != '\0' &&
		now_ms - stream->last_asked_ms < WARM_FOR_MS)
		wait_on(stream, is_failure ? stream->again_ms : AGAIN_MS_MIN);
	for (unsigned i = 0; i < n; i++)
		lost[i].fn(lost[i].ctx, NULL, 0);
}

// --- what comes in ---

static void take_answer(struct upstream_stream *stream, uint8_t *message, size_t bytes)
{
	unsigned number = (unsigned)(message[0] << 8 | message[1]);
	struct slot slot;

	if (number >= SLOTS || !stream->slots[number].is_taken)
		return;
	slot = stream->slots[number];
	stream->slots[number] = (struct slot){0};
	stream->n_taken--;
	if (stream->n_taken > 0)
		wait_on(stream, STALL_MS_MAX);
	else
		event_del(stream->timer);
	message[0] = (uint8_t)(slot.id >> 8);
	message[1] = (uint8_t)slot.id;
	if (slot.fn != NULL)
		slot.fn(slot.ctx, message, bytes);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct upstream_stream *stream = ctx;
	struct evbuffer *in = bufferevent_get_input(bev);

	while (stream->bev == bev) {
		uint8_t length[LENGTH_BYTES];
		size_t bytes;
		uint8_t *whole;

		if (evbuffer_copyout(in, length, sizeof(length)) < LENGTH_BYTES)
			return;
		bytes = (size_t)(length[0] << 8 | length[1]);
		if (evbuffer_get_length(in) < LENGTH_BYTES + bytes)
			return;
		whole = malloc(bytes + 1);
		if (whole == NULL)
			return;
		evbuffer_drain(in, LENGTH_BYTES);
		evbuffer_remove(in, whole, bytes);
		if (bytes >= LENGTH_BYTES)
			take_answer(stream, whole, bytes);
		free(whole);
	}
}

static void log_why(const struct upstream_stream *stream, struct bufferevent *bev)
{
	struct log_object object = log_object("dns", stream->upstream->config.tls_name);
	SSL *ssl = stream->ssl_ctx != NULL ? bufferevent_openssl_get_ssl(bev) : NULL;
	long verdict = ssl != NULL ? SSL_get_verify_result(ssl) : X509_V_OK;
	unsigned long why = ssl != NULL ? bufferevent_get_openssl_error(bev) : 0;
	char text[160] = "";

	if (verdict != X509_V_OK) {
		log_error(object.text, "its certificate is refused: %s",
			X509_verify_cert_error_string(verdict));
		return;
	}
	if (why != 0)
		ERR_error_string_n(why, text, sizeof(text));
	log_debug(stream->ssl_ctx != NULL ? object.text : "dns", "no connection to %s%s%s",
		stream->upstream->name, text[0] != '\0' ? ": " : "", text);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct upstream_stream *stream = ctx;
	bool was_up = stream->is_up;

	if (what & BEV_EVENT_CONNECTED) {
		int yes = 1;

		setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		stream->is_up = true;
		stream->again_ms = 0;
		upstream_knock_free(stream->knock);
		stream->knock = NULL;
		event_del(stream->timer);
		if (stream->n_taken > 0)
			wait_on(stream, STALL_MS_MAX);
		return;
	}
	if (!was_up)
		log_why(stream, bev);
	end_connection(stream, !was_up);
}

// --- connecting ---

static struct bufferevent *make_plain(struct upstream_stream *stream)
{
	int fd = upstream_socket(stream->upstream, SOCK_STREAM);
	struct bufferevent *bev =
		fd < 0 ? NULL : bufferevent_socket_new(stream->base, fd, BEV_OPT_CLOSE_ON_FREE);

	if (bev == NULL && fd >= 0)
		close(fd);
	return bev;
}

// Servers that uplinks are told of have no TLS: none of these is to leave by one uplink alone.
static struct bufferevent *make_bufferevent(struct upstream_stream *stream)
{
	const char *name = stream->upstream->config.tls_name;
	SSL *ssl;

	if (name[0] == '\0')
		return make_plain(stream);
	ssl = stream->ssl_ctx != NULL ? SSL_new(stream->ssl_ctx) : NULL;
	if (ssl == NULL)
		return NULL;
	// RFC 8310 section 8.1: the name is that of the config, never one of the server's choice
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (SSL_set1_host(ssl, name) != 1 || SSL_set_tlsext_host_name(ssl, name) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	if (stream->session != NULL)
		SSL_set_session(ssl, stream->session);
	return bufferevent_openssl_socket_new(
		stream->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
}

// The server is there, and nobody has told the connection that is being set up. Questions that wait
// for it go with the next one.
static void on_open(void *ctx)
{
	struct upstream_stream *stream = ctx;
	struct tcp_info info;
	socklen_t bytes = sizeof(info);

	if (stream->bev == NULL || stream->is_up ||
		getsockopt(bufferevent_getfd(stream->bev), IPPROTO_TCP, TCP_INFO, &info, &bytes) !=
			0 ||
		info.tcpi_state != TCP_SYN_SENT)
		return;
	end_connection(stream, false);
	if (stream->bev == NULL) // else who had asked has asked again
		wait_on(stream, 0);
}

static bool connect_now(struct upstream_stream *stream)
{
	if (stream->bev != NULL)
		return true;
	if (clock_now_ms() < stream->not_before_ms)
		return false;
	stream->bev = make_bufferevent(stream);
	if (stream->bev == NULL)
		return false;
	bufferevent_setcb(stream->bev, on_read, NULL, on_event, stream);
	if (stream->upstream->config.tls_name[0] != '\0')
		bufferevent_openssl_set_allow_dirty_shutdown(stream->bev, 1);
	bufferevent_enable(stream->bev, EV_READ | EV_WRITE);
	wait_on(stream, CONNECT_MS_MAX);
	stream->knock = upstream_knock_new(stream->base, stream->upstream, on_open, stream);
	if (bufferevent_socket_connect(stream->bev, (struct sockaddr *)&stream->upstream->address,
		    (int)stream->upstream->address_bytes) == 0 &&
		stream->bev != NULL)
		return true;
	if (stream->bev != NULL)
		end_connection(stream, true);
	return false;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct upstream_stream *stream = ctx;

	if (stream->bev == NULL)
		connect_now(stream);
	else if (!stream->is_up || stream->n_taken > 0)
		end_connection(stream, true);
}

void upstream_stream_warm(struct upstream_stream *stream)
{
	stream->last_asked_ms = clock_now_ms();
	connect_now(stream);
}

// --- questions ---

int upstream_stream_ask(struct upstream_stream *stream, const uint8_t *message, size_t bytes,
	upstream_stream_fn fn, void *ctx)
{
	uint8_t head[LENGTH_BYTES + 2];
	struct evbuffer *out;
	unsigned number;

	stream->last_asked_ms = clock_now_ms();
	if (bytes < 2 || bytes > UINT16_MAX || stream->n_taken == SLOTS || !connect_now(stream))
		return -1;
	do {
		number = stream->next_slot++ % SLOTS;
	} while (stream->slots[number].is_taken);
	head[0] = (uint8_t)(bytes >> 8);
	head[1] = (uint8_t)bytes;
	head[2] = (uint8_t)(number >> 8);
	head[3] = (uint8_t)number;
	out = bufferevent_get_output(stream->bev);
	// length and message in one write: RFC 7766 section 8
	if (evbuffer_add(out, head, sizeof(head)) != 0 ||
		evbuffer_add(out, message + 2, bytes - 2) != 0)
		return -1;
	stream->slots[number] = (struct slot){
		.fn = fn,
		.ctx = ctx,
		.id = (uint16_t)(message[0] << 8 | message[1]),
		.is_taken = true,
	};
	if (stream->n_taken++ == 0 && stream->is_up)
		wait_on(stream, STALL_MS_MAX);
	return (int)number;
}

void upstream_stream_forget(struct upstream_stream *stream, int number)
{
	if (number >= 0 && number < SLOTS)
		stream->slots[number].fn = NULL;
}

// --- coming and going ---

struct upstream_stream *upstream_stream_new(
	struct upstream *upstream, struct event_base *base, void *ssl_ctx)
{
	struct upstream_stream *stream = calloc(1, sizeof(*stream));

	if (stream == NULL)
		return NULL;
	stream->upstream = upstream;
	stream->base = base;
	stream->ssl_ctx = upstream->config.tls_name[0] != '\0' ? ssl_ctx : NULL;
	stream->timer = event_new(base, -1, 0, on_timer, stream);
	if (stream->timer == NULL) {
		free(stream);
		return NULL;
	}
	return stream;
}

void upstream_stream_free(struct upstream_stream *stream)
{
	if (stream == NULL)
		return;
	close_connection(stream);
	SSL_SESSION_free(stream->session);
	event_free(stream->timer);
	free(stream);
}

void *upstream_tls_new(const char *certificates, struct error *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int rc;

	if (ctx == NULL) {
		error_set(err, "no memory for TLS");
		return NULL;
	}
	// RFC 8310 section 9 and RFC 9325 section 3.1.1
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	rc = certificates != NULL ? SSL_CTX_load_verify_file(ctx, certificates)
				  : SSL_CTX_set_default_verify_paths(ctx);
	if (rc != 1) {
		error_set(err, "dns: cannot read the certificates in %s",
			certificates != NULL ? certificates : "the machine's store");
		ERR_clear_error();
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

void upstream_tls_free(void *ssl_ctx)
{
	SSL_CTX_free(ssl_ctx);
}
