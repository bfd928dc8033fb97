// SPDX-License-Identifier: BSD-3-Clause
// A case beside the floor and, for some, beside another case: they take turns in one process, so
// that what else the machine does hits them all, and what is said of two is the median over the
// pairs.
#include "perf/bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int bench_compare_double(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

// Sorts them.
static double median(double *values, unsigned n)
{
	qsort(values, n, sizeof(*values), bench_compare_double);
	return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double bench_cpu_sec(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int time_warm(const struct bench_run_options *o, struct bench_target *t,
	struct bench_run *run, struct error *err)
{
	return bench_warm_up(t, o->burst, err) < 0 ? -1
						   : bench_time(t, o->burst, o->n_pkts, run, err);
}

// `t` is the floor itself for the floor's own case; `base` may be NULL.
static int measure(struct bench_target *floor, struct bench_target *base, struct bench_target *t,
	const struct bench_run_options *o, struct bench_result *out, struct error *err)
{
	static double clk[BENCH_RUNS_MAX], floor_clk[BENCH_RUNS_MAX], ratio[BENCH_RUNS_MAX];
	static double base_ratio[BENCH_RUNS_MAX], base_extra[BENCH_RUNS_MAX];

	for (unsigned i = 0; i < o->n_runs; i++) {
		struct bench_run floor_run, base_run, run;

		if (time_warm(o, floor, &floor_run, err) < 0)
			return -1;
		if (base != NULL && time_warm(o, base, &base_run, err) < 0)
			return -1;
		run = floor_run;
		if (t != floor && time_warm(o, t, &run, err) < 0)
			return -1;
		clk[i] = run.clk;
		floor_clk[i] = floor_run.clk;
		ratio[i] = run.clk / floor_run.clk;
		if (base != NULL) {
			base_ratio[i] = run.clk / base_run.clk;
			base_extra[i] = run.clk - base_run.clk;
		}
		out->n_interrupted += run.n_interrupted;
	}
	out->transparent_kb = bench_transparent_kb();
	out->clk_median = median(clk, o->n_runs);
	out->clk_min = clk[0];
	out->floor_median = median(floor_clk, o->n_runs);
	out->ratio_median = median(ratio, o->n_runs);
	if (base != NULL) {
		out->base_ratio_median = median(base_ratio, o->n_runs);
		out->base_extra_median = median(base_extra, o->n_runs);
	}
	if (t->ops->note != NULL)
		out->is_note_over = t->ops->note(t, out->note, sizeof(out->note));
	if (o->counts_instructions)
		return bench_instructions(t, o->burst, &out->instructions, err);
	return 0;
}

static struct bench_target *make_verified(
	const struct bench_case *c, unsigned burst, struct error *err)
{
	struct bench_target *t = c->make(c, err);

	if (t != NULL && bench_verify(t, burst, err) < 0) {
		t->ops->free(t);
		return NULL;
	}
	return t;
}

int bench_run_case(struct bench_target *floor, const struct bench_case *c,
	const struct bench_run_options *o, struct bench_result *out, struct error *err)
{
	bool is_floor = c == &bench_cases[0];
	struct bench_target *base = NULL;
	struct bench_target *t = is_floor ? floor : make_verified(c, o->burst, err);
	char text[sizeof(err->text)];
	int rc = -1;

	*out = (struct bench_result){.c = c};
	if (t != NULL && c->base != NULL)
		base = make_verified(bench_case_find(c->base), o->burst, err);
	if (t != NULL && (c->base == NULL || base != NULL))
		rc = measure(floor, base, t, o, out, err);
	if (rc < 0) {
		memcpy(text, err->text, sizeof(text));
		error_set(err, "%s: %s", c->name, text);
	}
	if (base != NULL)
		base->ops->free(base);
	if (t != NULL && !is_floor)
		t->ops->free(t);
	return rc;
}
