// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/gateways.h"

#include <time.h>

#include "cfg/base/clock.h"
#include "control/egress.h"

enum {
	GATEWAYS_MAX = 64, // a router has few, and the other routes' are the same
	WAIT_MS = 100,	   // the loop stands still for so long at most
	TURN_NS = 1000000,
};

struct gateway {
	int interface;
	struct ip_addr addr;
};

struct gateways {
	struct gateway list[GATEWAYS_MAX];
	unsigned n;
};

static void add(struct gateways *gateways, int interface, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < gateways->n; i++)
		if (gateways->list[i].interface == interface &&
			ip_addr_equal(&gateways->list[i].addr, addr))
			return;
	if (gateways->n < GATEWAYS_MAX)
		gateways->list[gateways->n++] = (struct gateway){interface, *addr};
}

static void add_route(struct gateways *gateways, const struct router *router,
	const struct config *after, const struct cfg_route *route)
{
	for (unsigned i = 0; i < route->n_nexthops; i++) {
		const struct cfg_nexthop *nexthop = &route->nexthops[i];
		const struct cfg_interface *egress = egress_of_nexthop(after, nexthop);
		const struct interface *interface =
			egress == NULL ? NULL
				       : interfaces_by_name(&router->interfaces, egress->name);

		if (interface != NULL && nexthop->via.family != IP_NONE &&
			interface_is_up(interface))
			add(gateways, interface->id, &nexthop->via);
	}
}

// Asks for those that nobody knows, and counts those that are still to answer.
static unsigned ask(struct router *router, const struct gateways *gateways, bool is_first)
{
	unsigned n = 0;

	for (unsigned i = 0; i < gateways->n; i++) {
		const struct gateway *gateway = &gateways->list[i];
		const struct neighbour *known = neighbour_table_find(
			router->neighbours.table, gateway->interface, &gateway->addr);

		if (known == NULL && is_first)
			neighbours_want(&router->neighbours, gateway->interface, &gateway->addr,
				clock_now_ms());
		known = neighbour_table_find(
			router->neighbours.table, gateway->interface, &gateway->addr);
		n += known != NULL && known->state == NEIGHBOUR_RESOLVING;
	}
	return n;
}

void gateways_ask(struct router *router, const struct config *after, const struct plan *plan)
{
	static const struct timespec turn = {.tv_nsec = TURN_NS};
	uint64_t deadline_ms = clock_now_ms() + WAIT_MS;
	struct gateways gateways = {0};

	for (unsigned i = 0; i < plan->n_routes; i++)
		if (plan->routes[i].after != NULL)
			add_route(&gateways, router, after, plan->routes[i].after);
	for (bool is_first = true; ask(router, &gateways, is_first) > 0; is_first = false) {
		if (clock_now_ms() >= deadline_ms)
			return;
		nanosleep(&turn, NULL);
		netlink_catch_up(router->netlink);
	}
}
