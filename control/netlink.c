// SPDX-License-Identifier: BSD-3-Clause
#include "control/netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"

enum {
	EVENTS_BUFFER_BYTES = 64 << 20, // a full BGP table's worth of news may wait here
	RECEIVE_BYTES = 64 << 10,	// the kernel fills 32 KiB at most
	READS_PER_TURN = 64,		// then the rest of the loop has its turn
	CATCH_UP_READS = 4096,		// what floods in meanwhile is for the loop
	INTERRUPTED_MAX = 8,		// dumps repeated because something changed underneath
};

// What a full dump of everything consists of, in the order in which the parts need each other.
static const struct dump_step {
	enum netlink_topic topic;
	uint16_t type;
	uint8_t family;
} dump_steps[] = {
	{NETLINK_LINKS, RTM_GETLINK, AF_UNSPEC},
	{NETLINK_ADDRESSES, RTM_GETADDR, AF_INET},
	{NETLINK_ADDRESSES, RTM_GETADDR, AF_INET6},
	{NETLINK_ROUTES, RTM_GETROUTE, AF_INET},
	{NETLINK_ROUTES, RTM_GETROUTE, AF_INET6},
	{NETLINK_NEIGHBOURS, RTM_GETNEIGH, AF_INET},
	{NETLINK_NEIGHBOURS, RTM_GETNEIGH, AF_INET6},
};

enum { DUMP_STEPS = sizeof(dump_steps) / sizeof(dump_steps[0]) };

struct netlink {
	struct nl_sock *events;
	struct nl_sock *requests;
	struct event *readable;
	struct netlink_handler handlers[NETLINK_TOPICS];
	bool is_wanted[NETLINK_TOPICS];	 // a dump of it is due
	bool is_touched[NETLINK_TOPICS]; // since the last batch_end
	int step;			 // the dump under way, -1: none
	uint32_t step_seq;
	bool was_interrupted;
	unsigned n_interrupted;
	uint8_t buffer[RECEIVE_BYTES];
};

static int topic_of(uint16_t message_type)
{
	switch (message_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return NETLINK_LINKS;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return NETLINK_ADDRESSES;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return NETLINK_ROUTES;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return NETLINK_NEIGHBOURS;
	default:
		return -1;
	}
}

// --- dumps, one step after the other ---

