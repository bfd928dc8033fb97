// SPDX-License-Identifier: BSD-3-Clause
// Floor and case take turns in one process, so that what else the machine does hits both; the
// ratio is the median of the pairs' ratios.
#include "perf/bench.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg/base/log.h"
#include "drivers/port.h"
#include "perf/bench_vdev.h"

enum {
	CASES_MAX = 16,
	RUNS_MAX = 1001,
	RUNS_DEFAULT = 21,
	PKTS_DEFAULT = 262144,
	PKTS_MAX = 1 << 26,
	MBUFS = 4096,
	RESERVE_MB = 320, // the floor's and the case's FIBs
};

const struct bench_case bench_cases[] = {
	{"floor", "the least any router does to an IPv4 frame, 1000 routes", true, 1000, 0,
		bench_floor_make},
	{"forward4", "IPv4, nothing stateful, 1000 routes, 16 gateways", true, 1000, 0,
		bench_forward4_make},
	{"forward4-1route", "the same, one route, any destination", false, 1, 0,
		bench_forward4_make},
	{"forward6", "IPv6, nothing stateful, 1000 routes, 16 gateways", true, 1000, 0,
		bench_forward6_make},
	{"forward6-1route", "the same, one route, any destination", false, 1, 0,
		bench_forward6_make},
	{"nat44-1k", "masquerading, 1,000 flows in random order, both directions", false, 0, 1000,
		bench_nat_make},
	{"nat44-10k", "masquerading, 10,000 flows", true, 0, 10000, bench_nat_make},
	{"nat44-100k", "masquerading, 100,000 flows", false, 0, 100000, bench_nat_make},
	{"nat44-1m", "masquerading, 1,000,000 flows", true, 0, 1000000, bench_nat_make},
	{"rules-10", "the judge alone, first packets against 10 rules", false, 10, 0,
		bench_rules_make},
	{"rules-100", "the same, 100 rules", false, 100, 0, bench_rules_make},
	{"rules-1k", "the same, 1,000 rules", false, 1000, 0, bench_rules_make},
	{"rules-10k", "the same, 10,000 rules", false, 10000, 0, bench_rules_make},
	{"rules-100k", "the same, 100,000 rules", false, 100000, 0, bench_rules_make},
	{"rules-set1m", "10 rules, the first asks a set of 1,000,000 prefixes", false, 10, 1000000,
		bench_rules_make},
	{0},
};

struct options {
	const struct bench_case *cases[CASES_MAX];
	unsigned n_cases;
	unsigned n_runs;
	unsigned burst;
	uint64_t n_pkts;
	int core; // -1: the last one this process may use
	bool allows_huge, is_json, counts_instructions;
};

static const char usage[] =
	"Usage: perf/bench [OPTIONS]\n"
	"       perf/bench vdev --vdev-rx ARGS --vdev-tx ARGS [--seconds N] [--core N]\n"
	"       perf/bench make-pcap FILE [--flows N]\n"
	"Clocks per packet of the real pipeline, next to the floor; see perf/README.md.\n"
	"\n"
	"  --case NAME      this case only; may be repeated\n"
	"  --list           the cases\n"
	"  --runs N         runs of each case, default 21\n"
	"  --packets N      packets of each run, default 262144\n"
	"  --burst N        packets of each burst, 1 to 64, default 64\n"
	"  --core N         the core to run on, default the last one\n"
	"  --no-huge        do without reserved huge pages\n"
	"  --instructions   count instructions too, by single steps\n"
	"  --json           for programs\n";

static const struct bench_case *case_find(const char *name)
{
	for (const struct bench_case *c = bench_cases; c->name != NULL; c++) {
		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

static int case_add(struct options *o, const char *name)
{
	const struct bench_case *c = case_find(name);

	if (c == NULL || o->n_cases == CASES_MAX) {
		fprintf(stderr,
			c == NULL ? "bench: no case '%s', see --list\n"
				  : "bench: one case too many: '%s'\n",
			name);
		return -1;
	}
	o->cases[o->n_cases++] = c;
	return 0;
}

int bench_parse_number(const char *option, const char *text, long min, long max, long *out)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < min || value > max) {
		fprintf(stderr, "bench: --%s wants a number from %ld to %ld, not '%s'\n", option,
			min, max, text);
		return -1;
	}
	*out = value;
	return 0;
}

// 0, or the exit code plus one.
static int options_parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"case", required_argument, NULL, 'c'},
		{"list", no_argument, NULL, 'l'},
		{"runs", required_argument, NULL, 'r'},
		{"packets", required_argument, NULL, 'p'},
		{"burst", required_argument, NULL, 'b'},
		{"core", required_argument, NULL, 'C'},
		{"no-huge", no_argument, NULL, 'H'},
		{"instructions", no_argument, NULL, 'i'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	long number;
	int index, option;

	*o = (struct options){.n_runs = RUNS_DEFAULT,
		.burst = BURST,
		.n_pkts = PKTS_DEFAULT,
		.core = -1,
		.allows_huge = true};
	while ((option = getopt_long(argc, argv, "", longs, &index)) != -1) {
		int rc = 0;

		switch (option) {
		case 'c':
			rc = case_add(o, optarg);
			break;
		case 'l':
			for (const struct bench_case *c = bench_cases; c->name != NULL; c++)
				printf("%-16s %s%s\n", c->name, c->help,
					c->is_default ? "" : " (only with --case)");
			return 1;
		case 'r':
			rc = bench_parse_number("runs", optarg, 1, RUNS_MAX, &number);
			o->n_runs = (unsigned)number;
			break;
		case 'p':
			rc = bench_parse_number("packets", optarg, 1, PKTS_MAX, &number);
			o->n_pkts = (uint64_t)number;
			break;
		case 'b':
			rc = bench_parse_number("burst", optarg, 1, BURST, &number);
			o->burst = (unsigned)number;
			break;
		case 'C':
			rc = bench_parse_number("core", optarg, 0, CPU_SETSIZE - 1, &number);
			o->core = (int)number;
			break;
		case 'H':
			o->allows_huge = false;
			break;
		case 'i':
			o->counts_instructions = true;
			break;
		case 'j':
			o->is_json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 1;
		default:
			rc = -1;
			break;
		}
		if (rc != 0) {
			fputs(usage, stderr);
			return 2 + 1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "bench: unexpected '%s'\n%s", argv[optind], usage);
		return 2 + 1;
	}
	return 0;
}

