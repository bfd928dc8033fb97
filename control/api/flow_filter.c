// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/flow_filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool flow_filter_read(const struct router *router, const json_t *params, struct flow_filter *filter,
	struct rpc_failure *failure)
{
	static const char *const keys[] = {"from", "to", "from_port", "to_port", "protocol",
		"interface", "state", "sort", "limit", NULL};
	const json_t *state = json_object_get(params, "state");
	int sort;

	memset(filter, 0, sizeof(*filter));
	if (!show_check_names(params, keys, failure) ||
		!filter_read_prefix(params, "from", &filter->from, failure) ||
		!filter_read_prefix(params, "to", &filter->to, failure) ||
		!filter_read_port(params, "from_port", &filter->from_port, failure) ||
		!filter_read_port(params, "to_port", &filter->to_port, failure) ||
		!filter_read_protocol(params, &filter->protocol, failure) ||
		!filter_read_interface(router, params, &filter->interface, failure) ||
		!filter_read_choice(params, "sort", "bytes|packets|idle", &sort, failure))
		return false;
	filter->sort = (enum flow_sort)sort;
	if (state != NULL && !json_is_string(state)) {
		rpc_fail(failure, RPC_INVALID_PARAMS, "'state' must be a string");
		return false;
	}
	snprintf(filter->state, sizeof(filter->state), "%s",
		state == NULL ? "" : json_string_value(state));
	return true;
}

bool flow_filter_is_all(const struct flow_filter *filter)
{
	return filter->from.addr.family == IP_NONE && filter->to.addr.family == IP_NONE &&
	       filter->from_port < 0 && filter->to_port < 0 && filter->protocol < 0 &&
	       filter->interface < 0 && filter->state[0] == '\0' && filter->sort == FLOW_SORT_NONE;
}

bool flow_filter_takes(const struct flow_filter *filter, const struct dp_flow *flow)
{
	if (filter->protocol >= 0 && flow->protocol != filter->protocol)
		return false;
	if (filter->from_port >= 0 && flow->sport != filter->from_port)
		return false;
	if (filter->to_port >= 0 && flow->dport != filter->to_port &&
		flow->nat_dport != filter->to_port)
		return false;
	if (filter->interface >= 0 && flow->in_interface != filter->interface &&
		flow->out_interface != filter->interface)
		return false;
	if (!filter_contains(&filter->from, &flow->src))
		return false;
	if (!filter_contains(&filter->to, &flow->dst) &&
		!filter_contains(&filter->to, &flow->nat_dst))
		return false;
	return filter->state[0] == '\0' ||
	       (flow->state != NULL && strcmp(filter->state, flow->state) == 0);
}

// --- the largest: a heap with the smallest of them on top ---

static uint64_t size_of(const struct flow_top *top, const struct dp_flow *flow)
{
	switch (top->sort) {
	case FLOW_SORT_BYTES:
		return flow->bytes[0] + flow->bytes[1];
	case FLOW_SORT_PACKETS:
		return flow->packets[0] + flow->packets[1];
	case FLOW_SORT_IDLE:
		return flow->idle_sec;
	case FLOW_SORT_NONE:
		break;
	}
	return 0;
}

static void swap(struct flow_top *top, unsigned a, unsigned b)
{
	struct dp_flow flow = top->list[a];

	top->list[a] = top->list[b];
	top->list[b] = flow;
}

static bool is_smaller(const struct flow_top *top, unsigned a, unsigned b)
{
	return size_of(top, &top->list[a]) < size_of(top, &top->list[b]);
}

// Down from the top, among the first n.
static void sink(struct flow_top *top, unsigned n)
{
	for (unsigned i = 0, child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && is_smaller(top, child + 1, child))
			child++;
		if (!is_smaller(top, child, i))
			return;
		swap(top, i, child);
	}
}

void flow_top_offer(struct flow_top *top, const struct dp_flow *flow)
{
	if (top->n == top->max) {
		if (size_of(top, flow) <= size_of(top, &top->list[0]))
			return;
		top->list[0] = *flow;
		sink(top, top->n);
		return;
	}
	top->list[top->n] = *flow;
	for (unsigned i = top->n++; i > 0 && is_smaller(top, i, (i - 1) / 2); i = (i - 1) / 2)
		swap(top, i, (i - 1) / 2);
}

void flow_top_sort(struct flow_top *top)
{
	for (unsigned n = top->n; n > 1; n--) {
		swap(top, 0, n - 1);
		sink(top, n - 1);
	}
}
