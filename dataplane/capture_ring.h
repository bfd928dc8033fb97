// SPDX-License-Identifier: BSD-3-Clause
// A capture as the workers and control share it: a ring for each worker, who writes, and control,
// which reads. All else is set before the workers see it.
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#include "dataplane/capture_filter.h"
#include "dataplane/counter.h"
#include "dataplane/dataplane.h"

enum {
	CAPTURE_RING_BYTES = 2 << 20, // of each worker
	CAPTURE_NO_REASON = 0xff,
};

// What lies in a ring, and the packet's bytes behind it.
struct capture_record {
	uint32_t record_bytes; // 0: the rest of the ring is left out
	uint32_t packet_bytes;
	uint64_t tsc;
	int32_t rule;
	uint16_t captured_bytes;
	uint8_t kind, iface, reason;
};

static_assert((int)COUNTER_COUNT < (int)CAPTURE_NO_REASON, "a reason fits");

struct capture_worker {
	// the worker's
	_Atomic uint64_t head; // bytes ever written
	_Atomic uint64_t lost, unseen;
	uint8_t *ring;
	// control's
	_Atomic uint64_t tail __rte_cache_aligned; // bytes ever taken
	uint32_t taken_bytes;			   // by the record that was given out last
} __rte_cache_aligned;

struct capture {
	uint64_t interfaces;
	uint8_t kinds;
	uint16_t snap_bytes;
	bool is_thorough;
	struct capture_filter filter;
	unsigned n_workers;
	bool is_running;		 // control's: it is to be among the observers
	struct capture_worker workers[]; // by index
} __rte_cache_aligned;

// Two clocks, read together.
struct capture_clock {
	uint64_t tsc, wall_ns; // since 1970
};
// Control: what is said of a record; `data` are its bytes.
struct capture_clock capture_clock_now(void);
uint64_t capture_clock_wall_ns(const struct capture_clock *clock, uint64_t tsc);
void capture_describe(const struct capture_clock *clock, const struct capture_record *record,
	const uint8_t *data, struct dp_captured *out);
