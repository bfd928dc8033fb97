// SPDX-License-Identifier: BSD-3-Clause
#include "control/static_routes.h"

#include <linux/rtnetlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cfg/base/log.h"
#include "control/egress.h"

enum { INSTANCES_MAX = 16 }; // in one network namespace

static struct nl_addr *addr_of(const struct ip_addr *addr, uint8_t len)
{
	int family = addr->family == IP_V4 ? AF_INET : AF_INET6;
	struct nl_addr *to = nl_addr_build(family, addr->bytes, ip_family_bits(addr->family) / 8);

	if (to != NULL)
		nl_addr_set_prefixlen(to, len);
	return to;
}

static uint8_t type_of(enum cfg_route_kind kind)
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

// The kernel's form of a route of the config; `interfaces` may be NULL when nexthops do not matter.
static struct rtnl_route *build(const struct config *config, const struct interfaces *interfaces,
	const struct cfg_route *from)
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
	rtnl_route_set_type(route, type_of(from->kind));
	rtnl_route_set_priority(route, from->metric);
	rtnl_route_set_scope(route, RT_SCOPE_UNIVERSE);
	if (from->kind != CFG_ROUTE_UNICAST || interfaces == NULL)
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

static int install_one(const struct config *config, const struct interfaces *interfaces,
	struct netlink *netlink, const struct cfg_route *from)
{
	struct rtnl_route *route = build(config, interfaces, from);
	int rc;

	if (route == NULL)
		return -NLE_NOMEM;
	rc = rtnl_route_add(netlink_requests(netlink), route, NLM_F_CREATE | NLM_F_REPLACE);
	rtnl_route_put(route);
	return rc;
}

int static_routes_install(const struct config *config, const struct interfaces *interfaces,
	struct netlink *netlink, struct error *err)
{
	for (unsigned i = 0; i < config->n_routes; i++) {
		const struct cfg_route *route = &config->routes[i];
		char text[ADDR_STR_BYTES];
		int rc = install_one(config, interfaces, netlink, route);

		if (rc >= 0)
			continue;
		error_set(err, "the kernel does not take the route to %s: %s",
			ip_prefix_str(&route->to, text), nl_geterror(rc));
		err->file = config->file;
		err->line = route->place.line;
		err->column = route->place.column;
		return -1;
	}
	return 0;
}

void static_routes_remove(const struct config *config, struct netlink *netlink)
{
	for (unsigned i = 0; i < config->n_routes; i++) {
		struct rtnl_route *route;

		if (config->routes[i].kind == CFG_ROUTE_UNICAST)
			continue;
		route = build(config, NULL, &config->routes[i]);
		if (route != NULL)
			rtnl_route_delete(netlink_requests(netlink), route, 0);
		rtnl_route_put(route);
	}
}

// --- leftovers ---

// Abstract addresses belong to a network namespace and end with their socket: just what it takes
// to know who else lives here. -1: taken.
static int claim_name(unsigned i)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int len = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "millraced/%u", i);

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&addr,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

// A dumped route is deleted by sending it back as the description of what to delete.
static int delete_leftover(struct nl_msg *told, void *ctx)
{
	const struct rtmsg *route = nlmsg_data(nlmsg_hdr(told));
	struct netlink *netlink = ctx;
	struct nl_msg *request;

	if (!nlmsg_valid_hdr(nlmsg_hdr(told), sizeof(*route)) ||
		nlmsg_hdr(told)->nlmsg_type != RTM_NEWROUTE ||
		route->rtm_protocol != STATIC_ROUTES_PROTOCOL || route->rtm_type == RTN_UNICAST)
		return NL_OK;
	request = nlmsg_convert(nlmsg_hdr(told));
	if (request == NULL)
		return NL_OK;
	nlmsg_hdr(request)->nlmsg_type = RTM_DELROUTE;
	nlmsg_hdr(request)->nlmsg_flags = NLM_F_REQUEST;
	nlmsg_hdr(request)->nlmsg_seq = NL_AUTO_SEQ;
	nlmsg_hdr(request)->nlmsg_pid = NL_AUTO_PORT;
	if (nl_send_sync(netlink_requests(netlink), request) == 0) // frees the request
		log_info("control", "removed a route that an earlier instance left behind");
	return NL_OK;
}

static void remove_leftovers(struct netlink *netlink)
{
	static const unsigned char families[] = {AF_INET, AF_INET6};
	struct nl_sock *dump = nl_socket_alloc();
	int on = 1;

	if (dump == NULL || nl_connect(dump, NETLINK_ROUTE) < 0) {
		nl_socket_free(dump);
		return;
	}
	// The kernel then sorts out those of our protocol: there may be a million others.
	setsockopt(nl_socket_get_fd(dump), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	nl_socket_modify_cb(dump, NL_CB_VALID, NL_CB_CUSTOM, delete_leftover, netlink);
	for (size_t i = 0; i < sizeof(families); i++) {
		struct rtmsg filter = {
			.rtm_family = families[i], .rtm_protocol = STATIC_ROUTES_PROTOCOL};

		if (nl_send_simple(dump, RTM_GETROUTE, NLM_F_DUMP, &filter, sizeof(filter)) >= 0)
			nl_recvmsgs_default(dump);
	}
	nl_socket_free(dump);
}

int static_routes_claim(struct netlink *netlink)
{
	int ours = -1;
	bool is_alone = true;

	for (unsigned i = 0; i < INSTANCES_MAX; i++) {
		int fd = claim_name(i);

		if (fd < 0)
			is_alone = false;
		else if (ours < 0)
			ours = fd;
		else
			close(fd);
	}
	if (is_alone)
		remove_leftovers(netlink);
	return ours;
}
