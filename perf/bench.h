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
	BENCH_POOL_PKTS = 512,	 // buffers in turn, as many as a card's receive ring has
	BENCH_EXIT_OVER = 3,	 // a goal was missed, with --strict
	BENCH_FRAME_BYTES = 128, // room for one; only the cache lines that it takes are read
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
	// Not timed, or NULL: what another has done to a burst before it comes to `rx`. A whole
	// refill at a time, so that headers are no nearer than a card would have put them.
	void (*prepare)(struct bench_target *t, uint8_t iface, struct rte_mbuf **pkts, unsigned n);
	// The timed region: takes a burst to the send buffers.
	void (*rx)(struct bench_target *t, uint8_t iface, struct rte_mbuf **pkts, unsigned n);
	// Empties the send buffers and says how many packets were in them; of a sink: how many were
	// counted as what they should be since it was last asked. `out` may be NULL.
	unsigned (*take_sent)(struct bench_target *t, struct bench_sent *out);
	// Before each refill: what a worker does at the start of a turn.
	void (*turn)(struct bench_target *t);
	// `out` comes with what was sent: some of it the router is free to choose.
	void (*expect)(const struct bench_target *t, unsigned stream, uint32_t frame,
		struct bench_expected *out);
	// After all frames have been looked at, or NULL: do the counters say what they should?
	int (*verify_counts)(struct bench_target *t, uint64_t n_offered, struct error *err);
	// After the runs, or NULL: what else is to be said; true when it is over its goal.
	bool (*note)(struct bench_target *t, char *text, unsigned text_bytes);
	// Drops counted so far by name, for a message; "" when none.
	void (*describe_drops)(const struct bench_target *t, char *text, unsigned text_bytes);
	void (*free)(struct bench_target *t);
};

struct bench_target {
	const struct bench_target_ops *ops;
	struct bench_stream streams[BENCH_STREAMS];
	unsigned n_streams;
	unsigned next_stream;
	bool is_sink;	    // no packet comes out: each refill takes buffers from the pool
	bool never_rewinds; // what was offered last must not come again soon
};

// The most that each may be; 0: no goal. clk are those of a TSC of 2.1 GHz, taken as they are: on a
// faster TSC they are the stricter for it.
struct bench_goal {
	double floor_ratio, clk;
	double base_ratio;     // times the base
	double base_extra_clk; // more than the base
};

struct bench_case {
	const char *name;
	const char *help;
	bool is_default; // run when no --case is given
	uint32_t n_routes;
	uint32_t n_flows;
	struct bench_target *(*make)(const struct bench_case *c, struct error *err);
	struct bench_goal goal;
	const char *base;    // another case that takes turns with this one; NULL: none
	uint32_t reserve_mb; // of DPDK's memory, beyond what all have
};

// Ends with an entry without a name. The first is the floor.
extern const struct bench_case bench_cases[];
// More of them, run only when asked for by name.
extern const struct bench_case bench_series[];

// --- bench_measure.c ---
struct bench_run {
	double clk;		// per packet, the timer's own cost taken off
	uint64_t n_interrupted; // bursts left out: the machine did something else meanwhile
	double burst_median_clk, burst_p999_clk, burst_longest_clk; // of all, none left out
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

// --- bench_floor.c, bench_forward.c, bench_fib.c, bench_nat.c, bench_vlan.c ---
struct bench_target *bench_vlan_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_floor_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_forward4_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_forward6_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_fib4_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_fib6_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_nat_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_nat_open_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_nat_pool_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_flow4_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_flow6_make(const struct bench_case *c, struct error *err);

// --- bench_new_flow.c, bench_flood.c, bench_handover.c ---
struct bench_target *bench_new_flow_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_drop_flood_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_log_flood_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_rate_flood_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_set_flood_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_handover_home_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_handover_give_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_handover_take_make(const struct bench_case *c, struct error *err);

// --- bench_capture.c ---
struct bench_target *bench_capture_nat_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_capture_forward_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_capture_drop_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_recorder_nat_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_recorder_forward_make(const struct bench_case *c, struct error *err);
struct bench_target *bench_recorder_drop_make(const struct bench_case *c, struct error *err);

struct bench_run_options {
	unsigned n_runs, burst;
	uint64_t n_pkts;
	bool counts_instructions;
};

// --- bench_rules.c: n_routes rules, and a set of n_flows prefixes if not 0 ---
struct bench_target *bench_rules_make(const struct bench_case *c, struct error *err);

// --- bench_report.c ---
struct bench_result {
	const struct bench_case *c;
	double clk_median, clk_min;
	double floor_median;			     // of the floor's runs between this case's
	double ratio_median;			     // of the pairs' ratios
	double base_ratio_median, base_extra_median; // of the pairs' ratios and differences; or 0
	double instructions;			     // per packet, 0 when not counted
	char note[160];
	bool is_note_over;
	uint64_t n_interrupted;
	uint64_t transparent_kb; // of this process on transparent huge pages
};

uint64_t bench_transparent_kb(void);
uint64_t bench_resident_kb(void);
// Has it missed a goal?
bool bench_is_over(const struct bench_result *r);
void bench_report_table(
	const struct bench_result *results, unsigned n, unsigned n_runs, unsigned burst, int core);
// The beginning of a JSON object: where and how it was measured.
void bench_report_json_machine(unsigned n_runs, unsigned burst, int core);
void bench_report_json(
	const struct bench_result *results, unsigned n, unsigned n_runs, unsigned burst, int core);

// --- bench_run.c ---
// What this thread has had of a processor: the others on the machine are not the router's doing.
double bench_cpu_sec(void);
int bench_compare_double(const void *a, const void *b); // for qsort

enum { BENCH_RUNS_MAX = 1001 };

// Median and best of `n_runs` runs of the floor, the case's base and the case in turn, after each
// has been proven right.
int bench_run_case(struct bench_target *floor, const struct bench_case *c,
	const struct bench_run_options *o, struct bench_result *out, struct error *err);

// --- bench.c ---
const struct bench_case *bench_case_find(const char *name);
// Pins the calling thread; a core of -1 becomes the last one that this process may use.
int bench_pin(int *core, struct error *err);
// 0, or -1 with a sentence on stderr.
int bench_parse_number(const char *option, const char *text, long min, long max, long *out);
