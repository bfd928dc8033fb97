// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/show_parts.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "control/static_routes.h"

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

static json_t *protocol_json(uint8_t protocol)
{
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
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == protocol)
			return json_string(names[i].name);
	return json_sprintf("%u", protocol);
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
	json_object_set_new(to, "protocol", protocol_json(route->protocol));
	show_put_bool(to, "is_active", is_active);
	json_object_set_new(to, "nexthops", nexthops);
	return to;
}

struct route_walk {
	const struct router *router;
	struct rib_cursor cursor;
	unsigned left;
};

static void *begin_routes(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	struct route_walk *walk;
	unsigned limit;

	if (!show_read_limit(params, &limit, failure))
		return NULL;
	walk = calloc(1, sizeof(*walk));
	if (walk != NULL)
		*walk = (struct route_walk){.router = ctx, .left = limit};
	return walk;
}

static bool next_routes(void *ctx, json_t *rows)
{
	struct route_walk *walk = ctx;
	struct rib_route route;
	bool is_active;

	while (json_array_size(rows) < RPC_ROWS_MAX) {
		if (walk->left == 0 ||
			!rib_next(walk->router->rib, &walk->cursor, &route, &is_active))
			return false;
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
	return json_pack("{s:I, s:I}", "total", (json_int_t)counts.routes4 + counts.routes6,
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
	struct neighbour list[NEIGHBOURS_TABLE_MAX];
	unsigned n, at, left;
};

static void note_neighbour(void *ctx, const struct neighbour *neighbour)
{
	struct neighbour_walk *walk = ctx;

	if (walk->n < NEIGHBOURS_TABLE_MAX)
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
	const struct router *router = ctx;
	struct neighbour_walk *walk;
	unsigned limit;

	if (!show_read_limit(params, &limit, failure))
		return NULL;
	walk = malloc(sizeof(*walk));
	if (walk == NULL)
		return NULL;
	walk->router = router;
	walk->n = walk->at = 0;
	walk->left = limit;
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
	return json_pack("{s:I, s:o}", "total", (json_int_t)neighbour_table_count(table),
		"counters", counts);
}

const struct rpc_walk show_neighbours = {
	"neighbours", NULL, begin_neighbours, next_neighbours, end_neighbours, free};
