// SPDX-License-Identifier: BSD-3-Clause
#include "control/kernel_card.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

struct answer {
	int ifindex; // of the route; 0: none, or by a gateway
	bool has_card;
	struct mac_addr card;
};

static void read_route(struct nlmsghdr *message, struct answer *out)
{
	struct nlattr *attrs[RTA_MAX + 1];

	if (nlmsg_parse(message, sizeof(struct rtmsg), attrs, RTA_MAX, NULL) == 0 &&
		attrs[RTA_OIF] != NULL &&
		((struct rtmsg *)nlmsg_data(message))->rtm_type == RTN_UNICAST &&
		attrs[RTA_GATEWAY] == NULL && attrs[RTA_VIA] == NULL)
		out->ifindex = (int)nla_get_u32(attrs[RTA_OIF]);
}

static void read_neighbour(struct nlmsghdr *message, struct answer *out)
{
	struct nlattr *attrs[NDA_MAX + 1];

	if (nlmsg_parse(message, sizeof(struct ndmsg), attrs, NDA_MAX, NULL) != 0 ||
		attrs[NDA_LLADDR] == NULL || nla_len(attrs[NDA_LLADDR]) != sizeof(out->card))
		return;
	memcpy(out->card.bytes, nla_data(attrs[NDA_LLADDR]), sizeof(out->card));
	out->has_card = true;
}

static int on_message(struct nl_msg *message, void *ctx)
{
	struct nlmsghdr *header = nlmsg_hdr(message);

	if (header->nlmsg_type == RTM_NEWROUTE)
		read_route(header, ctx);
	else if (header->nlmsg_type == RTM_NEWNEIGH)
		read_neighbour(header, ctx);
	return NL_OK;
}

static bool ask(struct nl_sock *socket, int type, const void *head, size_t head_bytes,
	int attribute, const struct ip_addr *addr)
{
	struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_REQUEST);
	bool is_good;

	if (message == NULL)
		return false;
	is_good = nlmsg_append(message, (void *)head, head_bytes, NLMSG_ALIGNTO) == 0 &&
		  nla_put(message, attribute, (int)ip_family_bits(addr->family) / 8, addr->bytes) ==
			  0 &&
		  nl_send_auto(socket, message) >= 0 && nl_recvmsgs_default(socket) >= 0;
	nlmsg_free(message);
	return is_good;
}

enum dns_hosts_card kernel_card(const struct ip_addr *addr, struct mac_addr *out)
{
	uint8_t family = addr->family == IP_V4 ? AF_INET : AF_INET6;
	struct rtmsg route = {
		.rtm_family = family, .rtm_dst_len = (uint8_t)ip_family_bits(addr->family)};
	struct ndmsg neighbour = {.ndm_family = family};
	struct nl_sock *socket = nl_socket_alloc();
	struct answer answer = {.ifindex = 0};

	if (socket == NULL)
		return DNS_HOSTS_NONE;
	nl_socket_disable_auto_ack(socket);
	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_message, &answer);
	if (nl_connect(socket, NETLINK_ROUTE) == 0 &&
		ask(socket, RTM_GETROUTE, &route, sizeof(route), RTA_DST, addr) &&
		answer.ifindex != 0) {
		neighbour.ndm_ifindex = answer.ifindex;
		ask(socket, RTM_GETNEIGH, &neighbour, sizeof(neighbour), NDA_DST, addr);
	}
	nl_socket_free(socket);
	*out = answer.card;
	if (answer.has_card)
		return DNS_HOSTS_KNOWN;
	return answer.ifindex != 0 ? DNS_HOSTS_NOT_YET : DNS_HOSTS_NONE;
}
