// SPDX-License-Identifier: BSD-3-Clause
// rtnetlink on the event loop (RFC 3549). One socket hears every change and also carries the
// dumps, so that news and inventory arrive in one order; a second one makes requests and waits
// for their answer. When news were lost (ENOBUFS) everything is dumped anew. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "cfg/base/error.h"

enum netlink_topic {
	NETLINK_LINKS = 0,
	NETLINK_ADDRESSES,
	NETLINK_ROUTES,
	NETLINK_NEIGHBOURS,
	NETLINK_TOPICS,
};

// Any of them may be NULL.
struct netlink_handler {
	void (*message)(void *ctx, const struct nlmsghdr *message);
	void (*sync_start)(void *ctx); // a full dump begins
	void (*sync_end)(void *ctx);   // what it did not tell of does not exist
	void (*batch_end)(void *ctx);  // nothing more to read for now
	// A netlink_send of this topic was refused: the request and its errno.
	void (*refused)(void *ctx, const struct nlmsghdr *request, int error);
	void *ctx;
};

struct netlink;

struct netlink *netlink_new(struct event_base *base, struct error *err);
void netlink_free(struct netlink *netlink);

// Copied. Set before the first sync.
void netlink_handle(
	struct netlink *netlink, enum netlink_topic topic, const struct netlink_handler *handler);

// Forgets the news that have come so far: whoever dumps next learns the outcome.
void netlink_discard(struct netlink *netlink);
// Asks for a full dump, which arrives from the loop; several requests at a time are one.
void netlink_sync(struct netlink *netlink, enum netlink_topic topic);
// Reads until no dump is under way. 0 or -ETIMEDOUT, or what the socket says.
int netlink_wait(struct netlink *netlink, unsigned timeout_ms);

// Takes in the news that are there now, instead of at the loop's next turn. Not from a handler.
void netlink_catch_up(struct netlink *netlink);

// The socket for libnl's functions that send and wait, such as rtnl_route_add.
struct nl_sock *netlink_requests(struct netlink *netlink);
// Sends without waiting; the kernel answers only when it refuses. 0 or -errno.
int netlink_send(struct netlink *netlink, struct nl_msg *message);
