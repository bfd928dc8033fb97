// SPDX-License-Identifier: BSD-3-Clause
#include "control/static_route.h"

#include <linux/rtnetlink.h>
#include <netlink/route/nexthop.h>
#include <sys/socket.h>

#include "control/egress.h"
#include "control/static_routes.h"
#include "control/uplink/uplink_metric.h"

enum { IP6_METRIC_DEFAULT = 1024 };

static struct nl_addr *addr_of(const struct ip_addr *addr, uint8_t len)
{
	int family = addr->family == IP_V4 ? AF_INET : AF_INET6;
	struct nl_addr *to = nl_addr_build(family, addr->bytes, ip_family_bits(addr->family) / 8);

	if (to != NULL)
		nl_addr_set_prefixlen(to, len);
	return to;
}

uint8_t static_route_type(enum cfg_route_kind kind)
{
	switch (kind) {
	case CFG_ROUTE_UNICAST:
		return RTN_UNICAST;
	case CFG_ROUTE_BLACKHOLE:
		return RTN_BLACKHOLE;
	case CFG_ROUTE_UNREACHABLE:
		return RTN_UNREACHABLE;
	case CFG_ROUTE_PROHIBIT:
		return RTN_PROHIBIT;
	}
	return RTN_UNICAST;
}

static int add_nexthop(struct rtnl_route *route, const struct config *config,
	const struct interfaces *interfaces, const struct cfg_nexthop *from)
{
	const struct cfg_interface *egress = egress_of_nexthop(config, from);
	const struct interface *interface =
		egress == NULL ? NULL : interfaces_by_name(interfaces, egress->name);
	struct rtnl_nexthop *to = rtnl_route_nh_alloc();
	struct nl_addr *via;

	if (to == NULL)
		return -NLE_NOMEM;
	if (interface != NULL)
		rtnl_route_nh_set_ifindex(to, interface->tap.ifindex);
	if (from->via.family != IP_NONE) {
		via = addr_of(&from->via, (uint8_t)ip_family_bits(from->via.family));
		if (via == NULL) {
			rtnl_route_nh_free(to);
			return -NLE_NOMEM;
		}
		rtnl_route_nh_set_gateway(to, via);
		nl_addr_put(via);
		// A gateway outside the subnet of its interface is there because the file says so.
		if (from->interface != NULL && egress != NULL &&
			!ip_addr_is_link_local(&from->via) &&
			!egress_has_subnet_of(egress, &from->via))
			rtnl_route_nh_set_flags(to, RTNH_F_ONLINK);
	}
	rtnl_route_add_nexthop(route, to);
	return 0;
}

uint32_t static_routes_metric(const struct cfg_route *route)
{
	uint32_t metric = route->to.addr.family == IP_V6 && route->metric == 0 ? IP6_METRIC_DEFAULT
									       : route->metric;

	return route->is_uplinks ? uplink_metric_behind(metric) : metric;
}

struct rtnl_route *static_route_build(const struct config *config,
	const struct interfaces *interfaces, const struct cfg_route *from)
{
	struct ip_prefix network = ip_prefix_network(&from->to);
	struct rtnl_route *route = rtnl_route_alloc();
	struct nl_addr *to = addr_of(&network.addr, network.len);
	bool is_on_link = true;
	int rc = route == NULL || to == NULL ? -NLE_NOMEM : rtnl_route_set_dst(route, to);

	nl_addr_put(to);
	if (rc < 0) {
		rtnl_route_put(route);
		return NULL;
	}
	rtnl_route_set_table(route, RT_TABLE_MAIN);
	rtnl_route_set_protocol(route, STATIC_ROUTES_PROTOCOL);
	rtnl_route_set_type(route, static_route_type(from->kind));
	rtnl_route_set_priority(route, static_routes_metric(from));
	rtnl_route_set_scope(route, RT_SCOPE_UNIVERSE);
	if (from->kind != CFG_ROUTE_UNICAST)
		return route;
	for (unsigned i = 0; i < from->n_nexthops; i++) {
		is_on_link = is_on_link && from->nexthops[i].via.family == IP_NONE;
		if (add_nexthop(route, config, interfaces, &from->nexthops[i]) < 0) {
			rtnl_route_put(route);
			return NULL;
		}
	}
	// so that other routes' gateways may be found by this one, as ip-route(8) has it
	if (is_on_link)
		rtnl_route_set_scope(route, RT_SCOPE_LINK);
	return route;
}
