// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_binding.h"

#include <linux/rtnetlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include "cfg/base/log.h"
#include "control/addresses.h"

// RFC 8200 5: Linux takes IPv6 away from a device with less, and a provider that means it is rare:
// most who say 576 have never looked.
enum { MTU_LEAST = 1280 };

static struct log_object object_of(const struct interface *interface)
{
	return log_object("dhcp", interface->config->name);
}

// --- routes ---

static struct nl_addr *nl_addr_of(const struct ip_addr *addr, uint8_t len)
{
	struct nl_addr *to = nl_addr_build(AF_INET, addr->v4, sizeof(addr->v4));

	if (to != NULL)
		nl_addr_set_prefixlen(to, len);
	return to;
}

static int add_nexthop(struct rtnl_route *route, const struct interface *interface,
	const struct dhcp4_grant *grant, const struct ip_addr *via)
{
	struct rtnl_nexthop *nexthop = rtnl_route_nh_alloc();
	struct nl_addr *gateway;

	if (nexthop == NULL)
		return -NLE_NOMEM;
	rtnl_route_nh_set_ifindex(nexthop, interface->tap.ifindex);
	if (via->family != IP_NONE) {
		gateway = nl_addr_of(via, 32);
		if (gateway == NULL) {
			rtnl_route_nh_free(nexthop);
			return -NLE_NOMEM;
		}
		rtnl_route_nh_set_gateway(nexthop, gateway);
		nl_addr_put(gateway);
		// RFC 3442: it may be outside of the subnet, of a mask of all ones for one
		if (!ip_prefix_contains(&grant->addr, via))
			rtnl_route_nh_set_flags(nexthop, RTNH_F_ONLINK);
	}
	rtnl_route_add_nexthop(route, nexthop);
	return 0;
}

// The kernel's form of it, from our new address, or NULL.
static struct rtnl_route *build(const struct interface *interface, const struct dhcp4_grant *grant,
	const struct dhcp4_grant_route *from, uint32_t metric)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct nl_addr *to = nl_addr_of(&from->to.addr, from->to.len);
	struct nl_addr *source = nl_addr_of(&grant->addr.addr, 32);
	int rc = -NLE_NOMEM;

	if (route != NULL && to != NULL && source != NULL) {
		rtnl_route_set_table(route, RT_TABLE_MAIN);
		rtnl_route_set_protocol(route, RTPROT_DHCP);
		rtnl_route_set_type(route, RTN_UNICAST);
		rtnl_route_set_priority(route, metric + from->preference);
		rtnl_route_set_scope(
			route, from->via.family == IP_NONE ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
		rc = rtnl_route_set_dst(route, to);
		if (rc == 0)
			rc = rtnl_route_set_pref_src(route, source);
		if (rc == 0)
			rc = add_nexthop(route, interface, grant, &from->via);
	}
	nl_addr_put(to);
	nl_addr_put(source);
	if (rc == 0)
		return route;
	rtnl_route_put(route);
	return NULL;
}

// Of one prefix and metric the kernel has one.
static bool has_place_of(
	const struct dhcp4_binding *binding, const struct dhcp4_grant_route *route, uint32_t metric)
{
	const struct dhcp4_grant *grant = &binding->grant;

	if (!binding->is_there || !binding->wishes.uses_routes)
		return false;
	for (unsigned i = 0; i < grant->n_routes; i++)
		if (binding->wishes.metric + grant->routes[i].preference ==
				metric + route->preference &&
			grant->routes[i].to.len == route->to.len &&
			ip_addr_equal(&grant->routes[i].to.addr, &route->to.addr))
			return true;
	return false;
}

// A route of the machine's own is not replaced: ours goes before it.
static int put(struct netlink *netlink, struct rtnl_route *route, bool is_ours, bool *is_beside)
{
	struct nl_sock *socket = netlink_requests(netlink);
	int rc;

	if (is_ours)
		return rtnl_route_add(socket, route, NLM_F_CREATE | NLM_F_REPLACE);
	rc = rtnl_route_add(socket, route, NLM_F_CREATE | NLM_F_EXCL);
	if (rc != -NLE_EXIST)
		return rc;
	*is_beside = true;
	rc = rtnl_route_add(socket, route, NLM_F_CREATE);
	return rc == -NLE_EXIST ? 0 : rc;
}

static void add_routes(const struct dhcp4_binding *before, const struct interface *interface,
	struct netlink *netlink, const struct dhcp4_grant *grant, uint32_t metric)
{
	char text[ADDR_STR_BYTES];

	for (unsigned i = 0; i < grant->n_routes; i++) {
		const struct dhcp4_grant_route *from = &grant->routes[i];
		struct rtnl_route *route = build(interface, grant, from, metric);
		bool is_beside = false;
		int rc = route == NULL ? -NLE_NOMEM
				       : put(netlink, route, has_place_of(before, from, metric),
						 &is_beside);

		rtnl_route_put(route);
		if (rc < 0)
			log_warning(object_of(interface).text,
				"the kernel does not take the route to %s: %s",
				ip_prefix_str(&from->to, text), nl_geterror(rc));
		else if (is_beside)
			log_warning(object_of(interface).text,
				"the machine has a route to %s of the same metric: the "
				"server's goes before it",
				ip_prefix_str(&from->to, text));
	}
}

