// SPDX-License-Identifier: BSD-3-Clause
#include <netinet/in.h>
#include <stdlib.h>

#include "control/api/show_parts.h"

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

struct flow_walk {
	const struct router *router;
	uint64_t cursor;
	unsigned left;
};

static void *begin_flows(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	struct flow_walk *walk;
	unsigned limit;

	if (!show_read_limit(params, &limit, failure))
		return NULL;
	walk = calloc(1, sizeof(*walk));
	if (walk != NULL)
		*walk = (struct flow_walk){.router = ctx, .left = limit};
	return walk;
}

static bool next_flows(void *ctx, json_t *rows)
{
	struct flow_walk *walk = ctx;
	struct dp_flow flows[RPC_ROWS_MAX];
	unsigned max = walk->left < RPC_ROWS_MAX ? walk->left : RPC_ROWS_MAX, n;
	bool is_more = dataplane_flows(walk->router->dp, &walk->cursor, flows, max, &n);

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(rows, flow_json(walk->router, &flows[i]));
	walk->left -= n;
	return is_more && walk->left > 0;
}

static json_t *end_flows(void *ctx)
{
	const struct flow_walk *walk = ctx;

	return json_pack("{s:I}", "total", (json_int_t)flows_total(walk->router));
}

const struct rpc_walk show_flows = {"flows", NULL, begin_flows, next_flows, end_flows, free};
