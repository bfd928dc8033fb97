// SPDX-License-Identifier: BSD-3-Clause
// millrace-traffic: sends frames of a file at a steady pace into one port and counts what comes
// out of another, with the time that each was on its way. One thread, which polls. Times are TSC
// clocks, rates packets per second.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
	TRAFFIC_BURST_PKTS = 32,
	TRAFFIC_FRAME_BYTES_MAX = 1600,
	TRAFFIC_STAMP_BYTES = 16, // at the end of each frame, within its payload
};

struct traffic_frame {
	uint16_t len;
	uint8_t bytes[];
};

// All frames of a file, one after the other, in the order they are sent in.
struct traffic_frames {
	uint32_t n;
	struct traffic_frame **list;
};

// Reads a capture file of the classic format in this machine's byte order. 0, or -1 having said
// on stderr what is wrong with it.
int traffic_frames_read(const char *path, struct traffic_frames *frames);
void traffic_frames_free(struct traffic_frames *frames);

// Sixty-four buckets to each power of two: a percentile is right to 1.6 %.
enum {
	HISTOGRAM_SUB_BITS = 6,
	HISTOGRAM_BUCKETS = (64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS,
};

struct histogram {
	uint64_t n, max;
	uint64_t counts[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value);

// The least value that so many of a thousand are not above; 0 of an empty one.
uint64_t histogram_permille(const struct histogram *histogram, unsigned permille);

// A side sends its frames in turn, and what it receives was sent by the other.
struct traffic_side {
	uint16_t port;
	struct traffic_frames frames;
	uint32_t next;
	uint64_t seen_clk; // the stamp of what it has received last: no two are the same
};

struct traffic_plan {
	double rate; // of both sides together; 0: whatever the ports take
	double warm_sec, count_sec;
	unsigned rest_us;		 // asleep where nothing is due; 0: it polls on
	const volatile bool *is_stopped; // by a signal: the counting ends early
};

struct traffic_result {
	double seconds;
	uint64_t sent, refused, received; // refused: the port had no room
	uint64_t disordered; // came again, or after one that was sent later into the same side
	uint64_t pause_count, pause_clk, pause_max_clk; // somebody else had this core
	struct histogram latency_clk; // of those that did not come while we were away
};

struct rte_mempool;

// Runs the plan to its end, and says "sending" on stderr when it counts. `sides` are two. 0, or -1
// having said on stderr that frames do not get through at all.
int traffic_run(const struct traffic_plan *plan, struct traffic_side *sides,
	struct rte_mempool *pool, struct traffic_result *result);
