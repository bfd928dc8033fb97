// SPDX-License-Identifier: BSD-3-Clause
// A capture as the workers and control share it: a ring for each worker, who writes, and control,
// which reads. All else is set before the workers see it.
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#include "dataplane/capture_filter.h"
#include "dataplane/counter.h"

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
	int64_t credit_clk;
	uint64_t now_tsc;    // as the clock was read last
	uint64_t credit_tsc; // up to which credit has been given
	uint64_t idle_turns;
	uint8_t iface; // of the burst at hand
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
	struct capture_worker workers[]; // by index
} __rte_cache_aligned;
