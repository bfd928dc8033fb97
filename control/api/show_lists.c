// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/filter.h"

#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/static_routes.h"
#include "control/uplink/uplink_metric.h"

// Of NEIGHBOUR_RESOLVING and those that follow.
#define NEIGHBOUR_STATES "resolving|reachable|stale|failed"

enum {
	ROUTES_LOOKED_AT = 512, // in one step
	NEIGHBOURS_FEW = 256,	// a copy of them takes no memory to speak of
};

static const char *kind_name(enum dp_route_kind kind)
{
	switch (kind) {
	case DP_ROUTE_UNICAST:
		return "unicast";
	case DP_ROUTE_LOCAL:
		return "local";
	case DP_ROUTE_BLACKHOLE:
		return "blackhole";
	case DP_ROUTE_UNREACHABLE:
		return "unreachable";
	case DP_ROUTE_PROHIBIT:
		return "prohibit";
	}
	return "?";
}

const char *show_route_protocol(uint8_t protocol)
{
	static char text[8];
	static const struct {
		uint8_t number;
		const char *name;
	} names[] = {
		{RTPROT_KERNEL, "kernel"},
		{RTPROT_BOOT, "boot"},
		{RTPROT_STATIC, "static"},
		{RTPROT_RA, "ra"},
		{RTPROT_DHCP, "dhcp"},
		{RTPROT_ZEBRA, "zebra"},
		{RTPROT_BIRD, "bird"},
		{RTPROT_BGP, "bgp"},
		{RTPROT_OSPF, "ospf"},
		{RTPROT_ISIS, "isis"},
		{RTPROT_RIP, "rip"},
		{STATIC_ROUTES_PROTOCOL, "config"},
		{UPLINK_ROUTES_PROTOCOL, "uplinks"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == protocol)
			return names[i].name;
	snprintf(text, sizeof(text), "%u", protocol);
	return text;
}

static json_t *route_json(
	const struct router *router, const struct rib_route *route, bool is_active)
{
	json_t *to = json_object(), *nexthops = json_array();
	char text[ADDR_STR_BYTES];

	for (unsigned i = 0; i < route->route.n_nexthops; i++) {
		const struct dp_nexthop *from = &route->route.nexthops[i];
		json_t *nexthop = json_object();

		show_put_interface(nexthop, "interface", router, from->interface);
		show_put_addr(nexthop, "via", &from->via);
		json_array_append_new(nexthops, nexthop);
	}
	show_put_text(to, "to", ip_prefix_str(&route->route.to, text));
	show_put_text(
		to, "kind", rib_route_is_kernels(route) ? "kernel" : kind_name(route->route.kind));
	show_put_number(to, "metric", route->metric);
	show_put_text(to, "protocol", show_route_protocol(route->protocol));
	show_put_bool(to, "is_active", is_active);
	json_object_set_new(to, "nexthops", nexthops);
	return to;
}

struct route_walk {
	const struct router *router;
	struct ip_prefix to; // those to one address, or within a network
	int interface;	     // -1: any
	struct rib_cursor cursor;
	uint64_t n_taken;
	unsigned left;
};

static bool takes_route(const struct route_walk *walk, const struct rib_route *route)
{
	const struct ip_prefix *its = &route->route.to;
	bool is_address = walk->to.len == ip_family_bits(walk->to.addr.family);

	if (walk->to.addr.family != IP_NONE && is_address &&
		!ip_prefix_contains(its, &walk->to.addr))
		return false;
	if (walk->to.addr.family != IP_NONE && !is_address &&
		(its->len < walk->to.len || !ip_prefix_contains(&walk->to, &its->addr)))
		return false;
	for (unsigned i = 0; walk->interface >= 0 && i < route->route.n_nexthops; i++)
		if (route->route.nexthops[i].interface == walk->interface)
			return true;
	return walk->interface < 0;
}

static bool routes_is_all(const struct route_walk *walk)
{
	return walk->to.addr.family == IP_NONE && walk->interface < 0;
}

static void *begin_routes(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"to", "interface", "limit", NULL};
	struct route_walk *walk, asked = {.router = ctx};

	if (!show_check_names(params, keys, failure) ||
		!filter_read_prefix(params, "to", &asked.to, failure) ||
		!filter_read_interface(ctx, params, &asked.interface, failure) ||
		!show_limit_of(params, &asked.left, failure))
		return NULL;
	walk = calloc(1, sizeof(*walk));
	if (walk != NULL)
		*walk = asked;
	return walk;
}

static bool next_routes(void *ctx, json_t *rows)
{
	struct route_walk *walk = ctx;
	struct rib_route route;
	bool is_active;

	for (unsigned i = 0; i < ROUTES_LOOKED_AT && json_array_size(rows) < RPC_ROWS_MAX; i++) {
		if ((walk->left == 0 && routes_is_all(walk)) ||
			!rib_next(walk->router->rib, &walk->cursor, &route, &is_active))
			return false;
		if (!takes_route(walk, &route))
			continue;
		walk->n_taken++;
		if (walk->left == 0)
			continue;
		json_array_append_new(rows, route_json(walk->router, &route, is_active));
		walk->left--;
	}
	return true;
}

