// SPDX-License-Identifier: BSD-3-Clause
#include "control/static_routes.h"

#include <linux/rtnetlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <string.h>
#include <sys/socket.h>

#include "cfg/base/log.h"
#include "control/egress.h"
#include "control/occupant.h"
#include "control/route_dump.h"
#include "control/uplink/uplink_metric.h"

enum {
	IP6_METRIC_DEFAULT = 1024,
	METRICS_TRIED = 8,
};

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

uint32_t static_routes_metric(const struct cfg_route *route)
{
	uint32_t metric = route->to.addr.family == IP_V6 && route->metric == 0 ? IP6_METRIC_DEFAULT
									       : route->metric;

	return route->is_uplinks ? uplink_metric_behind(metric) : metric;
}

// The kernel's form of a route of the config.
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

// --- installing, next to what the machine has already ---
//
// A route of somebody else is never replaced: nobody but its maker could put it back as it was, and
// a router that is killed puts nothing back. Where one of the same prefix and metric is there, ours
// is put before it and goes with its TAP, however the router ends.

// IPv4 takes several routes of one metric, and goes by the first. Among default routes that are
// alike it would choose by which gateway answers: so this one is not of the others' scope.
static int put_before4(struct netlink *netlink, struct rtnl_route *route)
{
	int rc;

	if (rtnl_route_get_scope(route) == RT_SCOPE_UNIVERSE)
		rtnl_route_set_scope(route, RT_SCOPE_SITE);
	rc = rtnl_route_add(netlink_requests(netlink), route, NLM_F_CREATE);
	return rc == -NLE_EXIST ? 0 : rc;
}

static bool is_metric_of_another(
	const struct config *config, const struct cfg_route *route, uint32_t metric)
{
	struct ip_prefix to = ip_prefix_network(&route->to);

	for (unsigned i = 0; i < config->n_routes; i++) {
		struct ip_prefix other = ip_prefix_network(&config->routes[i].to);

		if (&config->routes[i] != route && other.len == to.len &&
			ip_addr_equal(&other.addr, &to.addr) &&
			static_routes_metric(&config->routes[i]) == metric)
			return true;
	}
	return false;
}

// IPv6 would share its flows out among routes of one metric: ours has a lower one, the nearest that
// is free. -NLE_EXIST: none is.
static int put_before6(const struct config *config, struct netlink *netlink, struct occupant *there,
	struct rtnl_route *route, const struct cfg_route *from)
{
	int rc = -NLE_EXIST;

	for (unsigned i = 0; i < METRICS_TRIED && rc == -NLE_EXIST && there->metric > 1; i++) {
		there->metric--;
		if (is_metric_of_another(config, from, there->metric))
			return -NLE_EXIST;
		rtnl_route_set_priority(route, there->metric);
		rc = rtnl_route_add(netlink_requests(netlink), route, NLM_F_CREATE | NLM_F_EXCL);
		if (rc != -NLE_EXIST)
			return rc;
		occupant_find(there);
		if (there->is_ours)
			return rtnl_route_add(
				netlink_requests(netlink), route, NLM_F_CREATE | NLM_F_REPLACE);
	}
	return rc;
}

static int put_beside(const struct config *config, const struct interfaces *interfaces,
	struct netlink *netlink, struct rtnl_route *route, const struct cfg_route *from)
{
	struct occupant there = {
		.interfaces = interfaces,
		.to = ip_prefix_network(&from->to),
		.metric = static_routes_metric(from),
		.type = type_of(from->kind),
	};
	bool is_ip6 = from->to.addr.family == IP_V6;
	char text[ADDR_STR_BYTES], who[sizeof(there.text)];
	int rc;

	occupant_find(&there);
	// It is there since the start, but for nexthops that IPv6 takes out of a route one by one.
	if (there.is_ours)
		return is_ip6 ? rtnl_route_add(netlink_requests(netlink), route,
					NLM_F_CREATE | NLM_F_REPLACE)
			      : 0;
	memcpy(who, there.text, sizeof(who));
	rc = is_ip6 ? put_before6(config, netlink, &there, route, from)
		    : put_before4(netlink, route);
	if (rc >= 0)
		log_warning(log_object("route", ip_prefix_str(&from->to, text)).text,
			"the machine has one of its own (%s): the configured one goes before it "
			"until the router stops",
			who);
	return rc;
}

