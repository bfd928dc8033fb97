// SPDX-License-Identifier: BSD-3-Clause
// Where a burst's clocks go: a line at the end of each of its steps. Nothing is left of it in what
// ships; `perf/bench steps` is a second build of the pipeline, in which each line reads the clock.
#pragma once

// In the order in which a burst passes them. Established packets: parse, key, probe, flow. Plain
// forwarding: parse, route, forward.
enum pipeline_step {
	PIPELINE_PARSE = 0,
	PIPELINE_KEY,
	PIPELINE_PROBE,
	PIPELINE_FLOW,
	PIPELINE_ROUTE,
	PIPELINE_FORWARD,
	PIPELINE_STEPS,
};

// Only where the clock is read: perf/bench_steps.c.
void pipeline_mark_read(enum pipeline_step step);

static inline void pipeline_mark(enum pipeline_step step)
{
#ifdef PIPELINE_HAS_MARKS
	pipeline_mark_read(step);
#endif
}