static json_t *end_routes(void *ctx)
{
	const struct route_walk *walk = ctx;
	struct rib_counts counts;

	rib_counts(walk->router->rib, &counts);
	return json_pack("{s:I, s:I}", "total",
		routes_is_all(walk) ? (json_int_t)counts.routes4 + counts.routes6
				    : (json_int_t)walk->n_taken,
		"refused", (json_int_t)counts.refused);
}

const struct rpc_walk show_routes = {"routes", NULL, begin_routes, next_routes, end_routes, free};

static const char *neighbour_state_name(enum neighbour_state state)
{
	switch (state) {
	case NEIGHBOUR_NONE:
		return "none";
	case NEIGHBOUR_RESOLVING:
		return "resolving";
	case NEIGHBOUR_VALID:
		return "reachable";
	case NEIGHBOUR_STALE:
		return "stale";
	case NEIGHBOUR_FAILED:
		return "failed";
	}
	return "?";
}

// As they were when it began: there are not that many.
struct neighbour_walk {
	const struct router *router;
	struct ip_prefix addr;
	int interface, state; // -1: any
	bool is_large;
	unsigned n, at, left, room;
	struct neighbour list[];
};

static void note_neighbour(void *ctx, const struct neighbour *neighbour)
{
	struct neighbour_walk *walk = ctx;

	if (walk->interface >= 0 && neighbour->interface != walk->interface)
		return;
	if (walk->state >= 0 &&
		neighbour->state != (enum neighbour_state)(walk->state + NEIGHBOUR_RESOLVING))
		return;
	if (filter_contains(&walk->addr, &neighbour->addr) && walk->n < walk->room)
		walk->list[walk->n++] = *neighbour;
}

static json_t *neighbour_json(const struct router *router, const struct neighbour *neighbour)
{
	json_t *to = json_object();

	show_put_addr(to, "addr", &neighbour->addr);
	show_put_interface(to, "interface", router, neighbour->interface);
	if (neighbour_has_mac(neighbour))
		show_put_mac(to, "mac", &neighbour->mac);
	else
		json_object_set_new(to, "mac", json_null());
	show_put_text(to, "state", neighbour_state_name(neighbour->state));
	return to;
}

static void *begin_neighbours(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"address", "interface", "state", "limit", NULL};
	const struct router *router = ctx;
	struct neighbour_walk *walk, asked = {.router = ctx};

	if (!show_check_names(params, keys, failure) ||
		!filter_read_prefix(params, "address", &asked.addr, failure) ||
		!filter_read_interface(ctx, params, &asked.interface, failure) ||
		!filter_read_choice(params, "state", NEIGHBOUR_STATES, &asked.state, failure) ||
		!show_limit_of(params, &asked.left, failure))
		return NULL;
	asked.room = neighbour_table_count(router->neighbours.table);
	asked.is_large = asked.room > NEIGHBOURS_FEW;
	if (asked.is_large && !filter_begin_large(failure))
		return NULL;
	walk = malloc(sizeof(*walk) + asked.room * sizeof(walk->list[0]));
	if (walk == NULL) {
		if (asked.is_large)
			filter_end_large();
		return NULL;
	}
	*walk = asked;
	neighbour_table_each(router->neighbours.table, note_neighbour, walk);
	return walk;
}

static bool next_neighbours(void *ctx, json_t *rows)
{
	struct neighbour_walk *walk = ctx;

	while (json_array_size(rows) < RPC_ROWS_MAX) {
		if (walk->left == 0 || walk->at == walk->n)
			return false;
		json_array_append_new(rows, neighbour_json(walk->router, &walk->list[walk->at++]));
		walk->left--;
	}
	return true;
}

static void free_neighbours(void *ctx)
{
	struct neighbour_walk *walk = ctx;

	if (walk->is_large)
		filter_end_large();
	free(walk);
}

static json_t *end_neighbours(void *ctx)
{
	const struct neighbour_walk *walk = ctx;
	const struct neighbour_table *table = walk->router->neighbours.table;
	const struct neighbour_counters *counters = neighbour_table_counters(table);
	json_t *counts = json_object();

	show_put_number(counts, "asked", counters->asked);
	show_put_number(counts, "failed", counters->failed);
	show_put_number(counts, "refused_rate", counters->refused_rate);
	show_put_number(counts, "refused_open", counters->refused_open);
	show_put_number(counts, "refused_full", counters->refused_full);
	show_put_number(counts, "ignored", counters->ignored);
	return json_pack("{s:I, s:o}", "total", (json_int_t)walk->n, "counters", counts);
}

const struct rpc_walk show_neighbours = {
	"neighbours", NULL, begin_neighbours, next_neighbours, end_neighbours, free_neighbours};
