// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/addr.h"
#include "control/cli/answer.h"
#include "control/cli/dhcp4_client.h"

// --- the views ---

void print_version(const json_t *result, FILE *out)
{
	char unit[UNIT_BYTES];

	fprintf(out, "millraced %s, up for %s, on %s\n", answer_text(result, "version"),
		unit_seconds(answer_number(result, "uptime_sec"), unit),
		answer_text(result, "config"));
	if (answer_number(result, "revision") != 0)
		fprintf(out, "revision %" PRIu64, answer_number(result, "revision"));
	if (json_is_integer(json_object_get(result, "confirm_sec")))
		fprintf(out, ", on trial: %" PRIu64 " s are left to confirm it",
			answer_number(result, "confirm_sec"));
	if (answer_number(result, "revision") != 0)
		fputc('\n', out);
	if (answer_text(result, "note")[0] != '\0')
		fprintf(out, "ATTENTION: %s\n", answer_text(result, "note"));
}

void print_running(const json_t *result, FILE *out)
{
	fputs(answer_text(result, "text"), out);
}

// Below its name. False: it has none.
static bool add_vlan(struct table *table, const json_t *interface)
{
	if (!json_is_integer(json_object_get(interface, "vlan")))
		return false;
	table_add(table, "VLAN %" PRIu64, answer_number(interface, "vlan"));
	return true;
}

static void add_interface(struct table *table, const json_t *interface)
{
	const json_t *addresses = json_object_get(interface, "addresses");
	size_t n = json_array_size(addresses);

	table_add(table, "%s", answer_text(interface, "name"));
	table_add(table, "%s", answer_truth(interface, "is_up") ? "up" : "down");
	table_add(table, "%" PRIu64, answer_number(interface, "mtu"));
	answer_add_element(table, addresses, 0);
	answer_add_bytes(table, interface, "rx_bytes");
	answer_add_bytes(table, interface, "tx_bytes");
	answer_add_count(table, interface, "tx_dropped");
	if (n < 2 && add_vlan(table, interface))
		answer_add_blanks(table, 6);
	for (size_t k = 1; k < n; k++) {
		if (k > 1 || !add_vlan(table, interface))
			answer_add_blanks(table, 1);
		answer_add_blanks(table, 2);
		answer_add_element(table, addresses, k);
		answer_add_blanks(table, 3);
	}
}

void print_interfaces(const json_t *result, FILE *out)
{
	answer_table(result, "interfaces", "INTERFACE|LINK|>MTU|ADDRESS|>RECEIVED|>SENT|>DROPPED",
		add_interface, out);
	for (size_t i = 0; i < json_array_size(json_object_get(result, "interfaces")); i++)
		print_lease(json_array_get(json_object_get(result, "interfaces"), i), out);
}

static void add_link(struct table *table, const json_t *port)
{
	uint64_t mbps = answer_number(port, "speed_mbps");

	if (!answer_truth(port, "link_is_up"))
		table_add(table, "down");
	else if (mbps == 0)
		table_add(table, "up");
	else if (mbps % 1000 == 0)
		table_add(table, "%" PRIu64 "G", mbps / 1000);
	else
		table_add(table, "%" PRIu64 "M", mbps);
}

static void add_port(struct table *table, const json_t *port)
{
	char unit[UNIT_BYTES];

	table_add(table, "%s", answer_text(port, "name"));
	table_add(table, "%s", answer_text_or(port, "pci", answer_text_or(port, "netdev", "-")));
	table_add(table, "%s", answer_text(port, "driver"));
	add_link(table, port);
	table_add(table, "%" PRIu64, answer_number(port, "rx_queues"));
	answer_add_bytes(table, port, "rx_bytes");
	answer_add_bytes(table, port, "tx_bytes");
	table_add(table, "%s",
		unit_count(
			answer_number(port, "rx_missed") + answer_number(port, "rx_nombuf"), unit));
	table_add(table, "%s",
		unit_count(
			answer_number(port, "rx_errors") + answer_number(port, "tx_errors"), unit));
}

void print_ports(const json_t *result, FILE *out)
{
	answer_table(result, "ports",
		"PORT|CARD|DRIVER|LINK|>QUEUES|>RECEIVED|>SENT|>MISSED|>ERRORS", add_port, out);
	fprintf(out, "%" PRIu64 " of %" PRIu64 " packet buffers in use\n",
		answer_number(result, "buffers_in_use"), answer_number(result, "buffers"));
}

// By family, address, length; what the workers use before the alternatives.
static int compare_routes(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	struct ip_prefix p = {0}, q = {0};
	int order;

	if (ip_prefix_parse(answer_text(x, "to"), &p) != 0 ||
		ip_prefix_parse(answer_text(y, "to"), &q) != 0)
		return strcmp(answer_text(x, "to"), answer_text(y, "to"));
	if (p.addr.family != q.addr.family)
		return p.addr.family < q.addr.family ? -1 : 1;
	order = memcmp(p.addr.bytes, q.addr.bytes, sizeof(p.addr.bytes));
	if (order != 0)
		return order;
	if (p.len != q.len)
		return p.len < q.len ? -1 : 1;
	if (answer_truth(x, "is_active") != answer_truth(y, "is_active"))
		return answer_truth(x, "is_active") ? -1 : 1;
	return answer_number(x, "metric") < answer_number(y, "metric") ? -1 : 1;
}

