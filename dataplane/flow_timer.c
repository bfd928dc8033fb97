// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/flow_timer.h"

static_assert(WHEEL_SLOTS < UINT16_MAX, "a slot fits in flow_state.timer_slot");

void flow_timer_init(struct flow_table *table)
{
	for (unsigned i = 0; i < WHEEL_SLOTS; i++)
		table->wheel[i] = FLOW_NONE;
}

void flow_timer_stop(struct flow_table *table, struct flow *flow)
{
	struct flow_state *state = &flow->state;

	if (state->timer_slot == FLOW_TIMER_OFF)
		return;
	if (state->timer_prev != FLOW_NONE)
		table->flows[state->timer_prev].state.timer_next = state->timer_next;
	else
		table->wheel[state->timer_slot] = state->timer_next;
	if (state->timer_next != FLOW_NONE)
		table->flows[state->timer_next].state.timer_prev = state->timer_prev;
	state->timer_slot = FLOW_TIMER_OFF;
}

void flow_timer_set(struct flow_table *table, struct flow *flow, uint32_t deadline_sec)
{
	struct flow_state *state = &flow->state;
	uint32_t soonest = table->wheel_sec + 1;
	uint32_t latest = table->wheel_sec + WHEEL_SLOTS - 1;
	uint32_t head;

	flow_timer_stop(table, flow);
	if ((int32_t)(deadline_sec - soonest) < 0)
		deadline_sec = soonest;
	else if ((int32_t)(deadline_sec - latest) > 0)
		deadline_sec = latest; // looked at then, and sent round again
	state->timer_slot = (uint16_t)(deadline_sec % WHEEL_SLOTS);
	head = table->wheel[state->timer_slot];
	state->timer_next = head;
	state->timer_prev = FLOW_NONE;
	if (head != FLOW_NONE)
		table->flows[head].state.timer_prev = flow_index(table, flow);
	table->wheel[state->timer_slot] = flow_index(table, flow);
}

static uint32_t deadline_of(const struct flow *flow, flow_timeout_fn timeout, const void *ctx)
{
	return flow_last_seen_sec(flow) + timeout(&flow->state, ctx);
}

// While one ends, what the next one's end will touch comes, and the lines of the one behind that:
// who is next in a slot is known by its neighbour alone.
static void look_ahead(struct flow_table *table, const struct flow *flow, uint32_t now_sec,
	flow_timeout_fn timeout, const void *ctx)
{
	const struct flow *next, *second;

	if (flow->state.timer_next == FLOW_NONE)
		return;
	next = &table->flows[flow->state.timer_next];
	if ((int32_t)(deadline_of(next, timeout, ctx) - now_sec) <= 0)
		flow_prefetch_end(table, next);
	if (next->state.timer_next == FLOW_NONE)
		return;
	second = &table->flows[next->state.timer_next];
	rte_prefetch0(&second->state);
	rte_prefetch0(&second->dir[0]);
	rte_prefetch0(&second->dir[1]);
}

struct flow *flow_timer_next(struct flow_table *table, uint32_t now_sec, unsigned *budget,
	flow_timeout_fn timeout, const void *ctx)
{
	while ((int32_t)(now_sec - table->wheel_sec) > 0) {
		uint32_t slot = (table->wheel_sec + 1) % WHEEL_SLOTS;

		while (table->wheel[slot] != FLOW_NONE) {
			struct flow *flow = &table->flows[table->wheel[slot]];
			uint32_t deadline;

			if (*budget == 0)
				return NULL;
			--*budget;
			look_ahead(table, flow, now_sec, timeout, ctx);
			deadline = deadline_of(flow, timeout, ctx);
			if ((int32_t)(deadline - now_sec) <= 0)
				return flow;
			// at least one slot ahead of the one being emptied
			flow_timer_stop(table, flow);
			flow_timer_set(table, flow,
				(int32_t)(deadline - table->wheel_sec) > 1 ? deadline
									   : table->wheel_sec + 2);
		}
		table->wheel_sec++;
	}
	return NULL;
}