static int install_one(const struct config *config, const struct interfaces *interfaces,
	struct netlink *netlink, const struct cfg_route *from)
{
	struct rtnl_route *route = build(config, interfaces, from);
	int rc;

	if (route == NULL)
		return -NLE_NOMEM;
	rc = rtnl_route_add(netlink_requests(netlink), route, NLM_F_CREATE | NLM_F_EXCL);
	if (rc == -NLE_EXIST)
		rc = put_beside(config, interfaces, netlink, route, from);
	rtnl_route_put(route);
	return rc;
}

static int refused(
	const struct config *config, const struct cfg_route *route, int rc, struct error *err)
{
	char text[ADDR_STR_BYTES];

	error_set(err, "the kernel does not take the route to %s: %s",
		ip_prefix_str(&route->to, text), nl_geterror(rc));
	config_locate(config, route->place, err);
	return -1;
}

int static_routes_install(const struct config *config, const struct interfaces *interfaces,
	struct netlink *netlink, struct error *err)
{
	for (unsigned i = 0; i < config->n_routes; i++) {
		int rc = install_one(config, interfaces, netlink, &config->routes[i]);

		if (rc < 0)
			return refused(config, &config->routes[i], rc, err);
	}
	return 0;
}

bool static_routes_can_be(const struct config *config, const struct interfaces *interfaces,
	const struct cfg_route *route)
{
	for (unsigned i = 0; i < route->n_nexthops; i++) {
		const struct cfg_interface *egress = egress_of_nexthop(config, &route->nexthops[i]);

		if (egress != NULL && interfaces_by_name(interfaces, egress->name) == NULL)
			return false;
	}
	return true;
}

int static_routes_complete(const struct config *config, const struct interfaces *interfaces,
	struct netlink *netlink, struct error *err)
{
	for (unsigned i = 0; i < config->n_routes; i++) {
		struct rtnl_route *route;
		int rc;

		if (!static_routes_can_be(config, interfaces, &config->routes[i]))
			continue;
		route = build(config, interfaces, &config->routes[i]);
		rc = route == NULL ? -NLE_NOMEM
				   : rtnl_route_add(netlink_requests(netlink), route,
					     NLM_F_CREATE | NLM_F_EXCL);
		rtnl_route_put(route);
		if (rc < 0 && rc != -NLE_EXIST)
			return refused(config, &config->routes[i], rc, err);
	}
	return 0;
}

// --- changing ---

// IPv4's default route that is there beside somebody else's, for which see above.
static bool is_beside(const struct interfaces *interfaces, const struct cfg_route *route)
{
	struct occupant there = {
		.interfaces = interfaces,
		.to = ip_prefix_network(&route->to),
		.metric = static_routes_metric(route),
		.type = type_of(route->kind),
	};

	if (route->to.len > 0)
		return false;
	occupant_find(&there);
	return there.is_ours && there.scope == RT_SCOPE_SITE;
}

// IPv6 changes a route in one step. Of IPv4's of one prefix and metric the first counts: the new
// one is put before the old.
static int put_instead(const struct interfaces *interfaces, struct netlink *netlink,
	struct rtnl_route *route, const struct cfg_route *instead)
{
	int rc;

	if (instead->to.addr.family == IP_V6)
		return rtnl_route_add(
			netlink_requests(netlink), route, NLM_F_CREATE | NLM_F_REPLACE);
	if (is_beside(interfaces, instead))
		return put_before4(netlink, route);
	rc = rtnl_route_add(netlink_requests(netlink), route, NLM_F_CREATE);
	return rc == -NLE_EXIST ? 0 : rc;
}

int static_routes_add(const struct config *as_config, const struct interfaces *interfaces,
	struct netlink *netlink, const struct cfg_route *route, const struct cfg_route *instead,
	struct error *err)
{
	struct rtnl_route *new;
	int rc = -NLE_NOMEM;