static int send_dump_request(struct netlink *nl, const struct dump_step *step)
{
	struct rtgenmsg body = {.rtgen_family = step->family};
	struct nl_msg *msg = nlmsg_alloc_simple(step->type, NLM_F_REQUEST | NLM_F_DUMP);
	int rc;

	if (msg == NULL)
		return -ENOMEM;
	if (nlmsg_append(msg, &body, sizeof(body), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	rc = nl_send_auto(nl->events, msg);
	nl->step_seq = nlmsg_hdr(msg)->nlmsg_seq;
	nlmsg_free(msg);
	return rc < 0 ? -EIO : 0;
}

static void sync_started(struct netlink *nl, enum netlink_topic topic)
{
	const struct netlink_handler *h = &nl->handlers[topic];

	nl->is_wanted[topic] = false;
	nl->was_interrupted = false;
	if (h->sync_start != NULL)
		h->sync_start(h->ctx);
}

static void sync_ended(struct netlink *nl, enum netlink_topic topic)
{
	const struct netlink_handler *h = &nl->handlers[topic];

	nl->is_touched[topic] = true;
	if (nl->was_interrupted && ++nl->n_interrupted <= INTERRUPTED_MAX) {
		nl->is_wanted[topic] = true;
		return;
	}
	nl->n_interrupted = 0;
	// News lost while the dump ran: the next one, which is due already, knows better.
	if (!nl->is_wanted[topic] && h->sync_end != NULL)
		h->sync_end(h->ctx);
}

// The step after `nl->step`, or the first one of a topic that is due.
static void next_step(struct netlink *nl)
{
	int last = nl->step;
	enum netlink_topic topic;

	if (last >= 0) {
		topic = dump_steps[last].topic;
		if (last + 1 < DUMP_STEPS && dump_steps[last + 1].topic == topic) {
			nl->step = last + 1;
			if (send_dump_request(nl, &dump_steps[nl->step]) == 0)
				return;
			nl->is_wanted[topic] = true;
		}
		sync_ended(nl, topic);
		nl->step = -1;
	}
	for (int i = 0; i < DUMP_STEPS; i++) {
		topic = dump_steps[i].topic;
		if (!nl->is_wanted[topic])
			continue;
		if (send_dump_request(nl, &dump_steps[i]) != 0) {
			log_error(
				"netlink", "cannot ask the kernel for a dump: %s", strerror(errno));
			return; // still due: the next event or request tries again
		}
		nl->step = i;
		sync_started(nl, topic);
		return;
	}
}

void netlink_sync(struct netlink *nl, enum netlink_topic topic)
{
	nl->is_wanted[topic] = true;
	if (nl->step < 0)
		next_step(nl);
}

// --- reading ---

static void news_lost(struct netlink *nl)
{
	log_warning(
		"netlink", "the kernel had more news than we could take; reading everything anew");
	for (int i = 0; i < NETLINK_TOPICS; i++)
		nl->is_wanted[i] = true;
	if (nl->step < 0)
		next_step(nl);
}

static void handle_error(struct netlink *nl, const struct nlmsghdr *message)
{
	const struct nlmsgerr *answer = nlmsg_data(message);
	const struct netlink_handler *h;
	int topic;

	if (!nlmsg_valid_hdr(message, sizeof(*answer)))
		return;
	if (nl->step >= 0 && message->nlmsg_seq == nl->step_seq) {
		// a family that this kernel does not have has nothing to dump
		next_step(nl);
		return;
	}
	topic = topic_of(answer->msg.nlmsg_type);
	// The refused request is quoted whole, unless the message was cut.
	if (answer->error == 0 || topic < 0 || answer->msg.nlmsg_len < sizeof(struct nlmsghdr) ||
		message->nlmsg_len < NLMSG_LENGTH(sizeof(int)) + answer->msg.nlmsg_len)
		return;
	h = &nl->handlers[topic];
	nl->is_touched[topic] = true;
	if (h->refused != NULL)
		h->refused(h->ctx, &answer->msg, -answer->error);
}

static void handle_message(struct netlink *nl, const struct nlmsghdr *message)
{
	bool of_dump = nl->step >= 0 && message->nlmsg_seq == nl->step_seq;
	int topic;

	if (of_dump && (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0)
		nl->was_interrupted = true;
	if (message->nlmsg_type == NLMSG_DONE) {
		if (of_dump)
			next_step(nl);
		return;
	}
	if (message->nlmsg_type == NLMSG_ERROR) {
		handle_error(nl, message);
		return;
	}
	topic = topic_of(message->nlmsg_type);
	if (topic < 0)
		return;
	nl->is_touched[topic] = true;
	if (nl->handlers[topic].message != NULL)
		nl->handlers[topic].message(nl->handlers[topic].ctx, message);
}

// One datagram. False when there is none.
static bool read_one(struct netlink *nl)
{
	struct sockaddr_nl from = {0};
	struct iovec iov = {.iov_base = nl->buffer, .iov_len = sizeof(nl->buffer)};
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
	ssize_t len = recvmsg(nl_socket_get_fd(nl->events), &msg, MSG_DONTWAIT);
	struct nlmsghdr *message = (struct nlmsghdr *)nl->buffer;
	int left = (int)len;

	if (len < 0 && errno == ENOBUFS) {
		news_lost(nl);
		return true;
	}
	if (len <= 0)
		return len < 0 && errno == EINTR;
	if (from.nl_pid != 0)
		return true; // not the kernel
	if ((msg.msg_flags & MSG_TRUNC) != 0) {
		news_lost(nl);
		return true;
	}
	for (; nlmsg_ok(message, left); message = nlmsg_next(message, &left))
		handle_message(nl, message);
	return true;
}

static void end_batch(struct netlink *nl)
{
	for (int i = 0; i < NETLINK_TOPICS; i++) {
		const struct netlink_handler *h = &nl->handlers[i];

		if (nl->is_touched[i] && h->batch_end != NULL)
			h->batch_end(h->ctx);
		nl->is_touched[i] = false;
	}
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct netlink *nl = ctx;

	for (unsigned i = 0; i < READS_PER_TURN && read_one(nl); i++)
		;
	end_batch(nl);
	if (nl->step < 0)
		next_step(nl); // one that could not be asked for before
}

void netlink_discard(struct netlink *nl)
{
	uint8_t byte;

	// a datagram that is longer than the room for it is cut; an ENOBUFS ends with being told
	while (recv(nl_socket_get_fd(nl->events), &byte, sizeof(byte), MSG_DONTWAIT) > 0 ||
		errno == ENOBUFS || errno == EINTR)
		;
}

void netlink_catch_up(struct netlink *nl)
{
	for (unsigned i = 0; i < CATCH_UP_READS && read_one(nl); i++)
		;
	end_batch(nl);
}

int netlink_wait(struct netlink *nl, unsigned timeout_ms)
{
	struct pollfd pfd = {.fd = nl_socket_get_fd(nl->events), .events = POLLIN};
	uint64_t deadline_ms = clock_now_ms() + timeout_ms;

	while (nl->step >= 0) {
		uint64_t now_ms = clock_now_ms();

		if (now_ms >= deadline_ms)
			return -ETIMEDOUT;
		if (poll(&pfd, 1, (int)(deadline_ms - now_ms)) < 0 && errno != EINTR)
			return -errno;
		on_readable(pfd.fd, EV_READ, nl);
	}
	return 0;
}

// --- sending ---

struct nl_sock *netlink_requests(struct netlink *nl)
{
	return nl->requests;
}

int netlink_send(struct netlink *nl, struct nl_msg *message)
{
	int rc = nl_send_auto(nl->events, message);

	return rc < 0 ? -EIO : 0;
}

// --- making and ending ---

static int events_open(struct netlink *nl, struct error *err)
{
	int size = EVENTS_BUFFER_BYTES;
	int rc;

	nl->events = nl_socket_alloc();
	if (nl->events == NULL)
		return error_set(err, "no memory for a netlink socket");
	nl_socket_disable_auto_ack(nl->events);
	rc = nl_connect(nl->events, NETLINK_ROUTE);
	if (rc < 0)
		return error_set(err, "cannot open a netlink socket: %s", nl_geterror(rc));
	// more than net.core.rmem_max; CAP_NET_ADMIN allows it
	if (setsockopt(nl_socket_get_fd(nl->events), SOL_SOCKET, SO_RCVBUFFORCE, &size,
		    sizeof(size)) != 0)
		log_debug("netlink", "no large receive buffer: %s", strerror(errno));
	rc = nl_socket_add_memberships(nl->events, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
		RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEIGH, 0);
	if (rc < 0)
		return error_set(err, "cannot listen to the kernel's news: %s", nl_geterror(rc));
	return 0;
}

static int requests_open(struct netlink *nl, struct error *err)
{
	int rc;

	nl->requests = nl_socket_alloc();
	if (nl->requests == NULL)
		return error_set(err, "no memory for a netlink socket");
	rc = nl_connect(nl->requests, NETLINK_ROUTE);
	if (rc < 0)
		return error_set(err, "cannot open a netlink socket: %s", nl_geterror(rc));
	return 0;
}

struct netlink *netlink_new(struct event_base *base, struct error *err)
{
	struct netlink *nl = calloc(1, sizeof(*nl));

	if (nl == NULL) {
		error_set(err, "no memory for netlink");
		return NULL;
	}
	nl->step = -1;
	if (events_open(nl, err) != 0 || requests_open(nl, err) != 0)
		goto fail;
	nl->readable = event_new(
		base, nl_socket_get_fd(nl->events), EV_READ | EV_PERSIST, on_readable, nl);
	if (nl->readable == NULL || event_add(nl->readable, NULL) != 0) {
		error_set(err, "no memory for netlink's event");
		goto fail;
	}
	return nl;
fail:
	netlink_free(nl);
	return NULL;
}

void netlink_free(struct netlink *nl)
{
	if (nl == NULL)
		return;
	if (nl->readable != NULL)
		event_free(nl->readable);
	nl_socket_free(nl->events);
	nl_socket_free(nl->requests);
	free(nl);
}

void netlink_handle(
	struct netlink *nl, enum netlink_topic topic, const struct netlink_handler *handler)
{
	nl->handlers[topic] = *handler;
}
