// SPDX-License-Identifier: BSD-3-Clause
// Which flows are asked for, and which of them are the largest: what `show.flows` takes. Control
// thread.
#pragma once

#include "control/api/filter.h"

enum { FLOW_TOP_MAX = 1000 };

enum flow_sort {
	FLOW_SORT_NONE = -1,
	FLOW_SORT_BYTES, // both directions
	FLOW_SORT_PACKETS,
	FLOW_SORT_IDLE, // the one that rested longest first
};

struct flow_filter {
	struct ip_prefix from, to; // family IP_NONE: any
	int from_port, to_port;	   // -1: any, and so below
	int protocol;
	int interface; // it comes in or leaves by
	char state[32];
	enum flow_sort sort;
};

// False with *failure filled.
bool flow_filter_read(const struct router *router, const json_t *params, struct flow_filter *filter,
	struct rpc_failure *failure);
bool flow_filter_is_all(const struct flow_filter *filter);
bool flow_filter_takes(const struct flow_filter *filter, const struct dp_flow *flow);

// The largest few of many, in `list` with room for `max`; `n` at the start 0.
struct flow_top {
	enum flow_sort sort;
	unsigned n, max;
	struct dp_flow *list;
};
void flow_top_offer(struct flow_top *top, const struct dp_flow *flow);
void flow_top_sort(struct flow_top *top); // largest first, once all were offered
