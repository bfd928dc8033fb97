// SPDX-License-Identifier: BSD-3-Clause
// The last lines of a log, in memory: so many of each part, so that a part that says much does not
// wash away what the others said. One thread at a time.
#pragma once

#include "cfg/base/log.h"

enum { LOG_RING_LINES = 200 }; // of each part

struct log_ring {
	struct log_ring_part {
		struct log_kept *lines[LOG_RING_LINES];
		uint64_t n; // that there ever were; the i-th is at i % LOG_RING_LINES
	} parts[LOG_PARTS];
};

void log_ring_add(struct log_ring *ring, const struct log_line *line); // without memory: not

// Calls `fn` with the newest `limit` lines that the query wants, the oldest of them first. Returns
// how many it wants.
unsigned log_ring_walk(const struct log_ring *ring, const struct log_query *query, unsigned limit,
	log_line_fn fn, void *ctx);
