// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "control/dns/answer.h"
#include "control/dns/pad.h"
#include "control/dns/sock_addr.h"
#include "control/dns/upstream_probe.h"
#include "control/dns/upstream_stream.h"

enum {
	QUERY_BYTES_MAX = DNS_HEADER_BYTES + DNS_NAME_BYTES_MAX + 4 + 11,
	PADDED_BYTES_MAX = 3 * PAD_BLOCK_BYTES, // which is more
	UDP_BYTES_MAX = QUERY_BYTES_MAX + COOKIE_OPTION_HEAD_BYTES + COOKIE_CLIENT_BYTES +
			COOKIE_SERVER_BYTES_MAX,
	TRIES_MAX = UPSTREAM_MAX * 3, // at a time; the oldest makes room
	AGAIN_US = 300000,	      // between two rounds
	READ_BYTES = 4096,	      // more than was offered
};

static const uint64_t NS_PER_US = 1000, US_PER_MS = 1000, US_PER_SEC = 1000000;

// An upstream that was asked once.
struct
try {
	struct exchange *exchange;
	struct upstream *upstream;
	struct event *event; // of a socket of its own; NULL: a stream's
	int fd;
	int number; // on the stream; -1: none
	uint64_t began_ns;
	bool has_cookie;
	bool is_over;
};

struct exchange {
	struct upstream_group *group;
	struct event *timer;
	struct dns_question question;
	uint8_t query[QUERY_BYTES_MAX];
	size_t query_bytes;
	struct upstream *order[UPSTREAM_MAX];
	unsigned n_order;
	unsigned next; // of the order, in rounds
	struct try tries[TRIES_MAX];
	unsigned n_tries;  // ever
	bool is_hasty;	   // a second round has begun at once
	bool is_doubted;   // one is asked by TCP, as its answer had no cookie
	bool is_corrected; // one was asked once more for its cookie's sake
	uint64_t began_ns;
	bool is_beginning; // exchange_new has not returned
	uint8_t *poor;	   // an answer that is taken when nobody gives a better one
	size_t poor_bytes;
	const struct upstream *poor_from;
	exchange_fn fn;
	void *ctx;
};

static unsigned n_exchanges;

static uint16_t random_id(void)
{
	static uint16_t pool[256];
	static unsigned left;

	if (left == 0) {
		if (getrandom(pool, sizeof(pool), 0) != (ssize_t)sizeof(pool))
			return (uint16_t)clock_now_ns();
		left = sizeof(pool) / sizeof(pool[0]);
	}
	return pool[--left];
}

// --- the question on the wire ---

static void write_query(struct exchange *exchange, uint16_t flags, bool is_do)
{
	struct cursor_out out = cursor_out_of(exchange->query, sizeof(exchange->query));

	cursor_put_u16(&out, random_id());
	cursor_put_u16(&out, (uint16_t)(DNS_RD | (flags & DNS_CD)));
	cursor_put_u16(&out, 1);
	cursor_put_u32(&out, 0);
	cursor_put_u16(&out, 1);
	dns_name_write(&out, &exchange->question.name);
	cursor_put_u16(&out, exchange->question.type);
	cursor_put_u16(&out, exchange->question.class);
	cursor_put_u8(&out, 0); // OPT, RFC 6891 section 6.1.2
	cursor_put_u16(&out, DNS_OPT);
	cursor_put_u16(&out, EXCHANGE_UDP_BYTES);
	cursor_put_u32(&out, is_do ? 0x8000 : 0);
	cursor_put_u16(&out, 0);
	exchange->query_bytes = out.n;
}

// RFC 5452 section 9.1: whoever does not know question and id has not been asked.
static bool is_answer(const struct exchange *exchange, const struct dns_message *message)
{
	return message->id == (uint16_t)(exchange->query[0] << 8 | exchange->query[1]) &&
	       (message->flags & DNS_QR) != 0 && (message->flags & DNS_OPCODE) == 0 &&
	       message->n_questions == 1 && answer_has_plain_question(message) &&
	       message->question.type == exchange->question.type &&
	       message->question.class == exchange->question.class &&
	       dns_name_equal(&message->question.name, &exchange->question.name);
}