int bench_pin(int *core, struct error *err)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return error_set(err, "affinity: %s", strerror(errno));
	for (int i = 0; *core < 0 && i < CPU_SETSIZE; i++) {
		int last = CPU_SETSIZE - 1 - i;

		if (CPU_ISSET(last, &set))
			*core = last;
	}
	CPU_ZERO(&set);
	CPU_SET(*core, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		return error_set(err, "core %d: %s", *core, strerror(errno));
	return 0;
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

// Sorts them.
static double median(double *values, unsigned n)
{
	qsort(values, n, sizeof(*values), compare_double);
	return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static int time_warm(
	const struct options *o, struct bench_target *t, struct bench_run *run, struct error *err)
{
	return bench_warm_up(t, o->burst, err) < 0 ? -1
						   : bench_time(t, o->burst, o->n_pkts, run, err);
}

// `t` is the floor itself for the floor's own case.
static int case_measure(const struct options *o, struct bench_target *floor, struct bench_target *t,
	struct bench_result *out, struct error *err)
{
	static double clk[RUNS_MAX], floor_clk[RUNS_MAX], ratio[RUNS_MAX];

	for (unsigned i = 0; i < o->n_runs; i++) {
		struct bench_run floor_run, run;

		if (time_warm(o, floor, &floor_run, err) < 0)
			return -1;
		run = floor_run;
		if (t != floor && time_warm(o, t, &run, err) < 0)
			return -1;
		clk[i] = run.clk;
		floor_clk[i] = floor_run.clk;
		ratio[i] = run.clk / floor_run.clk;
		out->n_interrupted += run.n_interrupted;
	}
	out->transparent_kb = bench_transparent_kb();
	out->clk_median = median(clk, o->n_runs);
	out->clk_min = clk[0];
	out->floor_median = median(floor_clk, o->n_runs);
	out->ratio_median = median(ratio, o->n_runs);
	if (o->counts_instructions)
		return bench_instructions(t, o->burst, &out->instructions, err);
	return 0;
}

static int case_run(const struct options *o, struct bench_target *floor, const struct bench_case *c,
	struct bench_result *out, struct error *err)
{
	bool is_floor = c == &bench_cases[0];
	struct bench_target *t = is_floor ? floor : c->make(c, err);
	char text[sizeof(err->text)];
	int rc = -1;

	*out = (struct bench_result){.c = c};
	if (t != NULL && (is_floor || bench_verify(t, o->burst, err) == 0))
		rc = case_measure(o, floor, t, out, err);
	if (rc < 0) {
		memcpy(text, err->text, sizeof(text));
		error_set(err, "%s: %s", c->name, text);
	}
	if (t != NULL && !is_floor)
		t->ops->free(t);
	return rc;
}

static int run_all(struct options *o, struct error *err)
{
	const struct drivers_options drivers = {
		.try_hugepages = o->allows_huge,
		.n_mbufs = MBUFS,
		.mtu_max = 1500,
		.reserve_bytes = (uint64_t)RESERVE_MB << 20,
		.main_core = -1,
	};
	struct bench_result results[CASES_MAX];
	struct bench_target *floor;
	int rc = 0;

	if (bench_pin(&o->core, err) < 0 || drivers_start(&drivers, err) < 0 ||
		bench_measure_init(drivers_pool(), err) < 0)
		return -1;
	floor = bench_cases[0].make(&bench_cases[0], err);
	if (floor == NULL)
		return -1;
	rc = bench_verify(floor, o->burst, err);
	for (unsigned i = 0; rc == 0 && i < o->n_cases; i++)
		rc = case_run(o, floor, o->cases[i], &results[i], err);
	floor->ops->free(floor);
	if (rc < 0)
		return -1;
	if (o->is_json)
		bench_report_json(results, o->n_cases, o->n_runs, o->burst, o->core);
	else
		bench_report_table(results, o->n_cases, o->n_runs, o->burst, o->core);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o;
	struct error err = {0};
	unsigned n_asked;
	int rc;

	if (argc > 1 && strcmp(argv[1], "vdev") == 0)
		return bench_vdev_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "make-pcap") == 0)
		return bench_pcap_main(argc - 1, argv + 1);
	rc = options_parse(argc, argv, &o);
	if (rc != 0)
		return rc - 1;
	n_asked = o.n_cases;
	for (const struct bench_case *c = bench_cases; n_asked == 0 && c->name != NULL; c++) {
		if (c->is_default)
			o.cases[o.n_cases++] = c;
	}
	log_set_level(LOG_LEVEL_WARNING);
	if (run_all(&o, &err) < 0) {
		fprintf(stderr, "bench: %s\n", err.text);
		return 1;
	}
	return 0;
}
