// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/show.h"
#include "control/api/explain.h"

#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "control/api/config.h"
#include "control/api/log.h"
#include "control/api/show_parts.h"
#include "control/api/stream.h"
#include "control/loop_lag.h"

static json_t *show_version(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	json_t *result;

	if (!show_read_nothing(params, failure))
		return NULL;
	result = json_object();
	show_put_text(result, "version", MILLRACE_VERSION);
	show_put_text(result, "config", router->config->file);
	show_put_number(result, "uptime_sec", (clock_now_ms() - router->start_ms) / 1000);
	show_put_number(result, "loop_late_us", loop_lag_worst_us(router->loop_lag));
	config_put_state(result, router);
	return result;
}

static void show_put_vlan(json_t *to, const struct cfg_interface *config)
{
	json_t *vlan = config->has_vlan ? json_integer(config->vlan) : json_null();

	json_object_set_new(to, "vlan", vlan);
	json_object_set_new(
		to, "priority", config->has_vlan ? json_integer(config->priority) : json_null());
}

static json_t *interface_json(const struct router *router, const struct interface *interface)
{
	struct dp_interface_stats stats = {0};
	json_t *to = json_object(), *addresses = json_array();
	char text[ADDR_STR_BYTES];

	for (unsigned i = 0; i < interface->n_addresses; i++)
		json_array_append_new(addresses,
			json_string(ip_prefix_str(&interface->addresses[i].prefix, text)));
	show_put_text(to, "name", interface->config->name);
	show_put_text(to, "port", interface->config->port);
	show_put_vlan(to, interface->config);
	show_put_bool(to, "link_is_up", interface->is_link_up);
	show_put_bool(to, "is_up", interface_is_up(interface));
	show_put_bool(to, "is_outside", interface->is_outside);
	show_put_mac(to, "mac", &port_info(interface->port)->mac);
	show_put_number(to, "mtu", interface->mtu);
	json_object_set_new(to, "addresses", addresses);
	show_put_dhcp4(to, router, interface->config->name);
	baselines_interface(&router->baselines, router->dp, interface->id, &stats);
	show_put_number(to, "rx_packets", stats.rx_packets);
	show_put_number(to, "rx_bytes", stats.rx_bytes);
	show_put_number(to, "tx_packets", stats.tx_packets);
	show_put_number(to, "tx_bytes", stats.tx_bytes);
	show_put_number(to, "tx_dropped", stats.tx_dropped);
	return to;
}

static json_t *show_interfaces(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	json_t *list, *to;

	if (!show_read_nothing(params, failure))
		return NULL;
	list = json_array();
	for (unsigned i = 0; i < router->interfaces.n; i++)
		json_array_append_new(list, interface_json(router, &router->interfaces.list[i]));
	to = json_pack("{s:o}", "interfaces", list);
	show_put_cleared(to, router, BASELINE_INTERFACES);
	return to;
}

static json_t *port_json(const struct router *router, struct port *port)
{
	const struct port_info *info = port_info(port);
	struct port_stats stats = {0};
	struct port_link link = {0};
	json_t *to = json_object();

	port_link(port, &link);
	baselines_port(&router->baselines, port, &stats);
	show_put_text(to, "name", info->name);
	show_put_text(to, "driver", port_driver_name(info->driver));
	show_put_text(to, "netdev", info->netdev);
	show_put_text(to, "pci", info->pci);
	show_put_mac(to, "mac", &info->mac);
	show_put_number(to, "mtu", info->mtu);
	show_put_number(to, "rx_queues", info->n_rxq);
	show_put_number(to, "tx_queues", info->n_txq);
	show_put_bool(to, "steers_by_rss", info->steers_by_rss);
	show_put_bool(to, "link_is_up", link.is_up);
	show_put_number(to, "speed_mbps", link.speed_mbps);
	show_put_bool(to, "is_full_duplex", link.is_full_duplex);
	show_put_number(to, "rx_packets", stats.rx_packets);
	show_put_number(to, "rx_bytes", stats.rx_bytes);
	show_put_number(to, "tx_packets", stats.tx_packets);
	show_put_number(to, "tx_bytes", stats.tx_bytes);
	show_put_number(to, "rx_missed", stats.rx_missed);
	show_put_number(to, "rx_nombuf", stats.rx_nombuf);
	show_put_number(to, "rx_errors", stats.rx_errors);
	show_put_number(to, "tx_errors", stats.tx_errors);
	return to;
}

static json_t *show_ports(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	struct drivers_buffers buffers;
	json_t *list;

	if (!show_read_nothing(params, failure))
		return NULL;
	list = json_array();
	for (unsigned i = 0; i < router->ports.n; i++)
		json_array_append_new(list, port_json(router, router->ports.list[i].port));
	buffers = drivers_buffers();
	return json_pack("{s:o, s:I, s:I}", "ports", list, "buffers", (json_int_t)buffers.total,
		"buffers_in_use", (json_int_t)buffers.in_use);
}

