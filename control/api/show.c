// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/show.h"

#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "control/router.h"
#include "control/static_routes.h"

// --- small parts ---

static void put_number(json_t *to, const char *key, uint64_t value)
{
	json_object_set_new(to, key, json_integer((json_int_t)value));
}

static void put_text(json_t *to, const char *key, const char *value)
{
	json_object_set_new(to, key, json_string(value));
}

static void put_bool(json_t *to, const char *key, bool value)
{
	json_object_set_new(to, key, json_boolean(value));
}

static void put_addr(json_t *to, const char *key, const struct ip_addr *addr)
{
	char text[ADDR_STR_BYTES];

	json_object_set_new(to, key,
		addr->family == IP_NONE ? json_null() : json_string(ip_addr_str(addr, text)));
}

static void put_mac(json_t *to, const char *key, const struct mac_addr *mac)
{
	char text[ADDR_STR_BYTES];

	put_text(to, key, mac_addr_str(mac, text));
}

// The name of a worker's interface, null for the router itself.
static void put_interface(json_t *to, const char *key, const struct router *router, int id)
{
	const struct interface *interface =
		id < 0 ? NULL : interfaces_by_id(&router->interfaces, id);

	json_object_set_new(
		to, key, interface == NULL ? json_null() : json_string(interface->config->name));
}

// False with *failure filled when the params are not what a list takes.
static bool read_limit(const json_t *params, unsigned *limit, struct rpc_failure *failure)
{
	const char *key;
	json_t *value;

	*limit = SHOW_LIMIT_DEFAULT;
	json_object_foreach((json_t *)params, key, value)
	{
		if (strcmp(key, "limit") != 0) {
			rpc_fail(failure, RPC_INVALID_PARAMS, "there is no parameter '%.64s'", key);
			return false;
		}
		if (!json_is_integer(value) || json_integer_value(value) < 1 ||
			json_integer_value(value) > SHOW_LIMIT_MAX) {
			rpc_fail(failure, RPC_INVALID_PARAMS, "'limit' must be from 1 to %d",
				SHOW_LIMIT_MAX);
			return false;
		}
		*limit = (unsigned)json_integer_value(value);
	}
	return true;
}

static bool read_nothing(const json_t *params, struct rpc_failure *failure)
{
	if (json_object_size(params) == 0)
		return true;
	rpc_fail(failure, RPC_INVALID_PARAMS, "this method takes no parameters");
	return false;
}

// --- the methods ---

static json_t *show_version(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	json_t *result;

	if (!read_nothing(params, failure))
		return NULL;
	result = json_object();
	put_text(result, "version", MILLRACE_VERSION);
	put_text(result, "config", router->config->file);
	put_number(result, "uptime_sec", (clock_now_ms() - router->start_ms) / 1000);
	return result;
}

static json_t *interface_json(const struct router *router, const struct interface *interface)
{
	struct dp_interface_stats stats = {0};
	json_t *to = json_object(), *addresses = json_array();
	char text[ADDR_STR_BYTES];

	for (unsigned i = 0; i < interface->n_addresses; i++)
		json_array_append_new(addresses,
			json_string(ip_prefix_str(&interface->addresses[i].prefix, text)));
	put_text(to, "name", interface->config->name);
	put_text(to, "port", interface->config->port);
	put_bool(to, "link_is_up", interface->is_link_up);
	put_bool(to, "is_up", interface_is_up(interface));
	put_bool(to, "is_outside", interface->is_outside);
	put_mac(to, "mac", &port_info(interface->port)->mac);
	put_number(to, "mtu", interface->mtu);
	json_object_set_new(to, "addresses", addresses);
	dataplane_interface_stats(router->dp, interface->id, &stats);
	put_number(to, "rx_packets", stats.rx_packets);
	put_number(to, "rx_bytes", stats.rx_bytes);
	put_number(to, "tx_packets", stats.tx_packets);
	put_number(to, "tx_bytes", stats.tx_bytes);
	put_number(to, "tx_dropped", stats.tx_dropped);
	return to;
}