static bool is_good(const struct dns_message *message)
{
	enum dns_rcode rcode = dns_message_rcode(message);

	return rcode == DNS_NOERROR || rcode == DNS_NXDOMAIN;
}

// --- ends ---

static unsigned n_kept(const struct exchange *exchange)
{
	return exchange->n_tries < TRIES_MAX ? exchange->n_tries : TRIES_MAX;
}

static void end_try(struct try *try)
{
	if (try->event != NULL) {
		event_free(try->event);
		close(try->fd);
	} else if (try->number >= 0 && !try->is_over) {
		upstream_stream_forget(try->upstream->stream, try->number);
	}
	try->event = NULL;
	try->number = -1;
	try->is_over = true;
}

static void free_exchange(struct exchange *exchange)
{
	for (unsigned i = 0; i < n_kept(exchange); i++)
		end_try(&exchange->tries[i]);
	if (exchange->timer != NULL)
		event_free(exchange->timer);
	free(exchange->poor);
	free(exchange);
	n_exchanges--;
}

void exchange_cancel(struct exchange *exchange)
{
	if (exchange != NULL)
		free_exchange(exchange);
}

// Who was asked first and has not answered, though it had more time than it takes.
static void note_silent(struct exchange *exchange)
{
	uint64_t now_ns = clock_now_ns();

	for (unsigned i = 0; i < n_kept(exchange); i++) {
		struct try *try = &exchange->tries[i];
		uint64_t waited_us = (now_ns - try->began_ns) / NS_PER_US;

		if (!try->is_over && waited_us >= upstream_patience_us(try->upstream))
			upstream_note_silence(try->upstream, waited_us);
	}
}

static void finish(struct exchange *exchange, const struct dns_message *answer,
	const struct upstream *upstream)
{
	struct dns_message poor;

	note_silent(exchange);
	upstream_probe_failing(exchange->group, &exchange->question);
	if (answer == NULL && exchange->poor != NULL &&
		dns_message_parse(exchange->poor, exchange->poor_bytes, &poor) == 0) {
		answer = &poor;
		upstream = exchange->poor_from;
	}
	exchange->fn(exchange->ctx, answer, upstream);
	free_exchange(exchange);
}

// --- what comes back ---

static void ask_next(struct exchange *exchange);

static void wait_us(struct exchange *exchange, uint64_t us)
{
	struct timeval wait = {
		.tv_sec = (time_t)(us / US_PER_SEC), .tv_usec = (suseconds_t)(us % US_PER_SEC)};

	event_add(exchange->timer, &wait);
}

// The next is asked at once; all of them again at once, too, but a single time, for a connection
// that had just ended. After that the timer says when.
static void lose_try(struct try *try)
{
	struct exchange *exchange = try->exchange;
	bool is_round_over = exchange->next % exchange->n_order == 0;

	end_try(try);
	if (try->fd < 0)
		exchange->is_doubted = false; // TCP does not tell
	upstream_note_failure(try->upstream);
	if (exchange->is_beginning || (is_round_over && exchange->is_hasty))
		return;
	exchange->is_hasty |= is_round_over;
	wait_us(exchange, 0);
}

static void keep_poor(struct exchange *exchange, const struct dns_message *answer,
	const struct upstream *upstream)
{
	uint8_t *copy = exchange->poor == NULL ? malloc(answer->n) : NULL;

	if (copy == NULL)
		return;
	memcpy(copy, answer->bytes, answer->n);
	exchange->poor = copy;
	exchange->poor_bytes = answer->n;
	exchange->poor_from = upstream;
}

static bool ask_stream(struct exchange *exchange, struct upstream *upstream);
static bool ask_udp(struct exchange *exchange, struct upstream *upstream);

// RFC 7873 section 5.3: asked again with the cookie that it wants, and by TCP when that does not
// help.
static enum upstream_cookie_verdict judge_cookie(struct try *try, const struct dns_message *answer)
{
	struct exchange *exchange = try->exchange;
	struct upstream *upstream = try->upstream;
	bool was_corrected = exchange->is_corrected, was_doubted = exchange->is_doubted;
	enum upstream_cookie_verdict verdict =
		upstream_cookie_judge(&upstream->cookie, answer, try->has_cookie, was_doubted);

