// SPDX-License-Identifier: BSD-3-Clause
#include "control/route_dump.h"

#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <sys/socket.h>

struct dump {
	route_dump_fn fn;
	void *ctx;
};

static int on_message(struct nl_msg *told, void *ctx)
{
	const struct dump *dump = ctx;
	struct nlmsghdr *message = nlmsg_hdr(told);

	if (nlmsg_valid_hdr(message, sizeof(struct rtmsg)) && message->nlmsg_type == RTM_NEWROUTE)
		dump->fn(dump->ctx, message);
	return NL_OK;
}

void route_dump(unsigned char family, uint8_t protocol, route_dump_fn fn, void *ctx)
{
	struct rtmsg filter = {
		.rtm_family = family, .rtm_protocol = protocol, .rtm_table = RT_TABLE_MAIN};
	struct dump dump = {fn, ctx};
	struct nl_sock *socket = nl_socket_alloc();
	int on = 1;

	if (socket == NULL || nl_connect(socket, NETLINK_ROUTE) < 0) {
		nl_socket_free(socket);
		return;
	}
	// The kernel then sorts out what was not asked for: there may be a million of them.
	setsockopt(nl_socket_get_fd(socket), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_message, &dump);
	if (nl_send_simple(socket, RTM_GETROUTE, NLM_F_DUMP, &filter, sizeof(filter)) >= 0)
		nl_recvmsgs_default(socket);
	nl_socket_free(socket);
}
