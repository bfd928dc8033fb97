// SPDX-License-Identifier: BSD-3-Clause
// Routes and neighbours as control hands them in: nexthop codes for the FIB, references on
// adjacencies and groups. Control thread.
#include <errno.h>
#include <string.h>

#include "dataplane/dataplane_internal.h"

static struct adjacency *adjacency_at(struct dataplane *dp, uint16_t code)
{
	return &dp->adjacencies.entries[code - NEXTHOP_ADJACENCY_BASE];
}

static void adjacency_drop_if_unused(struct dataplane *dp, uint16_t i)
{
	struct adjacency *adj = &dp->adjacencies.entries[i];

	if (adj->n_refs > 0 || adj->is_neighbour)
		return;
	dataplane_next_epoch(dp); // no flow names it from the workers' next turn on
	adjacency_remove(&dp->adjacencies, i);
}

static void code_release(struct dataplane *dp, uint16_t code)
{
	if (nexthop_is_adjacency(code)) {
		adjacency_at(dp, code)->n_refs--;
		adjacency_drop_if_unused(dp, code - NEXTHOP_ADJACENCY_BASE);
	} else if (nexthop_is_group(code)) {
		struct nexthop_group *group = &dp->fib.groups[code - NEXTHOP_GROUP_BASE];
		uint16_t codes[DP_NEXTHOPS_MAX];
		unsigned n = group->n;

		memcpy(codes, group->codes, sizeof(codes));
		dataplane_synchronize(dp); // a worker may be choosing from it
		dp->group_is_used[code - NEXTHOP_GROUP_BASE] = 0;
		for (unsigned i = 0; i < n; i++)
			code_release(dp, codes[i]);
	}
}

// One way out; an adjacency among them gains a reference. NEXTHOP_NONE and -errno in `error`.
static uint16_t code_for_nexthop(
	struct dataplane *dp, uint8_t family, const struct dp_nexthop *nexthop, int *error)
{
	const struct interface *iface;
	struct mac_addr mac;
	uint16_t i;

	if (nexthop->interface < 0 || nexthop->interface >= DP_INTERFACES_MAX ||
		!dp->snapshot->interfaces[nexthop->interface].is_used) {
		*error = -ENODEV;
		return NEXTHOP_NONE;
	}
	if (nexthop->via.family == IP_NONE)
		return (uint16_t)(NEXTHOP_CONNECTED_BASE + nexthop->interface);
	if (nexthop->via.family != family) { // RFC 8950 routes come with their first user
		*error = -EAFNOSUPPORT;
		return NEXTHOP_NONE;
	}
	iface = &dp->snapshot->interfaces[nexthop->interface];
	memcpy(mac.bytes, iface->mac.addr_bytes, sizeof(mac.bytes));
	i = adjacency_get(
		&dp->adjacencies, (uint8_t)nexthop->interface, &nexthop->via, &mac, iface->mtu);
	if (i == ADJACENCY_NONE) {
		*error = -ENOSPC;
		return NEXTHOP_NONE;
	}
	dp->adjacencies.entries[i].n_refs++;
	return NEXTHOP_ADJACENCY_BASE + i;
}

static unsigned free_group(const struct dataplane *dp)
{
	unsigned g = 0;

	while (g < NEXTHOP_GROUPS_MAX && dp->group_is_used[g])
		g++;
	return g;
}

static uint16_t code_for_group(struct dataplane *dp, const struct dp_route *route, int *error)
{
	unsigned g = free_group(dp);
	struct nexthop_group *group;

	if (g == NEXTHOP_GROUPS_MAX) {
		*error = -ENOSPC;
		return NEXTHOP_NONE;
	}
	group = &dp->fib.groups[g];
	group->n = 0;
	group->alternatives = route->alternatives;
	for (unsigned i = 0; i < route->n_nexthops; i++) {
		uint16_t code =
			code_for_nexthop(dp, route->to.addr.family, &route->nexthops[i], error);

		if (code == NEXTHOP_NONE) {
			while (group->n > 0)
				code_release(dp, group->codes[--group->n]);
			return NEXTHOP_NONE;
		}
		group->codes[group->n++] = code;
	}
	dp->group_is_used[g] = 1;
	return (uint16_t)(NEXTHOP_GROUP_BASE + g);
}