	switch (verdict) {
	case UPSTREAM_COOKIE_TAKE:
		break;
	case UPSTREAM_COOKIE_IGNORE:
		upstream->counts.forged++;
		break;
	case UPSTREAM_COOKIE_AGAIN:
		end_try(try);
		exchange->is_corrected = true;
		if (!was_corrected)
			ask_udp(exchange, upstream);
		else if (!ask_stream(exchange, upstream))
			wait_us(exchange, 0);
		break;
	case UPSTREAM_COOKIE_BY_TCP:
		upstream->counts.forged++;
		end_try(try);
		exchange->is_doubted = true;
		if (!was_doubted && !ask_stream(exchange, upstream))
			wait_us(exchange, 0);
		break;
	}
	return verdict;
}

// A message that may be the answer; false: it is not, and the real one may yet come.
static bool take_message(struct try *try, const uint8_t *bytes, size_t n, bool is_udp)
{
	struct exchange *exchange = try->exchange;
	struct upstream *upstream = try->upstream;
	uint64_t took_us = (clock_now_ns() - try->began_ns) / NS_PER_US;
	struct dns_message answer;

	if (dns_message_parse(bytes, n, &answer) != 0 || !is_answer(exchange, &answer))
		return false;
	if (is_udp) {
		enum upstream_cookie_verdict verdict = judge_cookie(try, &answer);

		if (verdict != UPSTREAM_COOKIE_TAKE)
			return verdict != UPSTREAM_COOKIE_IGNORE;
	}
	if (is_udp && (answer.flags & DNS_TC) != 0) {
		end_try(try);
		if (!ask_stream(exchange, upstream))
			wait_us(exchange, 0);
		return true;
	}
	if (!is_udp)
		upstream_cookie_note_tcp(&upstream->cookie, &answer);
	try->is_over = true;
	upstream_note_answer(upstream, took_us);
	if (is_good(&answer)) {
		finish(exchange, &answer, upstream);
		return true;
	}
	upstream->counts.useless++;
	keep_poor(exchange, &answer, upstream);
	end_try(try);
	wait_us(exchange, 0);
	return true;
}

static void on_stream(void *ctx, uint8_t *message, size_t bytes)
{
	struct try *try = ctx;

	try->number = -1;
	if (message == NULL || !take_message(try, message, bytes, false))
		lose_try(try);
}

static void on_datagram(evutil_socket_t fd, short what, void *ctx)
{
	struct try *try = ctx;
	uint8_t bytes[READ_BYTES];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) >= 0)
		if (take_message(try, bytes, (size_t)n, true))
			return;
	if (errno != EAGAIN && errno != EINTR)
		lose_try(try); // an ICMP error has come back
}

// --- asking ---

static struct try *new_try(struct exchange *exchange, struct upstream *upstream)
{
	struct try *try;

	try = &exchange->tries[exchange->n_tries++ % TRIES_MAX];
	if (exchange->n_tries > TRIES_MAX)
		end_try(try);
	*try = (struct try){
		.exchange = exchange,
		.upstream = upstream,
		.fd = -1,
		.number = -1,
		.began_ns = clock_now_ns(),
	};
	upstream->counts.sent++;
	return try;
}

static bool ask_stream(struct exchange *exchange, struct upstream *upstream)
{
	struct try *try = new_try(exchange, upstream);
	uint8_t query[PADDED_BYTES_MAX];
	size_t n = exchange->query_bytes;

	memcpy(query, exchange->query, n);
	if (upstream->config.tls_name[0] != '\0')
		n = dns_pad(query, n, sizeof(query));
	else
		n = upstream_cookie_put(
			&upstream->cookie, &upstream->cookie.from, false, query, n, sizeof(query));
	try->number = upstream_stream_ask(upstream->stream, query, n, on_stream, try);
	if (try->number < 0)
		lose_try(try);
	return try->number >= 0;
}

// With the upstream's cookie. One that has been asked by this exchange before is failing.
static bool send_query(struct try *try)
{
	struct exchange *exchange = try->exchange;
	struct sockaddr_storage local = {.ss_family = AF_UNSPEC};
	socklen_t local_bytes = sizeof(local);
	uint8_t query[UDP_BYTES_MAX];
	struct ip_addr from;
	size_t n;

	getsockname(try->fd, (struct sockaddr *)&local, &local_bytes);
	sock_addr_get(&local, &from);
	memcpy(query, exchange->query, exchange->query_bytes);
	n = upstream_cookie_put(&try->upstream->cookie, &from,
		try->upstream->n_failures > 0 || exchange->next > exchange->n_order, query,
		exchange->query_bytes, sizeof(query));
	try->has_cookie = n > exchange->query_bytes;
	return send(try->fd, query, n, MSG_NOSIGNAL) >= 0;
}

