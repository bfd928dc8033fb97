// SPDX-License-Identifier: BSD-3-Clause
#include "control/uplink/uplink_ways.h"

#include <string.h>

#include "cfg/base/log.h"
#include "control/uplink/uplink_metric.h"
#include "control/uplink/uplink_routes.h"

enum { ROUTES_MAX = 32 }; // that are looked through for one to everywhere

static const uint8_t families[] = {IP_V4, IP_V6};

static bool find_way(const struct uplink *u, const struct interface *interface, unsigned f,
	struct uplink_way *way)
{
	const struct ip_addr any = {.family = families[f]};
	struct rib_found found[ROUTES_MAX];
	unsigned n;

	*way = (struct uplink_way){.ifindex = interface->tap.ifindex, .shares = 1};
	for (unsigned i = 0; i < u->config.n_via; i++)
		if (u->config.via[i].family == families[f]) {
			way->via = u->config.via[i];
			return true;
		}
	n = rib_find(u->router->rib, &any, found, ROUTES_MAX);
	for (unsigned i = 0; i < n; i++) {
		const struct dp_route *route = &found[i].route.route;

		if (route->to.len > 0 || route->kind != DP_ROUTE_UNICAST ||
			found[i].route.protocol == UPLINK_ROUTES_PROTOCOL)
			continue;
		for (unsigned k = 0; k < route->n_nexthops; k++)
			if (route->nexthops[k].interface == interface->id) {
				way->via = route->nexthops[k].via;
				return true;
			}
	}
	return false;
}

static bool is_same_way(const struct uplink_way *a, const struct uplink_way *b)
{
	return a->ifindex == b->ifindex && a->via.family == b->via.family &&
	       (a->via.family == IP_NONE || ip_addr_equal(&a->via, &b->via));
}

// The workers may have forgotten it with the interface: its id may be another's.
static void tell_workers(struct uplink *u, const struct interface *interface, unsigned f)
{
	int id = interface == NULL || !u->has_way[f] ? -1 : interface->id;
	struct dp_nexthop nexthop = {.interface = id, .via = u->ways[f].via};

	if (u->reply_id[f] >= 0 && u->reply_id[f] != id)
		dataplane_reply_way_set(u->router->dp, u->reply_id[f], families[f], NULL);
	if (id >= 0 && dataplane_reply_way_set(u->router->dp, id, families[f], &nexthop) != 0)
		id = -1;
	u->reply_id[f] = id;
	dataplane_routes_commit(u->router->dp);
}

static void set_way(struct uplink *u, const struct interface *interface, unsigned f)
{
	struct netlink *netlink = u->router->netlink;
	struct uplink_way way = {0};
	bool has_way =
		interface != NULL && interface->is_admin_up && find_way(u, interface, f, &way);
	bool wants_spare = has_way && u->config.n_via > 0;
	int rc;

	if (has_way == u->has_way[f] && wants_spare == u->has_spare[f] &&
		(!has_way || is_same_way(&way, &u->ways[f])))
		return;
	rc = uplink_routes_own(netlink, families[f], u->number, has_way ? &way : NULL, wants_spare);
	if (rc < 0 && has_way) {
		log_warning(log_object("uplink", u->name).text,
			"the kernel does not take its route: %s", nl_geterror(rc));
		return; // once more at the next turn
	}
	u->has_way[f] = has_way;
	u->has_spare[f] = wants_spare;
	u->ways[f] = way;
	tell_workers(u, interface, f);
}

static bool is_among(const struct ip_addr *list, unsigned n, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < n; i++)
		if (ip_addr_equal(&list[i], addr))
			return true;
	return false;
}

static void set_rules(struct uplink *u, const struct interface *interface)
{
	struct ip_addr wanted[DP_INTERFACE_ADDRESSES_MAX];
	unsigned n = 0;

	for (unsigned i = 0; interface != NULL && i < interface->n_addresses; i++) {
		const struct ip_addr *addr = &interface->addresses[i].prefix.addr;

		if (u->has_way[addr->family == IP_V6] && !ip_addr_is_link_local(addr) &&
			!is_among(wanted, n, addr))
			wanted[n++] = *addr;
	}
	for (unsigned i = 0; i < n; i++)
		if (!is_among(u->ruled, u->n_ruled, &wanted[i]))
			uplink_routes_rule(u->router->netlink, u->number, &wanted[i], true);
	for (unsigned i = 0; i < u->n_ruled; i++)
		if (!is_among(wanted, n, &u->ruled[i]))
			uplink_routes_rule(u->router->netlink, u->number, &u->ruled[i], false);
	memcpy(u->ruled, wanted, n * sizeof(wanted[0]));
	u->n_ruled = n;
}

void uplink_ways_set(struct uplink *u, const struct interface *interface)
{
	for (unsigned f = 0; f < 2; f++)
		set_way(u, interface, f);
	set_rules(u, interface);
}

void uplink_ways_forget(struct uplink *u)
{
	for (unsigned f = 0; f < 2; f++) {
		if (u->has_way[f])
			uplink_routes_own(
				u->router->netlink, families[f], u->number, NULL, u->has_spare[f]);
		u->has_way[f] = u->has_spare[f] = false;
		tell_workers(u, NULL, f);
	}
	set_rules(u, NULL);
}
