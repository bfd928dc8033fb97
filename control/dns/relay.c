// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { QUERY_BYTES = 1024 };

struct relayed {
	struct relayed *next, **link;
	struct relay *relay;
	struct exchange *exchange;
	struct sockaddr_in peer;
	uint16_t id;
};

struct relay {
	struct dns_policy *policy;
	struct event *event;
	int fd;
	uint16_t port;
	struct relayed *list;
};

static void free_relayed(struct relayed *one)
{
	*one->link = one->next;
	if (one->next != NULL)
		one->next->link = one->link;
	exchange_cancel(one->exchange);
	free(one);
}

// What has no answer gets none: libunbound asks again, and gives up by itself.
static void on_answer(void *ctx, const struct dns_message *answer, const struct upstream *upstream)
{
	struct relayed *one = ctx;

	one->exchange = NULL;
	if (answer != NULL && answer->n <= RELAY_BYTES) {
		static uint8_t out[RELAY_BYTES];

		memcpy(out, answer->bytes, answer->n);
		out[0] = (uint8_t)(one->id >> 8);
		out[1] = (uint8_t)one->id;
		sendto(one->relay->fd, out, answer->n, MSG_DONTWAIT | MSG_NOSIGNAL,
			(struct sockaddr *)&one->peer, sizeof(one->peer));
	}
	free_relayed(one);
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
	one->next = relay->list;
	one->link = &relay->list;
	if (one->next != NULL)
		one->next->link = &one->next;
	relay->list = one;
	one->exchange = exchange_new(&relay->policy->groups[0], relay->policy->base,
		&query.question, query.flags, query.edns.is_do, on_answer, one);
	if (one->exchange == NULL)
		free_relayed(one);
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

struct relay *relay_new(struct dns_policy *policy, struct error *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t bytes = sizeof(address);
	struct relay *relay = calloc(1, sizeof(*relay));

	if (relay == NULL) {
		error_set(err, "no memory for the DNS forwarder");
		return NULL;
	}
	relay->policy = policy;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	relay->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (relay->fd < 0 || bind(relay->fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		getsockname(relay->fd, (struct sockaddr *)&address, &bytes) != 0) {
		error_set(err, "dns: no socket on the loopback: %s", strerror(errno));
		relay_free(relay);
		return NULL;
	}
	relay->port = ntohs(address.sin_port);
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
