// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/live_xdp.h"

#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>

// Of the kernel's Documentation/netlink/specs/netdev.yaml: Debian 12's headers are older.
enum {
	NETDEV_VERSION = 1,
	NETDEV_DEV_GET = 1,
	NETDEV_DEV_IFINDEX = 1,
	NETDEV_DEV_XDP_FEATURES = 3,
	XDP_BASIC = 1 << 0,    // it can drop, pass, send back
	XDP_REDIRECT = 1 << 1, // and hand to a socket
};

static int take_family(struct nl_msg *told, void *ctx)
{
	struct nlattr *id;

	if (!nlmsg_valid_hdr(nlmsg_hdr(told), GENL_HDRLEN))
		return NL_OK;
	id = nlmsg_find_attr(nlmsg_hdr(told), GENL_HDRLEN, CTRL_ATTR_FAMILY_ID);
	if (id != NULL && nla_len(id) >= (int)sizeof(uint16_t))
		*(uint16_t *)ctx = nla_get_u16(id);
	return NL_OK;
}

static int take_card(struct nl_msg *told, void *ctx)
{
	struct live *live = ctx;
	struct nlattr *ifindex, *features;
	char netdev[IF_NAMESIZE];

	if (!nlmsg_valid_hdr(nlmsg_hdr(told), GENL_HDRLEN))
		return NL_OK;
	ifindex = nlmsg_find_attr(nlmsg_hdr(told), GENL_HDRLEN, NETDEV_DEV_IFINDEX);
	features = nlmsg_find_attr(nlmsg_hdr(told), GENL_HDRLEN, NETDEV_DEV_XDP_FEATURES);
	if (ifindex == NULL || features == NULL || nla_len(ifindex) < (int)sizeof(uint32_t) ||
		nla_len(features) < (int)sizeof(uint64_t) ||
		if_indextoname(nla_get_u32(ifindex), netdev) == NULL)
		return NL_OK;
	for (unsigned i = 0; i < live->n_cards; i++) {
		struct live_card *card = &live->cards[i];

		if (strcmp(card->netdev, netdev) != 0)
			continue;
		card->sees_native_xdp = true;
		card->has_native_xdp = (~nla_get_u64(features) & (XDP_BASIC | XDP_REDIRECT)) == 0;
	}
	return NL_OK;
}

static int ask(struct nl_sock *socket, int family, int flags, struct genlmsghdr *head,
	const char *name, int (*take)(struct nl_msg *, void *), void *ctx)
{
	struct nl_msg *message = nlmsg_alloc_simple(family, flags);
	int rc = -NLE_NOMEM;

	if (message != NULL && nlmsg_append(message, head, sizeof(*head), NLMSG_ALIGNTO) == 0 &&
		(name == NULL || nla_put_string(message, CTRL_ATTR_FAMILY_NAME, name) == 0)) {
		nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, take, ctx);
		rc = nl_send_auto(socket, message);
	}
	nlmsg_free(message);
	return rc < 0 ? rc : nl_recvmsgs_default(socket);
}

void live_xdp_look(struct live *live)
{
	struct genlmsghdr find = {.cmd = CTRL_CMD_GETFAMILY, .version = 1};
	struct genlmsghdr dump = {.cmd = NETDEV_DEV_GET, .version = NETDEV_VERSION};
	struct nl_sock *socket = nl_socket_alloc();
	uint16_t family = 0;

	// an error in the place of an answer, as from older kernels, has no acknowledgement behind
	// it
	if (socket != NULL)
		nl_socket_disable_auto_ack(socket);
	if (socket != NULL && nl_connect(socket, NETLINK_GENERIC) == 0 &&
		ask(socket, GENL_ID_CTRL, 0, &find, "netdev", take_family, &family) >= 0 &&
		family != 0)
		(void)ask(socket, family, NLM_F_DUMP, &dump, NULL, take_card, live);
	nl_socket_free(socket);
}
