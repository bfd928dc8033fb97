// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/listeners.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg/base/log.h"
#include "control/dns/listen_tcp.h"
#include "control/dns/listen_udp.h"

enum {
	RECEIVE_BYTES = 4 << 20, // what comes while the thread is busy
	BACKLOG = 512,
};

static const int families[] = {AF_INET, AF_INET6};
enum { FAMILIES = 2 };

struct place {
	char name[IFNAMSIZ];
	unsigned index; // of the device; 0: it is not open
	int said_errno; // what is wrong is said once
	struct listen_udp *udp[FAMILIES];
	struct listen_tcp *tcp[FAMILIES];
};

struct listeners {
	struct front *front;
	struct event_base *base;
	struct dns_stats *stats;
	uint16_t port;
	struct place list[CFG_DNS_LISTEN_MAX];
	unsigned n;
};

// --- sockets ---

static int set_on(int fd, int level, int option)
{
	int yes = 1;

	return setsockopt(fd, level, option, &yes, sizeof(yes));
}

static int open_socket(
	const struct listeners *listeners, const struct place *place, int family, int type)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(listeners->port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(listeners->port)};
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), room = RECEIVE_BYTES;
	bool is_ip6 = family == AF_INET6;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, place->name,
		    (socklen_t)strlen(place->name) + 1) != 0 ||
		set_on(fd, SOL_SOCKET, SO_REUSEADDR) != 0 ||
		(is_ip6 && set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 0) ||
		(type == SOCK_DGRAM && set_on(fd, is_ip6 ? IPPROTO_IPV6 : IPPROTO_IP,
					       is_ip6 ? IPV6_RECVPKTINFO : IP_PKTINFO) != 0) ||
		bind(fd, is_ip6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in,
			is_ip6 ? sizeof(in6) : sizeof(in)) != 0 ||
		(type == SOCK_STREAM && listen(fd, BACKLOG) != 0)) {
		int why = errno;

		close(fd);
		errno = why;
		return -1;
	}
	// beyond the system's limit, where we may; a smaller one does too
	if (type == SOCK_DGRAM &&
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return fd;
}

static void close_place(struct place *place)
{
	for (unsigned i = 0; i < FAMILIES; i++) {
		listen_udp_free(place->udp[i]);
		listen_tcp_free(place->tcp[i]);
		place->udp[i] = NULL;
		place->tcp[i] = NULL;
	}
	place->index = 0;
}

static int open_family(struct listeners *listeners, struct place *place, unsigned i)
{
	int fd = open_socket(listeners, place, families[i], SOCK_DGRAM);

	if (fd < 0) // a kernel may be without IPv6
		return errno == EAFNOSUPPORT && families[i] == AF_INET6 ? 0 : -1;
	place->udp[i] = listen_udp_new(listeners->front, listeners->base, listeners->stats, fd);
	fd = open_socket(listeners, place, families[i], SOCK_STREAM);
	if (fd < 0)
		return -1;
	place->tcp[i] = listen_tcp_new(listeners->front, listeners->base, listeners->stats, fd);
	errno = ENOMEM;
	return place->udp[i] != NULL && place->tcp[i] != NULL ? 0 : -1;
}

static void open_place(struct listeners *listeners, struct place *place, unsigned index)
{
	struct log_object object = log_object("dns", place->name);

	for (unsigned i = 0; i < FAMILIES; i++) {
		if (open_family(listeners, place, i) == 0)
			continue;
		if (place->said_errno != errno)
			log_error(object.text, "cannot listen on port %u: %s", listeners->port,
				strerror(errno));
		place->said_errno = errno;
		close_place(place);
		return;
	}
	place->index = index;
	place->said_errno = 0;
	log_info(object.text, "listens on port %u", listeners->port);
}

// --- which ---

void listeners_look(struct listeners *listeners)
{
	for (unsigned i = 0; i < listeners->n; i++) {
		struct place *place = &listeners->list[i];
		unsigned index = if_nametoindex(place->name);

		if (place->index != 0 && place->index != index) {
			close_place(place);
			log_info(log_object("dns", place->name).text, "its device has gone");
		}
		if (place->index == 0 && index != 0)
			open_place(listeners, place, index);
	}
}

static struct place *find(struct listeners *listeners, const char *name)
{
	for (unsigned i = 0; i < listeners->n; i++)
		if (strcmp(listeners->list[i].name, name) == 0)
			return &listeners->list[i];
	return NULL;
}

static bool is_among(const char *const *names, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

void listeners_set(struct listeners *listeners, const char *const *names, unsigned n, uint16_t port)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < listeners->n; i++) {
		struct place *place = &listeners->list[i];

		if (port == listeners->port && is_among(names, n, place->name))
			listeners->list[kept++] = *place;
		else
			close_place(place);
	}
	listeners->n = kept;
	listeners->port = port;
	for (unsigned i = 0; i < n && listeners->n < CFG_DNS_LISTEN_MAX; i++) {
		if (find(listeners, names[i]) != NULL)
			continue;
		listeners->list[listeners->n] = (struct place){0};
		snprintf(listeners->list[listeners->n].name, IFNAMSIZ, "%s", names[i]);
		listeners->n++;
	}
	listeners_look(listeners);
}

bool listeners_each(const struct listeners *listeners, unsigned i, const char **name, bool *is_open)
{
	if (i >= listeners->n)
		return false;
	*name = listeners->list[i].name;
	*is_open = listeners->list[i].index != 0;
	return true;
}

struct listeners *listeners_new(
	struct front *front, struct event_base *base, struct dns_stats *stats)
{
	struct listeners *listeners = calloc(1, sizeof(*listeners));

	if (listeners == NULL)
		return NULL;
	listeners->front = front;
	listeners->base = base;
	listeners->stats = stats;
	return listeners;
}

void listeners_free(struct listeners *listeners)
{
	if (listeners == NULL)
		return;
	for (unsigned i = 0; i < listeners->n; i++)
		close_place(&listeners->list[i]);
	free(listeners);
}
