// SPDX-License-Identifier: BSD-3-Clause
#include "control/neighbour_limits.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <string.h>
#include <sys/socket.h>

#include "cfg/base/log.h"
#include "control/neighbour_table.h"

// Above gc_thresh3 the kernel takes no neighbour more; above gc_thresh2 it throws out, every 5 s,
// those that nobody confirmed lately. gc_thresh1 only says from when on it forgets the idle.
enum {
	THRESH3_DEFAULT = 1024,
	THRESH3_NEEDED = 2 * NEIGHBOURS_KERNEL_MAX,
	THRESH2_NEEDED = THRESH3_NEEDED / 4 * 3,
};

struct table {
	unsigned char family;
	const char *name;
	uint32_t thresh2, thresh3;
};

static int on_table(struct nl_msg *told, void *ctx)
{
	struct nlmsghdr *message = nlmsg_hdr(told);
	struct nlattr *attrs[NDTA_MAX + 1];
	struct table *table = ctx;

	// The same type of message tells of each device's parameters, without thresholds.
	if (message->nlmsg_type != RTM_NEWNEIGHTBL ||
		nlmsg_parse(message, sizeof(struct ndtmsg), attrs, NDTA_MAX, NULL) < 0 ||
		attrs[NDTA_NAME] == NULL || nla_strcmp(attrs[NDTA_NAME], table->name) != 0 ||
		attrs[NDTA_THRESH2] == NULL || attrs[NDTA_THRESH3] == NULL)
		return NL_OK;
	table->thresh2 = nla_get_u32(attrs[NDTA_THRESH2]);
	table->thresh3 = nla_get_u32(attrs[NDTA_THRESH3]);
	return NL_OK;
}

// By netlink, since /proc shows them in the first network namespace only.
static struct table read_table(unsigned char family)
{
	struct ndtmsg body = {.ndtm_family = family};
	struct table table = {.family = family,
		.name = family == AF_INET ? "arp_cache" : "ndisc_cache",
		.thresh3 = THRESH3_DEFAULT};
	struct nl_sock *socket = nl_socket_alloc();

	if (socket != NULL && nl_connect(socket, NETLINK_ROUTE) == 0) {
		nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_table, &table);
		if (nl_send_simple(socket, RTM_GETNEIGHTBL, NLM_F_DUMP, &body, sizeof(body)) >= 0)
			nl_recvmsgs_default(socket);
	}
	nl_socket_free(socket);
	return table;
}

static int write_table(struct netlink *netlink, const struct table *table)
{
	struct ndtmsg body = {.ndtm_family = table->family};
	struct nl_msg *message = nlmsg_alloc_simple(RTM_SETNEIGHTBL, NLM_F_REPLACE);

	if (message == NULL)
		return -NLE_NOMEM;
	if (nlmsg_append(message, &body, sizeof(body), NLMSG_ALIGNTO) < 0 ||
		nla_put_string(message, NDTA_NAME, table->name) < 0 ||
		nla_put_u32(message, NDTA_THRESH2, table->thresh2) < 0 ||
		nla_put_u32(message, NDTA_THRESH3, table->thresh3) < 0) {
		nlmsg_free(message);
		return -NLE_NOMEM;
	}
	return nl_send_sync(netlink_requests(netlink), message); // frees it
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static void raise_one(struct neighbour_limit *limit, struct netlink *netlink, unsigned char family)
{
	struct table now = read_table(family), wanted = now;

	wanted.thresh2 = larger(now.thresh2, THRESH2_NEEDED);
	wanted.thresh3 = larger(now.thresh3, THRESH3_NEEDED);
	*limit = (struct neighbour_limit){
		.thresh2_before = now.thresh2, .thresh3_before = now.thresh3};
	if ((wanted.thresh2 != now.thresh2 || wanted.thresh3 != now.thresh3) &&
		write_table(netlink, &wanted) == 0) {
		limit->is_raised = true;
		now = wanted;
	}
	// Three quarters of what the kernel's table holds, so that its own traffic finds room.
	limit->max = now.thresh3 / 4 * 3;
	if (limit->max > NEIGHBOURS_KERNEL_MAX)
		limit->max = NEIGHBOURS_KERNEL_MAX;
}

void neighbour_limits_raise(struct neighbour_limits *limits, struct netlink *netlink)
{
	raise_one(&limits->ip4, netlink, AF_INET);
	raise_one(&limits->ip6, netlink, AF_INET6);
	if (limits->ip4.max == NEIGHBOURS_KERNEL_MAX && limits->ip6.max == NEIGHBOURS_KERNEL_MAX)
		return;
	log_warning("control",
		"the kernel has room for %u IPv4 and %u IPv6 neighbours of ours and lets us make "
		"no more: for %d of each set net.ipv4.neigh.default.gc_thresh2=%d and gc_thresh3=%d"
		", and the same of net.ipv6, in the machine's first network namespace",
		limits->ip4.max, limits->ip6.max, NEIGHBOURS_KERNEL_MAX, THRESH2_NEEDED,
		THRESH3_NEEDED);
}

static void give_back_one(
	struct neighbour_limit *limit, struct netlink *netlink, unsigned char family)
{
	struct table now = read_table(family), before = now;

	before.thresh2 = limit->thresh2_before;
	before.thresh3 = limit->thresh3_before;
	limit->is_raised = false;
	if (now.thresh2 == larger(before.thresh2, THRESH2_NEEDED) &&
		now.thresh3 == larger(before.thresh3, THRESH3_NEEDED) &&
		write_table(netlink, &before) != 0)
		log_warning("control",
			"cannot set net.%s.neigh.default.gc_thresh2 and 3 back to %u and %u",
			family == AF_INET ? "ipv4" : "ipv6", before.thresh2, before.thresh3);
}

void neighbour_limits_give_back(struct neighbour_limits *limits, struct netlink *netlink)
{
	if (limits->ip4.is_raised)
		give_back_one(&limits->ip4, netlink, AF_INET);
	if (limits->ip6.is_raised)
		give_back_one(&limits->ip6, netlink, AF_INET6);
}
