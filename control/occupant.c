// SPDX-License-Identifier: BSD-3-Clause
#include "control/occupant.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/rtnl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "control/route_dump.h"
#include "control/static_routes.h"

static bool is_tap(const struct interfaces *interfaces, int ifindex)
{
	for (unsigned i = 0; i < interfaces->n; i++)
		if (interfaces->list[i].tap.ifindex == ifindex)
			return true;
	return false;
}

bool occupant_is_to(struct rtnl_route *route, const struct ip_prefix *prefix)
{
	struct nl_addr *to = rtnl_route_get_dst(route);
	unsigned bytes;

	if (to == NULL || nl_addr_get_prefixlen(to) != prefix->len)
		return false;
	bytes = nl_addr_get_len(to); // 0: a default route
	return bytes <= sizeof(prefix->addr.bytes) &&
	       memcmp(nl_addr_get_binary_addr(to), prefix->addr.bytes, bytes) == 0;
}

static bool is_ours(const struct occupant *wanted, struct rtnl_route *route)
{
	struct rtnl_nexthop *nexthop = rtnl_route_nexthop_n(route, 0);

	if (rtnl_route_get_protocol(route) != STATIC_ROUTES_PROTOCOL ||
		rtnl_route_get_type(route) != wanted->type)
		return false;
	return wanted->type != RTN_UNICAST ||
	       (nexthop != NULL && is_tap(wanted->interfaces, rtnl_route_nh_get_ifindex(nexthop)));
}

static void describe(struct rtnl_route *route, char *out, size_t out_bytes)
{
	struct rtnl_nexthop *nexthop = rtnl_route_nexthop_n(route, 0);
	struct nl_addr *via = nexthop == NULL ? NULL : rtnl_route_nh_get_gateway(nexthop);
	char gateway[ADDR_STR_BYTES] = "", device[IF_NAMESIZE] = "?", type[32];

	if (rtnl_route_get_type(route) != RTN_UNICAST || nexthop == NULL) {
		snprintf(out, out_bytes, "%s",
			nl_rtntype2str(rtnl_route_get_type(route), type, sizeof(type)));
		return;
	}
	if (via != NULL)
		nl_addr2str(via, gateway, sizeof(gateway));
	if_indextoname((unsigned)rtnl_route_nh_get_ifindex(nexthop), device);
	snprintf(out, out_bytes, "%s%s%sdev %s", via != NULL ? "via " : "", gateway,
		via != NULL ? " " : "", device);
}

static void look_at(void *ctx, struct nlmsghdr *message)
{
	struct occupant *occupant = ctx;
	struct rtnl_route *route = NULL;

	if (occupant->is_ours || rtnl_route_parse(message, &route) < 0)
		return;
	if (rtnl_route_get_table(route) == RT_TABLE_MAIN && rtnl_route_get_tos(route) == 0 &&
		rtnl_route_get_priority(route) == occupant->metric &&
		occupant_is_to(route, &occupant->to)) {
		occupant->is_ours = is_ours(occupant, route);
		occupant->scope = rtnl_route_get_scope(route);
		if (occupant->text[0] == '\0')
			describe(route, occupant->text, sizeof(occupant->text));
	}
	rtnl_route_put(route);
}

// Those of our protocol first: the kernel finds them among a million others.
void occupant_find(struct occupant *occupant)
{
	unsigned char family = occupant->to.addr.family == IP_V4 ? AF_INET : AF_INET6;

	occupant->is_ours = false;
	occupant->text[0] = '\0';
	route_dump(family, STATIC_ROUTES_PROTOCOL, look_at, occupant);
	if (!occupant->is_ours)
		route_dump(family, RTPROT_UNSPEC, look_at, occupant);
}
