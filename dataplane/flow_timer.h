// SPDX-License-Identifier: BSD-3-Clause
// The timer wheel of a flow table: one-second slots, lists linked through the flows. A packet does
// not touch it; a flow is looked at when its slot comes round, and sent round again while it is in
// use. Worker threads.
#pragma once

#include "dataplane/flow_table.h"

enum { FLOW_TIMER_OFF = UINT16_MAX };

void flow_timer_init(struct flow_table *table);
// (Re)starts its timer: looked at again at `deadline_sec`.
void flow_timer_set(struct flow_table *table, struct flow *flow, uint32_t deadline_sec);
void flow_timer_stop(struct flow_table *table, struct flow *flow);

// A flow whose time is up, or NULL: none is left until `now_sec`, or `budget` flows have been
// looked at, which is counted down. The caller ends it before he asks again. `timeout` gives a
// flow's idle time by its state.
typedef uint32_t (*flow_timeout_fn)(const struct flow_state *state, const void *ctx);
struct flow *flow_timer_next(struct flow_table *table, uint32_t now_sec, unsigned *budget,
	flow_timeout_fn timeout, const void *ctx);
