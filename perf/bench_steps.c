// SPDX-License-Identifier: BSD-3-Clause
// `bench steps`: the clocks of a burst, step by step. The pipeline of this build reads the TSC at
// the end of each step (dataplane/pipeline_mark.h), between fences, so that a step's work ends in
// it; what a reading costs is measured and taken off each. The fences cost the overlap of a step
// with the next one, which is why the sum is somewhat above what `bench` says of the case.
#include "perf/bench_steps.h"

#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <x86intrin.h>

#include "cfg/base/log.h"
#include "dataplane/pipeline_mark.h"
#include "drivers/port.h"
#include "perf/bench.h"

enum {
	CASES_MAX = 16,
	RUNS_DEFAULT = 15,
	PKTS = 262144,
	BURSTS_MAX = PKTS / BURST + BENCH_POOL_PKTS,
	READINGS_MAX = 16, // of a burst
	READING_SAMPLES = 1001,
	INTERRUPTED = 16, // times the median burst, as bench_measure.c
	MBUFS = 4096,
	RESERVE_MB = 480,
};

static const char *const step_names[PIPELINE_STEPS] = {
	[PIPELINE_PARSE] = "parse",
	[PIPELINE_KEY] = "key",
	[PIPELINE_PROBE] = "probe",
	[PIPELINE_FLOW] = "flow",
	[PIPELINE_ROUTE] = "route",
	[PIPELINE_FORWARD] = "forward",
};

static const char *const default_cases[] = {
	"forward4", "forward6", "flow4-10k", "flow6-10k", "nat44-10k", "nat44-1m"};

struct reading {
	uint64_t clk;
	enum pipeline_step step; // that ended
};

// What a burst left; the last one is all of it.
struct burst_clocks {
	double of_steps[PIPELINE_STEPS + 1];
};

static struct {
	struct reading readings[READINGS_MAX];
	unsigned n_readings;
	double reading_clk; // what one costs
	struct bench_target *target;
	const struct bench_target_ops *ops; // the target's own
	struct burst_clocks bursts[BURSTS_MAX];
	unsigned n_bursts;
} steps;

// Never a part of who calls it: each costs the same.
__rte_noinline void pipeline_mark_read(enum pipeline_step step)
{
	struct reading *reading = &steps.readings[steps.n_readings++ % READINGS_MAX];

	_mm_lfence();
	reading->clk = __rdtsc();
	reading->step = step;
	_mm_lfence();
}

static void reading_calibrate(void)
{
	static double samples[READING_SAMPLES];

	for (unsigned i = 0; i < READING_SAMPLES; i++) {
		steps.n_readings = 0;
		pipeline_mark_read(PIPELINE_PARSE);
		pipeline_mark_read(PIPELINE_PARSE);
		samples[i] = (double)(steps.readings[1].clk - steps.readings[0].clk);
	}
	qsort(samples, READING_SAMPLES, sizeof(samples[0]), bench_compare_double);
	steps.reading_clk = samples[READING_SAMPLES / 2];
}

// In place of the target's own: a burst between two readings, and what its steps read.
static void steps_rx(struct bench_target *t, uint8_t iface, struct rte_mbuf **pkts, unsigned n)
{
	struct burst_clocks *clocks = &steps.bursts[steps.n_bursts % BURSTS_MAX];

	steps.n_readings = 0;
	pipeline_mark_read(PIPELINE_STEPS);
	steps.ops->rx(t, iface, pkts, n);
	*clocks = (struct burst_clocks){0};
	for (unsigned i = 1; i < RTE_MIN(steps.n_readings, (unsigned)READINGS_MAX); i++) {
		double clk = (double)(steps.readings[i].clk - steps.readings[i - 1].clk) -
			     steps.reading_clk;

		clocks->of_steps[steps.readings[i].step] += clk;
		clocks->of_steps[PIPELINE_STEPS] += clk;
	}
	steps.n_bursts++;
}