// Those of `gone` that `now` has not taken the place of.
static void remove_routes(const struct dhcp4_binding *gone, const struct dhcp4_binding *now,
	const struct interface *interface, struct netlink *netlink)
{
	const struct dhcp4_grant *grant = &gone->grant;

	for (unsigned i = 0; i < grant->n_routes && gone->wishes.uses_routes; i++) {
		struct rtnl_route *route;

		if (has_place_of(now, &grant->routes[i], gone->wishes.metric))
			continue;
		route = build(interface, grant, &grant->routes[i], gone->wishes.metric);
		// it may have gone with its address, or with the device
		if (route != NULL)
			rtnl_route_delete(netlink_requests(netlink), route, 0);
		rtnl_route_put(route);
	}
}

// --- MTU ---

static void set_mtu(struct dhcp4_binding *binding, const struct interface *interface,
	struct netlink *netlink, uint16_t mtu)
{
	uint16_t port_mtu = port_info(interface->port)->mtu;
	bool is_wanted = binding->wishes.uses_mtu && mtu >= MTU_LEAST && mtu < port_mtu;

	if (mtu != 0 && !is_wanted && mtu < MTU_LEAST && binding->wishes.uses_mtu)
		log_warning(object_of(interface).text, "an MTU of %u is not used: IPv6 needs %d",
			mtu, MTU_LEAST);
	if (!is_wanted && !binding->has_mtu)
		return;
	if (interface->mtu != (is_wanted ? mtu : port_mtu) &&
		tap_set_mtu(&interface->tap, netlink, is_wanted ? mtu : port_mtu) != 0)
		log_warning(object_of(interface).text, "the kernel does not take an MTU of %u",
			is_wanted ? mtu : port_mtu);
	binding->has_mtu = is_wanted;
}

// --- all of it ---

static void add_address(const struct interface *interface, struct netlink *netlink,
	const struct dhcp4_grant *grant, uint32_t for_sec)
{
	struct error err = {0};

	if (addresses_add_for(interface, netlink, &grant->addr, for_sec, &err) != 0)
		log_error(object_of(interface).text, "%s", err.text);
}

static bool is_of_config(const struct interface *interface, const struct ip_prefix *prefix)
{
	const struct cfg_interface *config = interface->config;

	for (unsigned i = 0; i < config->n_addresses; i++)
		if (config->addresses[i].len == prefix->len &&
			ip_addr_equal(&config->addresses[i].addr, &prefix->addr))
			return true;
	return false;
}

// One that the file has as well stays, without an end.
static void remove_address(
	const struct interface *interface, struct netlink *netlink, const struct dhcp4_grant *grant)
{
	struct error err = {0};
	int rc = is_of_config(interface, &grant->addr)
			 ? addresses_add_for(
				   interface, netlink, &grant->addr, ADDRESSES_FOREVER, &err)
			 : addresses_remove(interface, netlink, &grant->addr, &err);

	if (rc != 0)
		log_error(object_of(interface).text, "%s", err.text);
}

void dhcp4_binding_set(struct dhcp4_binding *binding, const struct interface *interface,
	struct netlink *netlink, const struct dhcp4_grant *grant, uint32_t for_sec,
	const struct dhcp4_binding_wishes *wishes)
{
	struct dhcp4_binding before = *binding;

	binding->is_there = true;
	binding->grant = *grant;
	binding->wishes = *wishes;
	add_address(interface, netlink, grant, for_sec);
	if (wishes->uses_routes)
		add_routes(&before, interface, netlink, grant, wishes->metric);
	if (before.is_there) {
		remove_routes(&before, binding, interface, netlink);
		if (!dhcp4_grant_is_same_address(&before.grant, grant))
			remove_address(interface, netlink, &before.grant);
	}
	set_mtu(binding, interface, netlink, grant->mtu);
}

void dhcp4_binding_repair(struct dhcp4_binding *binding, const struct interface *interface,
	struct netlink *netlink, uint32_t for_sec)
{
	if (!binding->is_there || interface->is_gone)
		return;
	add_address(interface, netlink, &binding->grant, for_sec);
	if (binding->wishes.uses_routes && interface->is_admin_up)
		add_routes(binding, interface, netlink, &binding->grant, binding->wishes.metric);
	set_mtu(binding, interface, netlink, binding->grant.mtu);
}

void dhcp4_binding_clear(
	struct dhcp4_binding *binding, const struct interface *interface, struct netlink *netlink)
{
	static const struct dhcp4_binding none;
	struct dhcp4_binding before = *binding;

	if (!before.is_there)
		return;
	binding->is_there = false;
	set_mtu(binding, interface, netlink, 0);
	remove_routes(&before, &none, interface, netlink);
	remove_address(interface, netlink, &before.grant);
}
