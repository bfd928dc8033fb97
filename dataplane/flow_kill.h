// SPDX-License-Identifier: BSD-3-Clause
// Flows that control wants ended: a ring of their names from control to each worker, which looks at
// it once a millisecond. Control fills, the worker empties; each counts what it has done.
#pragma once

#include <stdatomic.h>

#include "dataplane/flow_tuple.h"

enum {
	FLOW_KILLS_MAX = 1024, // that wait for a worker
	FLOW_KILLS_PER_MS = 128,
};

struct worker;

// The flow at that place, unless it is another one by then.
struct flow_kill {
	struct flow_tuple original;
	uint32_t place; // flow index
	bool resets;
};

struct flow_kills {
	struct flow_kill list[FLOW_KILLS_MAX];
	_Atomic uint32_t head; // control's: the next to be filled
	_Atomic uint32_t tail; // the worker's: the next to be done
	_Atomic uint64_t n_ended;
};

// The worker's, at the top of a turn. What it sends leaves with that turn.
void flow_kill_run(struct worker *w, struct flow_kills *kills);
