// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/dns/answer.h"

enum { QUERY_BYTES = 1024 };

struct relayed {
	struct relayed *next, **link;
	struct relay *relay;
	struct exchange *exchange;
	struct sockaddr_in peer;
	struct asked asked;
	uint16_t id;
};

struct relay {
	struct dns_policy *policy;
	struct event *event;
	int fd;
	uint16_t port;
	struct relayed *list;
	bool was_cut;
	void (*on_back)(void *ctx);
	void *on_back_ctx;
};

static void free_relayed(struct relayed *one)
{
	*one->link = one->next;
	if (one->next != NULL)
		one->next->link = one->link;
	exchange_cancel(one->exchange);
	free(one);
}

static void send_answer(const struct relayed *one, const uint8_t *bytes, size_t n)
{
	static uint8_t out[RELAY_BYTES];

	memcpy(out, bytes, n);
	out[0] = (uint8_t)(one->id >> 8);
	out[1] = (uint8_t)one->id;
	sendto(one->relay->fd, out, n, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&one->peer,
		sizeof(one->peer));
}

// libunbound hears that there is no answer: who is silent is a server that is down, to it.
static void send_failure(const struct relayed *one)
{
	uint8_t out[QUERY_BYTES];
	size_t n = answer_write_code(&one->asked, DNS_SERVFAIL, out, sizeof(out));

	if (n > 0)
		send_answer(one, out, n);
}

static void on_answer(void *ctx, const struct dns_message *answer, const struct upstream *upstream)
{
	struct relayed *one = ctx;
	struct relay *relay = one->relay;
	bool is_back = answer != NULL && relay->was_cut;

	one->exchange = NULL;
	relay->was_cut |= answer == NULL;
	if (answer != NULL && answer->n <= RELAY_BYTES)
		send_answer(one, answer->bytes, answer->n);
	else
		send_failure(one);
	free_relayed(one);
	if (is_back)
		relay->on_back(relay->on_back_ctx);
}

static void take(
	struct relay *relay, const uint8_t *bytes, size_t n, const struct sockaddr_in *peer)
{
	struct dns_message query;
	struct relayed *one;

	if (dns_message_parse(bytes, n, &query) != 0 || (query.flags & DNS_QR) != 0 ||
		query.n_questions != 1 || query.question.name.len == 0)
		return;
	one = calloc(1, sizeof(*one));
	if (one == NULL)
		return;
	one->relay = relay;
	one->peer = *peer;
	one->id = query.id;
	asked_by(&query, false, &one->asked);
	one->next = relay->list;
	one->link = &relay->list;
	if (one->next != NULL)
		one->next->link = &one->next;
	relay->list = one;
	one->exchange = exchange_new(&relay->policy->groups[0], &query.question, query.flags,
		query.edns.is_do, on_answer, one);
	if (one->exchange == NULL) {
		send_failure(one);
		free_relayed(one);
	}
}

static void on_query(evutil_socket_t fd, short what, void *ctx)
{
	struct relay *relay = ctx;
	struct sockaddr_in peer;
	socklen_t peer_bytes = sizeof(peer);
	uint8_t bytes[QUERY_BYTES];
	ssize_t n;

	while ((n = recvfrom(fd, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&peer,
			&peer_bytes)) >= 0) {
		take(relay, bytes, (size_t)n, &peer);
		peer_bytes = sizeof(peer);
	}
}

struct relay *relay_new(
	struct dns_policy *policy, void (*on_back)(void *ctx), void *ctx, struct error *err)
{
	static const int receive_bytes = 4
					 << 20; // a question that is lost here is lost for seconds
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t bytes = sizeof(address);
	struct relay *relay = calloc(1, sizeof(*relay));

	if (relay == NULL) {
		error_set(err, "no memory for the DNS forwarder");
		return NULL;
	}
	relay->policy = policy;
	relay->on_back = on_back;
	relay->on_back_ctx = ctx;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	relay->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (relay->fd < 0 || bind(relay->fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		getsockname(relay->fd, (struct sockaddr *)&address, &bytes) != 0) {
		error_set(err, "dns: no socket on the loopback: %s", strerror(errno));
		relay_free(relay);
		return NULL;
	}
	relay->port = ntohs(address.sin_port);
	if (setsockopt(relay->fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes,
		    sizeof(receive_bytes)) != 0) // without the right to: what the machine allows
		setsockopt(relay->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
	relay->event = event_new(policy->base, relay->fd, EV_READ | EV_PERSIST, on_query, relay);
	if (relay->event == NULL || event_add(relay->event, NULL) != 0) {
		error_set(err, "no memory for the DNS forwarder");
		relay_free(relay);
		return NULL;
	}
	return relay;
}

void relay_free(struct relay *relay)
{
	if (relay == NULL)
		return;
	while (relay->list != NULL)
		free_relayed(relay->list);
	if (relay->event != NULL)
		event_free(relay->event);
	if (relay->fd >= 0)
		close(relay->fd);
	free(relay);
}

uint16_t relay_port(const struct relay *relay)
{
	return relay->port;
}

bool relay_was_cut(const struct relay *relay)
{
	return relay->was_cut;
}

void relay_forget_cut(struct relay *relay)
{
	relay->was_cut = false;
}
