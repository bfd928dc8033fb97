// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/flow_cut.h"

#include "dataplane/conntrack.h"
#include "dataplane/hold.h"

enum { FLOWS_A_TURN = 128 };

// What others had given it by then may still speak of the interface: it goes first.
static bool has_taken_in(const struct worker *w)
{
	return (int32_t)(w->inbox->cons.tail - w->cut.inbox_until) >= 0;
}

static void begin(struct worker *w, uint32_t serial)
{
	w->cut.serial = serial;
	w->cut.next = 0;
	w->cut.ids = atomic_load_explicit(&w->dp->cut.ids, memory_order_relaxed);
	w->cut.inbox_until = __atomic_load_n(&w->inbox->prod.tail, __ATOMIC_RELAXED);
	hold_drop_interfaces(w, w->cut.ids);
}

void flow_cut_slice(struct worker *w, uint32_t serial)
{
	uint32_t end;

	if (w->cut.serial != serial)
		begin(w, serial);
	end = RTE_MIN(w->cut.next + FLOWS_A_TURN, w->flows.n_touched);
	for (; w->cut.next < end; w->cut.next++) {
		struct flow *flow = &w->flows.flows[w->cut.next];

		if (flow->state.state == FLOW_FREE ||
			(!interface_is_among(w->cut.ids, flow->state.in_iface) &&
				!interface_is_among(w->cut.ids, flow->state.out_iface)))
			continue;
		worker_count(w, COUNTER_FLOW_CUT);
		conntrack_end(w, flow);
	}
	if (w->cut.next >= w->flows.n_touched && has_taken_in(w))
		atomic_store_explicit(&w->cut.done, serial, memory_order_release);
}

uint64_t flow_cut_pending(struct dataplane *dp)
{
	uint32_t serial = atomic_load(&dp->cut.serial);

	for (unsigned i = 0; i < dp->options.n_workers; i++)
		if (atomic_load(&dp->workers[i].cut.done) != serial)
			return atomic_load(&dp->cut.ids);
	atomic_store(&dp->cut.ids, 0);
	return 0;
}

void flow_cut_interface(struct dataplane *dp, int id)
{
	uint64_t ids = flow_cut_pending(dp) | UINT64_C(1) << id;

	atomic_store(&dp->cut.ids, ids);
	atomic_fetch_add_explicit(&dp->cut.serial, 1, memory_order_release);
	for (unsigned i = 0; i < dp->options.n_workers; i++) {
		struct worker *w = dataplane_worker(dp, i);

		worker_wake(w);
		while (!w->is_running && flow_cut_turn(w))
			worker_poll_inbox(w);
	}
}
