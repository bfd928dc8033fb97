// SPDX-License-Identifier: BSD-3-Clause
#include <netinet/in.h>
#include <stdlib.h>

#include "control/api/flow_filter.h"

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

json_t *show_flow_json(const struct router *router, const struct dp_flow *flow)
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

struct flow_walk {
	const struct router *router;
	struct flow_filter filter;
	uint64_t cursor, n_taken;
	unsigned left;	     // of those to be shown
	struct flow_top top; // list NULL: shown as they are found
	unsigned top_at;
	bool is_walked;
};

static void free_flows(void *ctx)
{
	struct flow_walk *walk = ctx;

	if (walk->top.list != NULL)
		filter_end_large();
	free(walk->top.list);
	free(walk);
}

// What sorting takes.
static bool begin_top(struct flow_walk *walk, struct rpc_failure *failure)
{
	if (walk->left > FLOW_TOP_MAX)
		walk->left = FLOW_TOP_MAX;
	if (!filter_begin_large(failure))
		return false;
	walk->top = (struct flow_top){.sort = walk->filter.sort,
		.max = walk->left,
		.list = calloc(walk->left, sizeof(struct dp_flow))};
	if (walk->top.list == NULL)
		filter_end_large();
	return walk->top.list != NULL;
}

static void *begin_flows(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	struct flow_filter filter;
	struct flow_walk *walk;
	unsigned limit;

	if (!flow_filter_read(ctx, params, &filter, failure) ||
		!show_limit_of(params, &limit, failure))
		return NULL;
	walk = calloc(1, sizeof(*walk));
	if (walk == NULL)
		return NULL;
	*walk = (struct flow_walk){.router = ctx, .filter = filter, .left = limit};
	if (filter.sort == FLOW_SORT_NONE || begin_top(walk, failure))
		return walk;
	free(walk);
	return NULL;
}

static bool next_of_top(struct flow_walk *walk, json_t *rows)
{
	while (walk->top_at < walk->top.n && json_array_size(rows) < RPC_ROWS_MAX)
		json_array_append_new(
			rows, show_flow_json(walk->router, &walk->top.list[walk->top_at++]));
	return walk->top_at < walk->top.n;
}

// With a filter it looks at all: how many there are is said at the end.
static bool next_flows(void *ctx, json_t *rows)
{
	struct flow_walk *walk = ctx;
	struct dp_flow flows[RPC_ROWS_MAX];
	bool is_all = flow_filter_is_all(&walk->filter);
	unsigned n;

	if (walk->is_walked)
		return next_of_top(walk, rows);
	walk->is_walked =
		!dataplane_flows(walk->router->dp, &walk->cursor, flows, RPC_ROWS_MAX, &n);
	for (unsigned i = 0; i < n; i++) {
		if (!flow_filter_takes(&walk->filter, &flows[i]))
			continue;
		walk->n_taken++;
		if (walk->top.list != NULL) {
			flow_top_offer(&walk->top, &flows[i]);
		} else if (walk->left > 0) {
			json_array_append_new(rows, show_flow_json(walk->router, &flows[i]));
			walk->left--;
		}
	}
	if (!walk->is_walked)
		return !is_all || walk->left > 0;
	flow_top_sort(&walk->top);
	return walk->top.n > 0;
}

static json_t *end_flows(void *ctx)
{
	const struct flow_walk *walk = ctx;
	uint64_t total =
		flow_filter_is_all(&walk->filter) ? flows_total(walk->router) : walk->n_taken;

	return json_pack("{s:I}", "total", (json_int_t)total);
}

const struct rpc_walk show_flows = {"flows", NULL, begin_flows, next_flows, end_flows, free_flows};
