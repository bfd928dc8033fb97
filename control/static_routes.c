// SPDX-License-Identifier: BSD-3-Clause
#include "control/static_routes.h"

#include <linux/rtnetlink.h>
#include <netlink/route/route.h>
#include <string.h>

#include "cfg/base/log.h"
#include "control/egress.h"
#include "control/occupant.h"
#include "control/static_route.h"

enum { METRICS_TRIED = 8 };

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
		.type = static_route_type(from->kind),
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
	struct rtnl_route *route = static_route_build(config, interfaces, from);
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
		route = static_route_build(config, interfaces, &config->routes[i]);
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
		.type = static_route_type(route->kind),
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
		new = static_route_build(as_config, interfaces, route);
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
	struct rtnl_route *old = static_route_build(as_config, interfaces, route);
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
