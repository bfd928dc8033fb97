// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/show_parts.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>

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

json_t *show_routes(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	struct rib_cursor cursor = {0};
	struct rib_counts counts;
	struct rib_route route;
	unsigned limit;
	bool is_active;
	json_t *list;

	if (!show_read_limit(params, &limit, failure))
		return NULL;
	list = json_array();
	while (json_array_size(list) < limit && rib_next(router->rib, &cursor, &route, &is_active))
		json_array_append_new(list, route_json(router, &route, is_active));
	rib_counts(router->rib, &counts);
	return json_pack("{s:o, s:I, s:I}", "routes", list, "total",
		(json_int_t)counts.routes4 + counts.routes6, "refused", (json_int_t)counts.refused);
}

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

struct neighbour_list {
	const struct router *router;
	json_t *list;
	unsigned limit;
};

static void add_neighbour(void *ctx, const struct neighbour *neighbour)
{
	struct neighbour_list *out = ctx;
	json_t *to;

	if (json_array_size(out->list) >= out->limit)
		return;
	to = json_object();
	show_put_addr(to, "addr", &neighbour->addr);
	show_put_interface(to, "interface", out->router, neighbour->interface);
	if (neighbour_has_mac(neighbour))
		show_put_mac(to, "mac", &neighbour->mac);
	else
		json_object_set_new(to, "mac", json_null());
	show_put_text(to, "state", neighbour_state_name(neighbour->state));
	json_array_append_new(out->list, to);
}

json_t *show_neighbours(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	const struct neighbour_table *table = router->neighbours.table;
	const struct neighbour_counters *counters = neighbour_table_counters(table);
	struct neighbour_list out = {.router = router};
	json_t *counts;

	if (!show_read_limit(params, &out.limit, failure))
		return NULL;
	out.list = json_array();
	neighbour_table_each(table, add_neighbour, &out);
	counts = json_object();
	show_put_number(counts, "asked", counters->asked);
	show_put_number(counts, "failed", counters->failed);
	show_put_number(counts, "refused_rate", counters->refused_rate);
	show_put_number(counts, "refused_open", counters->refused_open);
	show_put_number(counts, "refused_full", counters->refused_full);
	show_put_number(counts, "ignored", counters->ignored);
	return json_pack("{s:o, s:I, s:o}", "neighbours", out.list, "total",
		(json_int_t)neighbour_table_count(table), "counters", counts);
}

static json_t *protocol_of_flow(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return json_string("tcp");
	case IPPROTO_UDP:
		return json_string("udp");
	case IPPROTO_ICMP:
		return json_string("icmp");
	case IPPROTO_ICMPV6:
		return json_string("icmp6");
	default:
		return json_sprintf("%u", protocol);
	}
}

static json_t *flow_json(const struct router *router, const struct dp_flow *flow)
{
	json_t *to = json_object();

	json_object_set_new(to, "protocol", protocol_of_flow(flow->protocol));
	show_put_addr(to, "src", &flow->src);
	show_put_number(to, "sport", flow->sport);
	show_put_addr(to, "dst", &flow->dst);
	show_put_number(to, "dport", flow->dport);
	show_put_addr(to, "nat_src", &flow->nat_src);
	show_put_number(to, "nat_sport", flow->nat_sport);
	show_put_addr(to, "nat_dst", &flow->nat_dst);
	show_put_number(to, "nat_dport", flow->nat_dport);
	show_put_interface(to, "in_interface", router, flow->in_interface);
	show_put_interface(to, "out_interface", router, flow->out_interface);
	show_put_text(to, "state", flow->state == NULL ? "" : flow->state);
	show_put_number(to, "tx_packets", flow->packets[0]);
	show_put_number(to, "tx_bytes", flow->bytes[0]);
	show_put_number(to, "rx_packets", flow->packets[1]);
	show_put_number(to, "rx_bytes", flow->bytes[1]);
	show_put_number(to, "idle_sec", flow->idle_sec);
	show_put_number(to, "timeout_sec", flow->timeout_sec);
	show_put_number(to, "mark", flow->mark);
	show_put_number(to, "worker", flow->worker);
	return to;
}

static uint64_t flows_total(const struct router *router)
{
	struct dp_worker_stats stats;
	uint64_t total = 0;

	for (unsigned i = 0; i < router->cores.n_workers; i++)
		if (dataplane_worker_stats(router->dp, i, &stats) == 0)
			total += stats.flows;
	return total;
}

json_t *show_flows(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	struct dp_flow flows[32];
	uint64_t cursor = 0;
	unsigned limit, n = 0, got;
	json_t *list;

	if (!show_read_limit(params, &limit, failure))
		return NULL;
	list = json_array();
	do {
		unsigned most = limit - n < 32 ? limit - n : 32;

		got = dataplane_flows(router->dp, &cursor, flows, most);
		for (unsigned i = 0; i < got; i++, n++)
			json_array_append_new(list, flow_json(router, &flows[i]));
	} while (got > 0 && n < limit);
	return json_pack("{s:o, s:I}", "flows", list, "total", (json_int_t)flows_total(router));
}