static int compare_bursts(const void *a, const void *b)
{
	const struct burst_clocks *x = a, *y = b;

	return bench_compare_double(&x->of_steps[PIPELINE_STEPS], &y->of_steps[PIPELINE_STEPS]);
}

// Clocks per packet of each step, onto zeros; interrupted bursts left out.
static int run_sum(double *of_steps, struct error *err)
{
	unsigned n = RTE_MIN(steps.n_bursts, (unsigned)BURSTS_MAX), n_kept = 0;
	double limit;

	if (steps.n_readings < 2)
		return error_set(err, "no step read the clock: the pipeline of this program is the "
				      "one that ships");
	if (steps.n_readings > READINGS_MAX)
		return error_set(err, "a burst took %u readings", steps.n_readings);
	qsort(steps.bursts, n, sizeof(steps.bursts[0]), compare_bursts);
	limit = steps.bursts[n / 2].of_steps[PIPELINE_STEPS] * INTERRUPTED;
	for (; n_kept < n && steps.bursts[n_kept].of_steps[PIPELINE_STEPS] <= limit; n_kept++)
		for (unsigned s = 0; s <= PIPELINE_STEPS; s++)
			of_steps[s] += steps.bursts[n_kept].of_steps[s];
	for (unsigned s = 0; s <= PIPELINE_STEPS; s++)
		of_steps[s] /= (double)n_kept * BURST;
	return 0;
}

static int case_measure(
	const struct bench_case *c, unsigned n_runs, struct burst_clocks *out, struct error *err)
{
	static double clk[PIPELINE_STEPS + 1][BENCH_RUNS_MAX];
	struct bench_target *t = c->make(c, err);
	struct bench_target_ops ops;
	int rc = -1;

	if (t == NULL)
		return -1;
	ops = *t->ops;
	ops.rx = steps_rx;
	steps.ops = t->ops;
	if (bench_verify(t, BURST, err) < 0)
		goto out;
	t->ops = &ops;
	for (unsigned i = 0; i < n_runs; i++) {
		double of_steps[PIPELINE_STEPS + 1] = {0};
		struct bench_run run;

		if (bench_warm_up(t, BURST, err) < 0)
			goto out;
		steps.n_bursts = 0;
		if (bench_time(t, BURST, PKTS, &run, err) < 0 || run_sum(of_steps, err) < 0)
			goto out;
		for (unsigned s = 0; s <= PIPELINE_STEPS; s++)
			clk[s][i] = of_steps[s];
	}
	for (unsigned s = 0; s <= PIPELINE_STEPS; s++) {
		qsort(clk[s], n_runs, sizeof(clk[s][0]), bench_compare_double);
		out->of_steps[s] = clk[s][n_runs / 2];
	}
	rc = 0;
out:
	t->ops = steps.ops;
	t->ops->free(t);
	return rc;
}

// --- what it says ---

static void table_print(const struct bench_case *const *cases, const struct burst_clocks *clocks,
	unsigned n_cases, unsigned n_runs)
{
	printf("clk per packet of each step, median of %u runs; a reading costs %.0f clk a burst, "
	       "taken off\n\n%-16s",
		n_runs, steps.reading_clk, "case");
	for (unsigned s = 0; s < PIPELINE_STEPS; s++)
		printf(" %8s", step_names[s]);
	printf(" %8s\n", "all");
	for (unsigned i = 0; i < n_cases; i++) {
		printf("%-16s", cases[i]->name);
		for (unsigned s = 0; s <= PIPELINE_STEPS; s++)
			printf(" %8.1f", clocks[i].of_steps[s]);
		printf("\n");
	}
}

