// SPDX-License-Identifier: BSD-3-Clause
// The benchmark: frames offered in bursts to a target (the real pipeline, or the floor), the
// clocks of each burst counted, every packet that comes out compared with what it should be.
// One thread, pinned; clk are TSC clocks. perf/README.md says what is counted and what is not.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_mbuf.h>

#include "cfg/base/error.h"
#include "dataplane/worker.h"

enum {
	BENCH_STREAMS = 2,
	BENCH_POOL_PKTS = 512,	// buffers in turn, as many as a card's receive ring has
	BENCH_FRAME_BYTES = 64, // room for one; 60 are a minimal frame without its FCS
};

// A frame as it arrives, ready to be copied.
struct bench_frame {
	uint8_t bytes[BENCH_FRAME_BYTES];
} __rte_cache_aligned;

// Frames that arrive on one interface, in the order they are offered, round and round. The order
// is random when it is made, so the timed region draws no random numbers and memory is read as
// a card would deliver it: one after the other.
struct bench_stream {
	struct bench_frame *frames;
	uint32_t n, next;
	uint16_t frame_bytes;
	uint8_t iface;
};

// What must come out for a frame, and where.
struct bench_expected {
	struct bench_frame frame;
	uint8_t iface;
};

// What a burst became.
struct bench_sent {
	struct rte_mbuf *pkts[TX_BUFFER];
	uint8_t ifaces[TX_BUFFER];
	uint16_t frame_of[TX_BUFFER]; // bench_offer: which of the frames each was
};

struct bench_target;

struct bench_target_ops {
	// The timed region: takes a burst to the send buffers.
	void (*rx)(struct bench_target *t, uint8_t iface, struct rte_mbuf **pkts, unsigned n);
	// Empties the send buffers and says how many packets were in them. `out` may be NULL.
	unsigned (*take_sent)(struct bench_target *t, struct bench_sent *out);
	// Before each refill: what a worker does at the start of a turn.
	void (*turn)(struct bench_target *t);
	void (*expect)(const struct bench_target *t, unsigned stream, uint32_t frame,
		struct bench_expected *out);
	// Drops counted so far by name, for a message; "" when none.
	void (*describe_drops)(const struct bench_target *t, char *text, unsigned text_bytes);
	void (*free)(struct bench_target *t);
};

struct bench_target {
	const struct bench_target_ops *ops;
	struct bench_stream streams[BENCH_STREAMS];
	unsigned n_streams;
	unsigned next_stream;
};

struct bench_case {
	const char *name;
	const char *help;
	bool is_default; // run when no --case is given
	uint32_t n_routes;
	uint32_t n_flows;
	struct bench_target *(*make)(const struct bench_case *c, struct error *err);
};

// Ends with an entry without a name. The first is the floor.
extern const struct bench_case bench_cases[];

// --- bench_measure.c ---
struct bench_run {
	double clk;		// per packet, the timer's own cost taken off
	uint64_t n_interrupted; // bursts left out: the machine did something else meanwhile
};

// Buffers from `pool`, and what a pair of clock readings costs.
int bench_measure_init(struct rte_mempool *pool, struct error *err);
// Offers each frame once and compares what comes out, byte by byte.
int bench_verify(struct bench_target *t, unsigned burst, struct error *err);
// Untimed, so that caches hold what a busy router's would.
int bench_warm_up(struct bench_target *t, unsigned burst, struct error *err);
int bench_time(struct bench_target *t, unsigned burst, uint64_t n_pkts, struct bench_run *out,
	struct error *err);
// Instructions per packet, by single steps.
int bench_instructions(struct bench_target *t, unsigned burst, double *out, struct error *err);
// Offers frames that are not in a stream; for making flows. The packets stay where `sent` points
// until the next call of anything here.
int bench_offer(struct bench_target *t, uint8_t iface, const struct bench_frame *frames, unsigned n,
	uint16_t frame_bytes, struct bench_sent *sent, struct error *err);

// --- bench_step.c ---
// Instructions that `fn(arg)` executes, the call included.
uint64_t bench_count_steps(void (*fn)(void *), void *arg);

// --- bench_floor.c, bench_forward.c, bench_nat.c ---
struct bench_target *bench_floor_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_forward4_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_forward6_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_nat_make(const struct bench_case *c, struct error *err);

// --- bench_rules.c: n_routes rules, and a set of n_flows prefixes if not 0 ---
struct bench_target *bench_rules_make(const struct bench_case *c, struct error *err);

// --- bench_report.c ---
struct bench_result {
	const struct bench_case *c;
	double clk_median, clk_min;
	double floor_median; // of the floor's runs between this case's
	double ratio_median; // of the pairs' ratios
	double instructions; // per packet, 0 when not counted
	uint64_t n_interrupted;
	uint64_t transparent_kb; // of this process on transparent huge pages
};

uint64_t bench_transparent_kb(void);
void bench_report_table(
	const struct bench_result *results, unsigned n, unsigned n_runs, unsigned burst, int core);
void bench_report_json(
	const struct bench_result *results, unsigned n, unsigned n_runs, unsigned burst, int core);

// --- bench.c ---
// Pins the calling thread; a core of -1 becomes the last one that this process may use.
int bench_pin(int *core, struct error *err);
// 0, or -1 with a sentence on stderr.
int bench_parse_number(const char *option, const char *text, long min, long max, long *out);