static json_t *show_workers(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	json_t *list;

	if (!show_read_nothing(params, failure))
		return NULL;
	list = json_array();
	for (unsigned i = 0; i < router->cores.n_workers; i++) {
		struct dp_worker_stats stats = {0};
		json_t *to;

		if (dataplane_worker_stats(router->dp, i, &stats) != 0)
			continue;
		to = json_object();
		show_put_number(to, "worker", i);
		show_put_number(to, "core", (uint64_t)stats.core);
		show_put_number(to, "turns", stats.turns);
		show_put_number(to, "idle_turns", stats.idle_turns);
		show_put_number(to, "sleeps", stats.sleeps);
		show_put_number(to, "rx_packets", stats.rx_packets);
		show_put_number(to, "handed_over", stats.handed_over);
		show_put_number(to, "flows", stats.flows);
		show_put_number(to, "flow_capacity", stats.flow_capacity);
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

enum { PORT_COUNTERS = 4 };

// What the ports lost before or after the workers had it, all ports together.
static unsigned port_counters(const struct router *router, struct dp_counter out[PORT_COUNTERS])
{
	struct port_stats sum = {0};

	for (unsigned i = 0; i < router->ports.n; i++) {
		struct port_stats stats = {0};

		baselines_port(&router->baselines, router->ports.list[i].port, &stats);
		sum.rx_missed += stats.rx_missed;
		sum.rx_nombuf += stats.rx_nombuf;
		sum.rx_errors += stats.rx_errors;
		sum.tx_errors += stats.tx_errors;
	}
	out[0] = (struct dp_counter){
		"drop_port_missed", "no room in a port's receive ring", sum.rx_missed};
	out[1] = (struct dp_counter){"drop_port_no_buffer",
		"no packet buffer for a port to receive into", sum.rx_nombuf};
	out[2] = (struct dp_counter){
		"drop_port_rx_errors", "received broken, or larger than a buffer", sum.rx_errors};
	out[3] = (struct dp_counter){"drop_port_tx_errors", "a port failed to send", sum.tx_errors};
	return PORT_COUNTERS;
}

static json_t *show_drops(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	enum { COUNTERS_MAX = 512 };
	const struct router *router = ctx;
	struct dp_counter counters[COUNTERS_MAX];
	unsigned n = 0;
	json_t *list, *answer;

	if (!show_read_nothing(params, failure))
		return NULL;
	while (n < COUNTERS_MAX - PORT_COUNTERS &&
		baselines_counter(&router->baselines, router->dp, n, &counters[n]))
		n++;
	n += port_counters(router, counters + n);
	qsort(counters, n, sizeof(counters[0]), compare_counters);
	list = json_array();
	for (unsigned i = 0; i < n; i++) {
		json_t *to = json_object();

		show_put_text(to, "name", counters[i].name);
		show_put_number(to, "packets", counters[i].packets);
		show_put_text(to, "help", counters[i].help);
		json_array_append_new(list, to);
	}
	answer = json_pack("{s:o}", "counters", list);
	show_put_cleared(answer, router, BASELINE_DROPS);
	return answer;
}

const struct rpc_method show_methods[] = {
	{"show.version", show_version, RPC_READS},
	{"show.interfaces", show_interfaces, RPC_READS},
	{"show.ports", show_ports, RPC_READS},
	{"show.routes", NULL, RPC_READS, &show_routes},
	{"show.neighbours", NULL, RPC_READS, &show_neighbours},
	{"show.flows", NULL, RPC_READS, &show_flows},
	{"show.workers", show_workers, RPC_READS},
	{"show.drops", show_drops, RPC_READS},
	{"show.recorder", recorder_show, RPC_READS},
	{"show.leases", NULL, RPC_READS, &show_leases},
	{"show.dhcp", show_dhcp, RPC_READS},
	{"show.log", log_show, RPC_READS},
	{"show.firewall", NULL, RPC_READS, &show_firewall},
	{"show.counters", show_counters, RPC_READS},
	{"show.nat", show_nat, RPC_READS},
	{"show.zones", show_zones, RPC_READS},
	{"show.sets", NULL, RPC_READS, &show_sets},
	{"show.set", NULL, RPC_READS, &show_set},
	{"show.dns", .effect = RPC_READS, .task = &show_dns},
	{"show.uplinks", show_uplinks, RPC_READS},
	{"uplink.ping", .effect = RPC_WRITES, .task = &uplink_ping}, // it sends packets
	{"dns.explain", .effect = RPC_READS, .task = &explain_dns},
	{"config.plan", .effect = RPC_WRITES, .task = &config_plan}, // it reads any file
	{"config.apply", .effect = RPC_WRITES, .task = &config_apply},
	{"config.confirm", .effect = RPC_WRITES, .task = &config_confirm},
	{"config.rollback", .effect = RPC_WRITES, .task = &config_rollback},
	{"config.history", config_history, RPC_READS},
	{"config.diff", .effect = RPC_READS, .task = &config_compare},
	{"show.running", .effect = RPC_READS, .task = &show_running},
	{"ban", .effect = RPC_WRITES, .task = &sets_ban},
	{"unban", .effect = RPC_WRITES, .task = &sets_unban},
	{"sets.reload", .effect = RPC_WRITES, .task = &sets_reload},
	{"dhcp.renew", dhcp4_renew, RPC_WRITES},
	{"dhcp.release", dhcp4_release, RPC_WRITES},
	{"log.set", log_change, RPC_WRITES},
	{"kill.flows", .effect = RPC_WRITES, .task = &kill_flows},
	{"clear.counters", .effect = RPC_WRITES, .run_session = clear_counters},
	{"clear.neighbours", .effect = RPC_WRITES, .task = &clear_neighbours},
	{"explain", explain_packet, RPC_READS},
	{"capture.start", capture_start, RPC_WRITES}, // what others say is not for all who read
	{"capture.read", capture_read, RPC_WRITES},
	{"capture.stop", capture_stop, RPC_WRITES},
	{"recorder.write", recorder_write, RPC_WRITES},
	{"subscribe", NULL, RPC_READS, NULL, stream_subscribe},
	{"unsubscribe", NULL, RPC_READS, NULL, stream_unsubscribe},
	{NULL},
};