static bool ask_udp(struct exchange *exchange, struct upstream *upstream)
{
	struct try *try = new_try(exchange, upstream);

	try->fd = upstream_socket(upstream, SOCK_DGRAM);
	if (try->fd < 0) {
		lose_try(try);
		return false;
	}
	try->event =
		event_new(exchange->group->base, try->fd, EV_READ | EV_PERSIST, on_datagram, try);
	if (try->event == NULL) {
		close(try->fd);
		lose_try(try);
		return false;
	}
	if (connect(try->fd, (struct sockaddr *)&upstream->address, upstream->address_bytes) != 0 ||
		!send_query(try) || event_add(try->event, NULL) != 0) {
		lose_try(try);
		return false;
	}
	return true;
}

static bool ask(struct exchange *exchange, struct upstream *upstream)
{
	if (upstream->config.tls_name[0] != '\0')
		return ask_stream(exchange, upstream);
	return ask_udp(exchange, upstream);
}

// Those that cannot even be asked are passed over, each once a round.
static void ask_next(struct exchange *exchange)
{
	struct upstream *upstream = NULL;

	for (unsigned i = 0; i < exchange->n_order; i++) {
		upstream = exchange->order[exchange->next++ % exchange->n_order];
		if (ask(exchange, upstream))
			break;
	}
	if (upstream == NULL)
		return;
	if (exchange->next % exchange->n_order == 0)
		wait_us(exchange, AGAIN_US);
	else
		wait_us(exchange, upstream_patience_us(upstream));
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct exchange *exchange = ctx;
	uint64_t waited_ms = (clock_now_ns() - exchange->began_ns) / NS_PER_US / US_PER_MS;
	bool is_anybody_asked = false;

	for (unsigned i = 0; i < n_kept(exchange); i++)
		is_anybody_asked |= !exchange->tries[i].is_over;
	// all have said that they will not: asking again would be of no use
	if (waited_ms >= EXCHANGE_MS_MAX || (exchange->poor != NULL && !is_anybody_asked &&
						    exchange->next >= exchange->n_order)) {
		finish(exchange, NULL, NULL);
		return;
	}
	ask_next(exchange);
}

static struct exchange *begin(struct upstream_group *group, struct upstream *only,
	const struct dns_question *question, uint16_t flags, bool is_do, exchange_fn fn, void *ctx)
{
	struct exchange *exchange =
		n_exchanges < EXCHANGE_MAX ? calloc(1, sizeof(*exchange)) : NULL;

	if (exchange == NULL)
		return NULL;
	n_exchanges++;
	exchange->group = group;
	exchange->question = *question;
	exchange->fn = fn;
	exchange->ctx = ctx;
	exchange->began_ns = clock_now_ns();
	exchange->timer = event_new(group->base, -1, 0, on_timer, exchange);
	if (exchange->timer == NULL) {
		free_exchange(exchange);
		return NULL;
	}
	write_query(exchange, flags, is_do);
	exchange->n_order = only != NULL ? 1 : group->n;
	if (only != NULL)
		exchange->order[0] = only;
	else
		upstream_order(group, exchange->order);
	exchange->is_beginning = true;
	ask_next(exchange);
	exchange->is_beginning = false;
	return exchange;
}

struct exchange *exchange_new(struct upstream_group *group, const struct dns_question *question,
	uint16_t flags, bool is_do, exchange_fn fn, void *ctx)
{
	if (group->n == 0)
		return NULL;
	group->last_asked_ms = clock_now_ms();
	return begin(group, NULL, question, flags, is_do, fn, ctx);
}

struct exchange *exchange_probe(struct upstream_group *group, struct upstream *upstream,
	const struct dns_question *question, exchange_fn fn, void *ctx)
{
	return begin(group, upstream, question, 0, false, fn, ctx);
}