static json_t *show_interfaces(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	json_t *list;

	if (!read_nothing(params, failure))
		return NULL;
	list = json_array();
	for (unsigned i = 0; i < router->interfaces.n; i++)
		json_array_append_new(list, interface_json(router, &router->interfaces.list[i]));
	return json_pack("{s:o}", "interfaces", list);
}

static json_t *port_json(const struct port *port)
{
	const struct port_info *info = port_info(port);
	struct port_stats stats = {0};
	struct port_link link = {0};
	json_t *to = json_object();

	port_link(port, &link);
	port_stats(port, &stats);
	put_text(to, "name", info->name);
	put_text(to, "driver", port_driver_name(info->driver));
	put_text(to, "netdev", info->netdev);
	put_text(to, "pci", info->pci);
	put_mac(to, "mac", &info->mac);
	put_number(to, "mtu", info->mtu);
	put_number(to, "rx_queues", info->n_rxq);
	put_number(to, "tx_queues", info->n_txq);
	put_bool(to, "steers_by_rss", info->steers_by_rss);
	put_bool(to, "link_is_up", link.is_up);
	put_number(to, "speed_mbps", link.speed_mbps);
	put_bool(to, "is_full_duplex", link.is_full_duplex);
	put_number(to, "rx_packets", stats.rx_packets);
	put_number(to, "rx_bytes", stats.rx_bytes);
	put_number(to, "tx_packets", stats.tx_packets);
	put_number(to, "tx_bytes", stats.tx_bytes);
	put_number(to, "rx_missed", stats.rx_missed);
	put_number(to, "rx_nombuf", stats.rx_nombuf);
	put_number(to, "rx_errors", stats.rx_errors);
	put_number(to, "tx_errors", stats.tx_errors);
	return to;
}

static json_t *show_ports(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	json_t *list;

	if (!read_nothing(params, failure))
		return NULL;
	list = json_array();
	for (unsigned i = 0; i < router->ports.n; i++)
		json_array_append_new(list, port_json(router->ports.list[i].port));
	return json_pack("{s:o}", "ports", list);
}

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

		put_interface(nexthop, "interface", router, from->interface);
		put_addr(nexthop, "via", &from->via);
		json_array_append_new(nexthops, nexthop);
	}
	put_text(to, "to", ip_prefix_str(&route->route.to, text));
	put_text(to, "kind", kind_name(route->route.kind));
	put_number(to, "metric", route->metric);
	json_object_set_new(to, "protocol", protocol_json(route->protocol));
	put_bool(to, "is_active", is_active);
	json_object_set_new(to, "nexthops", nexthops);
	return to;
}

static json_t *show_routes(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	struct rib_cursor cursor = {0};
	struct rib_counts counts;
	struct rib_route route;
	unsigned limit;
	bool is_active;
	json_t *list;

	if (!read_limit(params, &limit, failure))
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
	put_addr(to, "addr", &neighbour->addr);
	put_interface(to, "interface", out->router, neighbour->interface);
	if (neighbour_has_mac(neighbour))
		put_mac(to, "mac", &neighbour->mac);
	else
		json_object_set_new(to, "mac", json_null());
	put_text(to, "state", neighbour_state_name(neighbour->state));
	json_array_append_new(out->list, to);
}