	if (instead == NULL) {
		rc = install_one(as_config, interfaces, netlink, route);
	} else {
		new = build(as_config, interfaces, route);
		if (new != NULL)
			rc = put_instead(interfaces, netlink, new, instead);
		rtnl_route_put(new);
	}
	return rc < 0 ? refused(as_config, route, rc, err) : 0;
}

// By protocol and next hops too. An IPv6 one may have made way for somebody else's, to the nearest
// metric that was free.
int static_routes_delete(const struct config *as_config, const struct interfaces *interfaces,
	struct netlink *netlink, const struct cfg_route *route, struct error *err)
{
	struct rtnl_route *old = build(as_config, interfaces, route);
	unsigned tries = route->to.addr.family == IP_V6 ? METRICS_TRIED + 1 : 1;
	uint32_t metric = static_routes_metric(route);
	int rc = old == NULL ? -NLE_NOMEM : -NLE_OBJ_NOTFOUND;
	char text[ADDR_STR_BYTES];

	if (old != NULL)
		rtnl_route_set_scope(old, RT_SCOPE_NOWHERE); // whichever it has
	for (unsigned i = 0; i < tries && rc == -NLE_OBJ_NOTFOUND && metric >= i; i++) {
		rtnl_route_set_priority(old, metric - i);
		rc = rtnl_route_delete(netlink_requests(netlink), old, 0);
	}
	rtnl_route_put(old);
	if (rc >= 0 || rc == -NLE_OBJ_NOTFOUND)
		return 0;
	return error_set(err, "the kernel does not give up the route to %s: %s",
		ip_prefix_str(&route->to, text), nl_geterror(rc));
}

// --- removing ---

struct removal {
	struct netlink *netlink;
	const struct config *config; // only what it says; NULL: all
	unsigned n;
};

static bool is_of(const struct config *config, struct nlmsghdr *message, uint8_t type)
{
	struct rtnl_route *route = NULL;
	bool found = false;

	if (rtnl_route_parse(message, &route) < 0)
		return false;
	for (unsigned i = 0; i < config->n_routes && !found; i++) {
		struct ip_prefix to = ip_prefix_network(&config->routes[i].to);

		found = type_of(config->routes[i].kind) == type && occupant_is_to(route, &to) &&
			rtnl_route_get_family(route) ==
				(to.addr.family == IP_V4 ? AF_INET : AF_INET6);
	}
	rtnl_route_put(route);
	return found;
}

// A dumped route is deleted by sending it back as the description of what to delete.
static void remove_one(void *ctx, struct nlmsghdr *message)
{
	const struct rtmsg *route = nlmsg_data(message);
	struct removal *removal = ctx;
	struct nl_msg *request;

	if (route->rtm_protocol != STATIC_ROUTES_PROTOCOL || route->rtm_type == RTN_UNICAST ||
		(removal->config != NULL && !is_of(removal->config, message, route->rtm_type)))
		return;
	request = nlmsg_convert(message);
	if (request == NULL)
		return;
	nlmsg_hdr(request)->nlmsg_type = RTM_DELROUTE;
	nlmsg_hdr(request)->nlmsg_flags = NLM_F_REQUEST;
	nlmsg_hdr(request)->nlmsg_seq = NL_AUTO_SEQ;
	nlmsg_hdr(request)->nlmsg_pid = NL_AUTO_PORT;
	if (nl_send_sync(netlink_requests(removal->netlink), request) == 0) // frees the request
		removal->n++;
}

static void remove_without_device(struct removal *removal)
{
	route_dump(AF_INET, STATIC_ROUTES_PROTOCOL, remove_one, removal);
	route_dump(AF_INET6, STATIC_ROUTES_PROTOCOL, remove_one, removal);
}

void static_routes_remove(const struct config *config, struct netlink *netlink)
{
	struct removal ours = {.netlink = netlink, .config = config};

	remove_without_device(&ours);
}

void static_routes_remove_leftovers(struct netlink *netlink)
{
	struct removal all = {.netlink = netlink};

	remove_without_device(&all);
	if (all.n > 0)
		log_info("routes", "removed %u route%s that an earlier instance left behind", all.n,
			all.n == 1 ? "" : "s");
}
