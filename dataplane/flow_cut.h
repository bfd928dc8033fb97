// SPDX-License-Identifier: BSD-3-Clause
// The flows of an interface that has gone: ended by their workers, some at a time, so that no other
// flow's packet waits for it. Until each worker is done, the interface's id is not given to
// another. Control asks, workers do.
#pragma once

#include "dataplane/dataplane_internal.h"

// Control, after the workers have passed by the snapshot without it. Workers that do not run are
// done when this returns.
void flow_cut_interface(struct dataplane *dp, int id);
// Control: bits 1 << id whose flows may still be there.
uint64_t flow_cut_pending(struct dataplane *dp);

// The part of a turn that looks at flows; flow_cut_turn has found that there is something to do.
void flow_cut_slice(struct worker *w, uint32_t serial);

// Worker, at the end of each turn. True: there is more to do.
static inline bool flow_cut_turn(struct worker *w)
{
	uint32_t serial = atomic_load_explicit(&w->dp->cut.serial, memory_order_acquire);

	if (likely(serial == atomic_load_explicit(&w->cut.done, memory_order_relaxed)))
		return false;
	flow_cut_slice(w, serial);
	return true;
}