static json_t *show_neighbours(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	const struct neighbour_table *table = router->neighbours.table;
	const struct neighbour_counters *counters = neighbour_table_counters(table);
	struct neighbour_list out = {.router = router};
	json_t *counts;

	if (!read_limit(params, &out.limit, failure))
		return NULL;
	out.list = json_array();
	neighbour_table_each(table, add_neighbour, &out);
	counts = json_object();
	put_number(counts, "asked", counters->asked);
	put_number(counts, "failed", counters->failed);
	put_number(counts, "refused_rate", counters->refused_rate);
	put_number(counts, "refused_open", counters->refused_open);
	put_number(counts, "refused_full", counters->refused_full);
	put_number(counts, "ignored", counters->ignored);
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
	put_addr(to, "src", &flow->src);
	put_number(to, "sport", flow->sport);
	put_addr(to, "dst", &flow->dst);
	put_number(to, "dport", flow->dport);
	put_addr(to, "nat_src", &flow->nat_src);
	put_number(to, "nat_sport", flow->nat_sport);
	put_addr(to, "nat_dst", &flow->nat_dst);
	put_number(to, "nat_dport", flow->nat_dport);
	put_interface(to, "in_interface", router, flow->in_interface);
	put_interface(to, "out_interface", router, flow->out_interface);
	put_text(to, "state", flow->state == NULL ? "" : flow->state);
	put_number(to, "tx_packets", flow->packets[0]);
	put_number(to, "tx_bytes", flow->bytes[0]);
	put_number(to, "rx_packets", flow->packets[1]);
	put_number(to, "rx_bytes", flow->bytes[1]);
	put_number(to, "idle_sec", flow->idle_sec);
	put_number(to, "timeout_sec", flow->timeout_sec);
	put_number(to, "worker", flow->worker);
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

static json_t *show_flows(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	struct dp_flow flows[32];
	uint64_t cursor = 0;
	unsigned limit, n = 0, got;
	json_t *list;

	if (!read_limit(params, &limit, failure))
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

static json_t *show_workers(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	json_t *list;

	if (!read_nothing(params, failure))
		return NULL;
	list = json_array();
	for (unsigned i = 0; i < router->cores.n_workers; i++) {
		struct dp_worker_stats stats = {0};
		json_t *to;

		if (dataplane_worker_stats(router->dp, i, &stats) != 0)
			continue;
		to = json_object();
		put_number(to, "worker", i);
		put_number(to, "core", (uint64_t)stats.core);
		put_number(to, "turns", stats.turns);
		put_number(to, "idle_turns", stats.idle_turns);
		put_number(to, "sleeps", stats.sleeps);
		put_number(to, "rx_packets", stats.rx_packets);
		put_number(to, "handed_over", stats.handed_over);
		put_number(to, "flows", stats.flows);
		put_number(to, "flow_capacity", stats.flow_capacity);
		json_array_append_new(list, to);
	}
	return json_pack("{s:o}", "workers", list);
}

// Those that counted something first, the largest at the top.
static int compare_counters(const void *a, const void *b)
{
	const struct dp_counter *x = a, *y = b;

	if (x->packets != y->packets)
		return x->packets < y->packets ? 1 : -1;
	return strcmp(x->name, y->name);
}

static json_t *show_drops(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	enum { COUNTERS_MAX = 512 };
	const struct router *router = ctx;
	struct dp_counter counters[COUNTERS_MAX];
	unsigned n = 0;
	json_t *list;

	if (!read_nothing(params, failure))
		return NULL;
	while (n < COUNTERS_MAX && dataplane_counter(router->dp, n, &counters[n]))
		n++;
	qsort(counters, n, sizeof(counters[0]), compare_counters);
	list = json_array();
	for (unsigned i = 0; i < n; i++) {
		json_t *to = json_object();

		put_text(to, "name", counters[i].name);
		put_number(to, "packets", counters[i].packets);
		put_text(to, "help", counters[i].help);
		json_array_append_new(list, to);
	}
	return json_pack("{s:o}", "counters", list);
}

const struct rpc_method show_methods[] = {
	{"show.version", show_version},
	{"show.interfaces", show_interfaces},
	{"show.ports", show_ports},
	{"show.routes", show_routes},
	{"show.neighbours", show_neighbours},
	{"show.flows", show_flows},
	{"show.workers", show_workers},
	{"show.drops", show_drops},
	{NULL, NULL},
};