static void json_print(const struct bench_case *const *cases, const struct burst_clocks *clocks,
	unsigned n_cases, unsigned n_runs, int core)
{
	bench_report_json_machine(n_runs, BURST, core);
	printf("  \"reading_cycles_per_burst\": %.1f,\n  \"steps\": [", steps.reading_clk);
	for (unsigned i = 0; i < n_cases; i++) {
		const char *separator = "";

		printf("%s\n    {\"name\": \"%s\", \"cycles_per_packet\": %.2f, \"cycles\": {",
			i > 0 ? "," : "", cases[i]->name, clocks[i].of_steps[PIPELINE_STEPS]);
		for (unsigned s = 0; s < PIPELINE_STEPS; s++) {
			if (clocks[i].of_steps[s] == 0) // not on its way
				continue;
			printf("%s\"%s\": %.2f", separator, step_names[s], clocks[i].of_steps[s]);
			separator = ", ";
		}
		printf("}}");
	}
	printf("\n  ]\n}\n");
}

struct steps_options {
	const struct bench_case *cases[CASES_MAX];
	unsigned n_cases, n_runs;
	int core; // -1: the last one this process may use
	bool allows_huge, is_json;
};

static int case_add(struct steps_options *o, const char *name)
{
	const struct bench_case *c = bench_case_find(name);

	if (c != NULL && o->n_cases < CASES_MAX) {
		o->cases[o->n_cases++] = c;
		return 0;
	}
	fprintf(stderr,
		c == NULL ? "bench: no case '%s', see --list\n"
			  : "bench: one case too many: '%s'\n",
		name);
	return -1;
}

static int options_parse(int argc, char **argv, struct steps_options *o)
{
	static const struct option longs[] = {
		{"case", required_argument, NULL, 'c'},
		{"runs", required_argument, NULL, 'r'},
		{"core", required_argument, NULL, 'C'},
		{"no-huge", no_argument, NULL, 'H'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	long number;
	int option;

	*o = (struct steps_options){.n_runs = RUNS_DEFAULT, .core = -1, .allows_huge = true};
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == 'c') {
			if (case_add(o, optarg) < 0)
				return -1;
		} else if (option == 'r') {
			if (bench_parse_number("runs", optarg, 1, BENCH_RUNS_MAX, &number) < 0)
				return -1;
			o->n_runs = (unsigned)number;
		} else if (option == 'C') {
			if (bench_parse_number("core", optarg, 0, CPU_SETSIZE - 1, &number) < 0)
				return -1;
			o->core = (int)number;
		} else if (option == 'H') {
			o->allows_huge = false;
		} else if (option == 'j') {
			o->is_json = true;
		} else {
			return -1;
		}
	}
	if (o->n_cases > 0)
		return 0;
	for (unsigned i = 0; i < RTE_DIM(default_cases); i++)
		o->cases[o->n_cases++] = bench_case_find(default_cases[i]);
	return 0;
}

static int run_all(struct steps_options *o, struct error *err)
{
	static struct burst_clocks clocks[CASES_MAX];
	struct drivers_options drivers = {
		.try_hugepages = o->allows_huge,
		.n_mbufs = MBUFS,
		.mtu_max = 1500,
		.main_core = -1,
	};
	uint32_t reserve_mb = 0;

	for (unsigned i = 0; i < o->n_cases; i++)
		reserve_mb = RTE_MAX(reserve_mb, o->cases[i]->reserve_mb);
	drivers.reserve_bytes = (uint64_t)(RESERVE_MB + reserve_mb) << 20;
	if (bench_pin(&o->core, err) < 0 || drivers_start(&drivers, err) < 0 ||
		bench_measure_init(drivers_pool(), err) < 0)
		return -1;
	reading_calibrate();
	for (unsigned i = 0; i < o->n_cases; i++)
		if (case_measure(o->cases[i], o->n_runs, &clocks[i], err) < 0)
			return -1;
	if (o->is_json)
		json_print(o->cases, clocks, o->n_cases, o->n_runs, o->core);
	else
		table_print(o->cases, clocks, o->n_cases, o->n_runs);
	return 0;
}

int bench_steps_main(int argc, char **argv)
{
	struct steps_options o;
	struct error err = {0};

	if (options_parse(argc, argv, &o) < 0)
		return 2;
	log_set_level(LOG_LEVEL_WARNING);
	if (run_all(&o, &err) < 0) {
		fprintf(stderr, "bench: %s\n", err.text);
		return 1;
	}
	return 0;
}
