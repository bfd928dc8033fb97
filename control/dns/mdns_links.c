// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/mdns_links.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cfg/base/log.h"
#include "control/dns/dns_message.h"
#include "control/dns/sock_addr.h"

enum {
	PORT = 5353,
	LINK_TTL = 255,
	FAMILIES = 2,
	READ_BYTES = 9000, // RFC 6762 section 17
	TURNS_MAX = 64,	   // messages, then the rest of the loop has its turn
	CONTROL_BYTES = 64,
	NETS_EACH = 4, // looks: addresses are read less often than interfaces are looked for
};

static const int families[FAMILIES] = {AF_INET, AF_INET6};
static const uint8_t group4[4] = {224, 0, 0, 251};
static const uint8_t group6[16] = {0xff, 2, [15] = 0xfb};

struct link {
	struct mdns_links *links;
	char name[IFNAMSIZ];
	unsigned index; // of the device; 0: it is not open
	int said_errno; // what is wrong is said once
	int fds[FAMILIES];
	struct event *events[FAMILIES];
};

struct mdns_links {
	struct event_base *base;
	struct dns_stats *stats;
	mdns_receive_fn fn;
	void *ctx;
	struct link list[CFG_DNS_MDNS_MAX];
	unsigned n, n_looks;
	struct mdns_nets nets;
};

// --- networks ---

static bool is_open_link(const void *ctx, const char *name)
{
	const struct mdns_links *links = ctx;

	for (unsigned i = 0; i < links->n; i++)
		if (links->list[i].index != 0 && strcmp(links->list[i].name, name) == 0)
			return true;
	return false;
}

const struct mdns_nets *mdns_links_nets(const struct mdns_links *links)
{
	return &links->nets;
}

// --- what comes in ---

// -1: it does not say.
static int ttl_of(struct msghdr *head)
{
	int ttl = -1;

	for (struct cmsghdr *at = CMSG_FIRSTHDR(head); at != NULL; at = CMSG_NXTHDR(head, at))
		if ((at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_TTL) ||
			(at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_HOPLIMIT))
			memcpy(&ttl, CMSG_DATA(at), sizeof(ttl));
	return ttl;
}

static unsigned port_of(const struct sockaddr_storage *peer)
{
	struct sockaddr_in in; // the port of both families is at the same place

	memcpy(&in, peer, sizeof(in));
	return ntohs(in.sin_port);
}

static bool is_of_link(
	const struct link *link, const struct sockaddr_storage *peer, struct msghdr *head)
{
	struct ip_addr from;

	sock_addr_get(peer, &from);
	return port_of(peer) == PORT && ttl_of(head) == LINK_TTL &&
	       mdns_nets_have(&link->links->nets, &from);
}

static bool is_response(const uint8_t *bytes, size_t n)
{
	return n >= DNS_HEADER_BYTES && (bytes[2] & DNS_QR >> 8) != 0;
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	static uint8_t bytes[READ_BYTES];
	struct link *link = ctx;
	struct mdns_links *links = link->links;

	for (unsigned i = 0; i < TURNS_MAX; i++) {
		_Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES];
		struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
		struct iovec to = {bytes, sizeof(bytes)};
		struct msghdr head = {
			.msg_name = &peer,
			.msg_namelen = sizeof(peer),
			.msg_iov = &to,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(fd, &head, MSG_DONTWAIT);

		if (n < 0)
			return;
		if (!is_response(bytes, (size_t)n)) // the questions of others
			continue;
		if (is_of_link(link, &peer, &head)) {
			links->fn(links->ctx, bytes, (size_t)n);
			continue;
		}
		pthread_mutex_lock(&links->stats->lock);
		dns_stats_count(links->stats, DNS_COUNT_DROP_MDNS_OFF_LINK);
		pthread_mutex_unlock(&links->stats->lock);
	}
}

// --- sockets ---

static int set_number(int fd, int level, int option, int number)
{
	return setsockopt(fd, level, option, &number, sizeof(number));
}

static int join4(int fd, unsigned index)
{
	struct ip_mreqn group = {.imr_ifindex = (int)index};
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};

	memcpy(&group.imr_multiaddr, group4, sizeof(group4));
	if (set_number(fd, IPPROTO_IP, IP_MULTICAST_TTL, LINK_TTL) != 0 ||
		set_number(fd, IPPROTO_IP, IP_TTL, LINK_TTL) != 0 ||
		set_number(fd, IPPROTO_IP, IP_RECVTTL, 1) != 0 ||
		set_number(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0) != 0 ||
		setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof(group)) != 0 ||
		bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0)
		return -1;
	return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group));
}

static int join6(int fd, unsigned index)
{
	struct ipv6_mreq group = {.ipv6mr_interface = index};
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};

	memcpy(&group.ipv6mr_multiaddr, group6, sizeof(group6));
	if (set_number(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0 ||
		set_number(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, LINK_TTL) != 0 ||
		set_number(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, LINK_TTL) != 0 ||
		set_number(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) != 0 ||
		set_number(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)index) != 0 ||
		bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0)
		return -1;
	return setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &group, sizeof(group));
}