static void add_route(struct table *table, const json_t *route)
{
	const json_t *nexthops = json_object_get(route, "nexthops");
	const char *kind = answer_text(route, "kind");
	bool is_unicast = strcmp(kind, "unicast") == 0;
	size_t i = 0;

	do {
		const json_t *nexthop = json_array_get(nexthops, i);

		table_add(table, "%s", i > 0 ? "" : answer_truth(route, "is_active") ? "*" : "");
		table_add(table, "%s", i > 0 ? "" : answer_text(route, "to"));
		table_add(
			table, "%s", is_unicast ? answer_text_or(nexthop, "via", "on link") : kind);
		table_add(table, "%s", answer_text_or(nexthop, "interface", "-"));
		table_add(table, "%" PRIu64, answer_number(route, "metric"));
		table_add(table, "%s", answer_text(route, "protocol"));
	} while (++i < json_array_size(nexthops));
}

void print_routes(const json_t *result, FILE *out)
{
	struct table *table = table_new("|TO|VIA|INTERFACE|>METRIC|BY");
	json_t *list = json_object_get(result, "routes"), *one;
	size_t n = json_array_size(list), i;
	json_t **sorted = calloc(n + 1, sizeof(json_t *));

	if (table != NULL && sorted != NULL) {
		json_array_foreach(list, i, one) sorted[i] = one;
		qsort(sorted, n, sizeof(sorted[0]), compare_routes);
		for (i = 0; i < n; i++)
			add_route(table, sorted[i]);
	}
	free(sorted);
	answer_print(table, out);
	answer_print_rest(result, "routes", out);
	if (answer_number(result, "refused") > 0)
		fprintf(out, "%" PRIu64 " do not fit into the workers' tables and are not used\n",
			answer_number(result, "refused"));
}

static void add_neighbour(struct table *table, const json_t *neighbour)
{
	table_add(table, "%s", answer_text(neighbour, "addr"));
	table_add(table, "%s", answer_text(neighbour, "interface"));
	table_add(table, "%s", answer_text_or(neighbour, "mac", "-"));
	table_add(table, "%s", answer_text(neighbour, "state"));
}

void print_neighbours(const json_t *result, FILE *out)
{
	const json_t *counters = json_object_get(result, "counters");
	uint64_t refused = answer_number(counters, "refused_rate") +
			   answer_number(counters, "refused_open") +
			   answer_number(counters, "refused_full");

	answer_table(result, "neighbours", "ADDRESS|INTERFACE|MAC|STATE", add_neighbour, out);
	answer_print_rest(result, "neighbours", out);
	fprintf(out,
		"asked for %" PRIu64 ", no answer from %" PRIu64 ", over a limit %" PRIu64 "\n",
		answer_number(counters, "asked"), answer_number(counters, "failed"), refused);
}

static void add_endpoint(
	struct table *table, const json_t *flow, const char *addr_key, const char *port_key)
{
	const char *addr = answer_text(flow, addr_key);
	bool is_ipv6 = strchr(addr, ':') != NULL;

	if (addr[0] == '\0')
		table_add(table, "-");
	else
		table_add(table, is_ipv6 ? "[%s]:%" PRIu64 : "%s:%" PRIu64, addr,
			answer_number(flow, port_key));
}

static void add_flow(struct table *table, const json_t *flow)
{
	char unit[UNIT_BYTES];

	table_add(table, "%s", answer_text(flow, "protocol"));
	add_endpoint(table, flow, "src", "sport");
	add_endpoint(table, flow, "dst", "dport");
	add_endpoint(table, flow, "nat_src", "nat_sport");
	answer_add_bytes(table, flow, "tx_bytes");
	answer_add_bytes(table, flow, "rx_bytes");
	table_add(table, "%s", unit_seconds(answer_number(flow, "idle_sec"), unit));
	table_add(table, "%s", answer_text(flow, "state"));
}

void print_flows(const json_t *result, FILE *out)
{
	answer_table(result, "flows", "PROTO|FROM|TO|LEAVES AS|>SENT|>REPLIES|>IDLE|STATE",
		add_flow, out);
	answer_print_rest(result, "flows", out);
}

static void add_worker(struct table *table, const json_t *worker)
{
	uint64_t turns = answer_number(worker, "turns"), idle = answer_number(worker, "idle_turns");

	table_add(table, "%" PRIu64, answer_number(worker, "worker"));
	table_add(table, "%" PRIu64, answer_number(worker, "core"));
	answer_add_count(table, worker, "rx_packets");
	answer_add_count(table, worker, "handed_over");
	table_add(table, "%" PRIu64, answer_number(worker, "flows"));
	table_add(table, "%" PRIu64, answer_number(worker, "flow_capacity"));
	table_add(
		table, "%.1f%%", turns == 0 ? 0.0 : 100.0 * (double)(turns - idle) / (double)turns);
	answer_add_count(table, worker, "sleeps");
}

void print_workers(const json_t *result, FILE *out)
{
	answer_table(result, "workers",
		"WORKER|>CORE|>RECEIVED|>HANDED OVER|>FLOWS|>ROOM FOR|>BUSY|>SLEEPS", add_worker,
		out);
}

static void add_drop(struct table *table, const json_t *counter)
{
	table_add(table, "%s", answer_text(counter, "name"));
	table_add(table, "%" PRIu64, answer_number(counter, "packets"));
	table_add(table, "%s", answer_text(counter, "help"));
}

void print_drops(const json_t *result, FILE *out)
{
	answer_table(result, "counters", "COUNTER|>PACKETS|WHAT", add_drop, out);
}