static uint16_t code_for_route(struct dataplane *dp, const struct dp_route *route, int *error)
{
	switch (route->kind) {
	case DP_ROUTE_LOCAL:
		return NEXTHOP_LOCAL;
	case DP_ROUTE_BLACKHOLE:
		return NEXTHOP_BLACKHOLE;
	case DP_ROUTE_UNREACHABLE:
		return NEXTHOP_UNREACHABLE;
	case DP_ROUTE_PROHIBIT:
		return NEXTHOP_PROHIBIT;
	case DP_ROUTE_UNICAST:
		break;
	}
	if (route->n_nexthops == 0 || route->n_nexthops > DP_NEXTHOPS_MAX) {
		*error = -EINVAL;
		return NEXTHOP_NONE;
	}
	// Without a group to spare, only the reverse path knows less.
	if (route->n_nexthops == 1 &&
		(route->alternatives == 0 || free_group(dp) >= NEXTHOP_GROUPS_OF_ONE_MAX))
		return code_for_nexthop(dp, route->to.addr.family, &route->nexthops[0], error);
	return code_for_group(dp, route, error);
}

int dataplane_route_set(struct dataplane *dp, const struct dp_route *route)
{
	uint16_t old = fib_find(&dp->fib, &route->to);
	int error = 0;
	uint16_t code = code_for_route(dp, route, &error);

	if (error != 0)
		return error;
	error = fib_set(&dp->fib, &route->to, code);
	code_release(dp, error == 0 ? old : code);
	return error;
}

int dataplane_route_delete(struct dataplane *dp, const struct ip_prefix *to)
{
	uint16_t old = fib_find(&dp->fib, to);
	int error = fib_delete(&dp->fib, to);

	if (error == 0)
		code_release(dp, old);
	return error;
}

int dataplane_reply_way_set(
	struct dataplane *dp, int id, uint8_t family, const struct dp_nexthop *way)
{
	uint16_t code = NEXTHOP_NONE, old;
	int error = 0;

	if (id < 0 || id >= DP_INTERFACES_MAX)
		return -ENODEV;
	if (way != NULL)
		code = code_for_nexthop(dp, family, way, &error);
	if (error != 0)
		return error;
	old = atomic_exchange(&dp->reply_ways[id][family == IP_V6], code);
	code_release(dp, old);
	return 0;
}

void dataplane_routes_commit(struct dataplane *dp)
{
	dataplane_next_epoch(dp);
}

int dataplane_neighbour_set(
	struct dataplane *dp, int interface, const struct ip_addr *addr, const struct mac_addr *mac)
{
	const struct interface *iface;
	struct mac_addr own;
	uint16_t i;

	if (interface < 0 || interface >= DP_INTERFACES_MAX ||
		!dp->snapshot->interfaces[interface].is_used)
		return -ENODEV;
	iface = &dp->snapshot->interfaces[interface];
	memcpy(own.bytes, iface->mac.addr_bytes, sizeof(own.bytes));
	i = adjacency_get(&dp->adjacencies, (uint8_t)interface, addr, &own, iface->mtu);
	if (i == ADJACENCY_NONE)
		return -ENOSPC;
	dp->adjacencies.entries[i].is_neighbour = 1;
	adjacency_resolve(&dp->adjacencies, &dp->adjacencies.entries[i], mac);
	return 0;
}

int dataplane_neighbour_delete(struct dataplane *dp, int interface, const struct ip_addr *addr)
{
	struct adjacency *adj;
	uint16_t i;

	if (interface < 0 || interface >= DP_INTERFACES_MAX)
		return -ENODEV;
	i = adjacency_find(&dp->adjacencies, (uint8_t)interface, addr);
	if (i == ADJACENCY_NONE)
		return -ENOENT;
	adj = &dp->adjacencies.entries[i];
	adj->is_neighbour = 0;
	adjacency_unresolve(adj);
	adjacency_drop_if_unused(dp, i);
	return 0;
}

void dataplane_neighbours_used(struct dataplane *dp, dp_neighbour_fn fn, void *ctx)
{
	for (unsigned i = 0; i < ADJACENCIES_MAX; i++) {
		const struct adjacency *adj = &dp->adjacencies.entries[i];
		bool is_used = false;

		for (unsigned k = 0; k < dp->options.n_workers; k++) {
			uint8_t *used = &dp->workers[k].adjacency_used[i];

			if (__atomic_load_n(used, __ATOMIC_RELAXED) == 0)
				continue;
			__atomic_store_n(used, 0, __ATOMIC_RELAXED);
			is_used = true;
		}
		if (is_used && adj->is_used)
			fn(ctx, adj->iface, &adj->addr);
	}
}