// The port is shared with whoever speaks multicast DNS on this machine.
static int open_socket(const struct link *link, int family, unsigned index)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link->name,
		    (socklen_t)strlen(link->name) + 1) != 0 ||
		set_number(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0 ||
		set_number(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0 ||
		(family == AF_INET ? join4(fd, index) : join6(fd, index)) != 0) {
		int why = errno;

		close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

static void close_link(struct link *link)
{
	for (unsigned i = 0; i < FAMILIES; i++) {
		if (link->events[i] == NULL)
			continue;
		event_free(link->events[i]);
		close(link->fds[i]);
		link->events[i] = NULL;
	}
	link->index = 0;
}

static bool open_family(struct link *link, unsigned i, unsigned index)
{
	int fd = open_socket(link, families[i], index);

	if (fd < 0)
		return false;
	link->fds[i] = fd;
	link->events[i] = event_new(link->links->base, fd, EV_READ | EV_PERSIST, on_readable, link);
	if (link->events[i] == NULL) {
		close(fd);
		return false;
	}
	return event_add(link->events[i], NULL) == 0;
}

// One family is enough: an interface may have no address of the other.
static void open_link(struct link *link, unsigned index)
{
	struct log_object object = log_object("dns", link->name);
	bool is_one_open = false;

	for (unsigned i = 0; i < FAMILIES; i++)
		is_one_open |= open_family(link, i, index);
	if (is_one_open) {
		link->index = index;
		link->said_errno = 0;
		log_info(object.text, "is asked for .local names");
		return;
	}
	if (link->said_errno != errno)
		log_error(object.text, "cannot speak multicast DNS: %s", strerror(errno));
	link->said_errno = errno;
	close_link(link);
}

void mdns_links_look(struct mdns_links *links)
{
	bool has_changed = links->n_looks++ % NETS_EACH == 0;

	for (unsigned i = 0; i < links->n; i++) {
		struct link *link = &links->list[i];
		unsigned index = if_nametoindex(link->name);

		if (link->index == index)
			continue;
		has_changed = true;
		close_link(link);
		if (index != 0)
			open_link(link, index);
	}
	if (has_changed)
		mdns_nets_read(&links->nets, is_open_link, links);
}

// --- which ---

// Sockets point at their place: it stays where it is.
static struct link *find(struct mdns_links *links, const char *name)
{
	for (unsigned i = 0; i < links->n; i++)
		if (strcmp(links->list[i].name, name) == 0)
			return &links->list[i];
	return NULL;
}

bool mdns_links_set(struct mdns_links *links, const char *const *names, unsigned n)
{
	bool is_same = n == links->n;

	for (unsigned i = 0; i < n && is_same; i++)
		is_same = find(links, names[i]) != NULL;
	if (is_same)
		return false;
	for (unsigned i = 0; i < links->n; i++)
		close_link(&links->list[i]);
	links->n = 0;
	for (unsigned i = 0; i < n && i < CFG_DNS_MDNS_MAX; i++) {
		struct link *link = &links->list[links->n];

		if (find(links, names[i]) != NULL)
			continue;
		*link = (struct link){.links = links};
		snprintf(link->name, sizeof(link->name), "%s", names[i]);
		links->n++;
	}
	links->n_looks = 0;
	mdns_links_look(links);
	return true;
}

struct mdns_links *mdns_links_new(
	struct event_base *base, struct dns_stats *stats, mdns_receive_fn fn, void *ctx)
{
	struct mdns_links *links = calloc(1, sizeof(*links));

	if (links == NULL)
		return NULL;
	links->base = base;
	links->stats = stats;
	links->fn = fn;
	links->ctx = ctx;
	return links;
}

void mdns_links_free(struct mdns_links *links)
{
	if (links == NULL)
		return;
	for (unsigned i = 0; i < links->n; i++)
		close_link(&links->list[i]);
	free(links);
}

// --- sending ---

void mdns_links_send(const struct mdns_links *links, const uint8_t *bytes, size_t n)
{
	struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};

	memcpy(&to4.sin_addr, group4, sizeof(group4));
	memcpy(&to6.sin6_addr, group6, sizeof(group6));
	for (unsigned i = 0; i < links->n; i++) {
		const struct link *link = &links->list[i];

		to6.sin6_scope_id = link->index;
		// a family without an address does not send, the other one does
		if (link->events[0] != NULL)
			sendto(link->fds[0], bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL,
				(struct sockaddr *)&to4, sizeof(to4));
		if (link->events[1] != NULL)
			sendto(link->fds[1], bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL,
				(struct sockaddr *)&to6, sizeof(to6));
	}
}
