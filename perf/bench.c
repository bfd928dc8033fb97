// SPDX-License-Identifier: BSD-3-Clause
// The cases, and what may be asked of them.
#include "perf/bench.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_vect.h>

#include "cfg/base/log.h"
#include "drivers/port.h"
#include "perf/bench_memory.h"
#include "perf/bench_routes.h"
#include "perf/bench_steps.h"
#include "perf/bench_vdev.h"

enum {
	CASES_MAX = 64,
	RUNS_DEFAULT = 21,
	PKTS_DEFAULT = 262144,
	PKTS_MAX = 1 << 26,
	MBUFS = 4096,
	RESERVE_MB = 480, // the FIBs of the floor, of a case and of its base
	FIB_RESERVE_MB = 2000,
};

const struct bench_case bench_cases[] = {
	{"floor", "the least any router does to an IPv4 frame, 1000 routes", true, 1000, 0,
		bench_floor_make},
	{"forward4", "IPv4, nothing stateful, 1000 routes, 16 gateways", true, 1000, 0,
		bench_forward4_make, {.floor_ratio = 1.7}},
	{"forward4-1route", "the same, one route, any destination", false, 1, 0,
		bench_forward4_make},
	{"forward6", "IPv6, nothing stateful, 1000 routes, 16 gateways", true, 1000, 0,
		bench_forward6_make, {.floor_ratio = 2.5}},
	{"forward6-1route", "the same, one route, any destination", false, 1, 0,
		bench_forward6_make},
	{"fib4", "IPv4, a full table of the internet, random destinations", false, 1000000, 0,
		bench_fib4_make, {.floor_ratio = 5}, .reserve_mb = FIB_RESERVE_MB},
	{"fib6", "IPv6, the same", false, 200000, 0, bench_fib6_make, .reserve_mb = FIB_RESERVE_MB},
	{"flow4-10k", "stateful firewall and accounting without NAT, 10,000 flows", true, 0, 10000,
		bench_flow4_make, {.floor_ratio = 5}},
	{"flow6-10k", "the same, IPv6", true, 0, 10000, bench_flow6_make, {.floor_ratio = 6}},
	{"nat44-1k", "hygiene, firewall, masquerading: 1,000 flows in random order", false, 0, 1000,
		bench_nat_make},
	{"nat44-10k", "10,000 flows", true, 0, 10000, bench_nat_make,
		{.floor_ratio = 5, .clk = 70}},
	{"nat44-100k", "100,000 flows", false, 0, 100000, bench_nat_make},
	{"nat44-1m", "1,000,000 flows", true, 0, 1000000, bench_nat_make,
		{.floor_ratio = 9, .clk = 125}},
	{"nat44-10m", "10,000,000 flows, a pool of addresses", false, 0, 10000000,
		bench_nat_pool_make, {.floor_ratio = 13, .clk = 180}},
	{"nat44-10k-open", "masquerading alone: no firewall, no hygiene", false, 0, 10000,
		bench_nat_open_make},
	{"nat44-1m-open", "the same, 1,000,000 flows", false, 0, 1000000, bench_nat_open_make},
	{"new-flow-10k", "SYNs that begin flows, as many expire; 10,000 live", true, 0, 10000,
		bench_new_flow_make, {.clk = 600}},
	{"new-flow-1m", "the same, 1,000,000 live, a pool of addresses", false, 0, 1000000,
		bench_new_flow_make, {.clk = 1000}},
	{"drop-flood", "scan of the WAN address: no flow, 20 rules, dropped by default", true, 0,
		10000, bench_drop_flood_make, {.clk = 150}},
	{"log-flood", "the same, dropped by a rule that logs ten a second", true, 0, 10000,
		bench_log_flood_make, {.base_ratio = 1.2}, "drop-flood"},
	{"rate-flood", "the same, asked for a rate of each source", true, 0, 10000,
		bench_rate_flood_make, {.base_ratio = 1.2}, "drop-flood"},
	{"rate-flood-16", "the same from 16 sources, which are all above it", true, 16, 10000,
		bench_rate_flood_make, {.base_ratio = 1.2}, "drop-flood"},
	{"rate-flood-64k", "the same from 65,536 sources", true, 65536, 10000,
		bench_rate_flood_make, {.base_ratio = 1.2}, "drop-flood"},
	{"sets-10", "the same, half of it in a set of 10 prefixes", false, 10, 10000,
		bench_set_flood_make},
	{"sets-1m", "the same, a set of 1,000,000 prefixes", false, 1000000, 10000,
		bench_set_flood_make, {.base_ratio = 3}, "sets-10"},
	{"handover-home", "nat44-10k on two workers, each packet at its flow's own", false, 0,
		10000, bench_handover_home_make},
	{"handover-give", "the same at the other worker, who hands them over", true, 0, 10000,
		bench_handover_give_make, {.clk = 60}},
	{"handover-take", "handed over, taken up by their own", true, 0, 10000,
		bench_handover_take_make, {.base_extra_clk = 60}, "nat44-10k"},
	{"vlan-nat", "nat44-10k, both sides tagged on one trunk", false, 0, 10000, bench_vlan_make,
		.base = "nat44-10k"},
	{"capture-nat", "nat44-10k, each packet looked at for a capture", false, 0, 10000,
		bench_capture_nat_make, .base = "nat44-10k"},
	{"capture-forward", "forward4, each packet looked at for a capture", false, 1000, 0,
		bench_capture_forward_make, .base = "forward4"},
	{"capture-drop", "drop-flood, each packet looked at for a capture", false, 0, 10000,
		bench_capture_drop_make, .base = "drop-flood"},
	{"recorder-nat", "nat44-10k, each packet recorded", false, 0, 10000,
		bench_recorder_nat_make, .base = "nat44-10k"},
	{"recorder-forward", "forward4, each packet recorded", false, 1000, 0,
		bench_recorder_forward_make, .base = "forward4"},
	{"recorder-drop", "drop-flood, each packet recorded", false, 0, 10000,
		bench_recorder_drop_make, .base = "drop-flood"},
	{"rules-10", "the judge alone, first packets against 10 rules", false, 10, 0,
		bench_rules_make},
	{"rules-100", "the same, 100 rules", false, 100, 0, bench_rules_make},
	{"rules-1k", "the same, 1,000 rules", false, 1000, 0, bench_rules_make},
	{"rules-10k", "the same, 10,000 rules", false, 10000, 0, bench_rules_make,
		.base = "rules-10"},
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
	uint16_t simd_bits_max;
	bool allows_huge, is_json, counts_instructions, is_strict, takes_all;
};

static const char usage[] =
	"Usage: perf/bench [OPTIONS]\n"
	"       perf/bench vdev --vdev-rx ARGS --vdev-tx ARGS [--seconds N] [--core N] "
	"[--no-huge] [--capture]\n"
	"       perf/bench make-pcap FILE [--flows N]\n"
	"       perf/bench routes [--routes FILE] [--no-huge] [--strict]\n"
	"       perf/bench memory [--strict]\n"
	"       perf/bench steps [--case NAME] [--runs N] [--core N] [--no-huge] [--json]\n"
	"Clocks per packet of the real pipeline, next to the floor; see perf/README.md.\n"
	"\n"
	"  --case NAME      this case only; may be repeated\n"
	"  --all            every case, some minutes and 6 GB\n"
	"  --list           the cases\n"
	"  --runs N         runs of each case, default 21\n"
	"  --packets N      packets of each run, default 262144\n"
	"  --burst N        packets of each burst, 1 to 64, default 64\n"
	"  --core N         the core to run on, default the last one\n"
	"  --no-huge        do without reserved huge pages\n"
	"  --simd BITS      the widest vectors DPDK may use: 128, 256 or 512\n"
	"  --instructions   count instructions too, by single steps\n"
	"  --strict         exit with 3 if a goal is missed\n"
	"  --json           for programs\n";

static const struct bench_case *find_in(const struct bench_case *c, const char *name)
{
	while (c->name != NULL && strcmp(c->name, name) != 0)
		c++;
	return c->name != NULL ? c : NULL;
}

const struct bench_case *bench_case_find(const char *name)
{
	const struct bench_case *c = find_in(bench_cases, name);

	return c != NULL ? c : find_in(bench_series, name);
}

static void cases_list(const struct bench_case *c, const char *others)
{
	for (; c->name != NULL; c++)
		printf("%-16s %s%s\n", c->name, c->help, c->is_default ? "" : others);
}

static int case_add(struct options *o, const char *name)
{
	const struct bench_case *c = bench_case_find(name);

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

static int parse_simd(const char *text, uint16_t *bits)
{
	long number;

	if (bench_parse_number("simd", text, RTE_VECT_SIMD_128, RTE_VECT_SIMD_512, &number) < 0)
		return -1;
	if (!rte_is_power_of_2((uint32_t)number)) {
		fprintf(stderr, "bench: --simd wants 128, 256 or 512, not '%s'\n", text);
		return -1;
	}
	*bits = (uint16_t)number;
	return 0;
}

// 0, or the exit code plus one.
static int options_parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"case", required_argument, NULL, 'c'},
		{"all", no_argument, NULL, 'a'},
		{"list", no_argument, NULL, 'l'},
		{"runs", required_argument, NULL, 'r'},
		{"packets", required_argument, NULL, 'p'},
		{"burst", required_argument, NULL, 'b'},
		{"core", required_argument, NULL, 'C'},
		{"no-huge", no_argument, NULL, 'H'},
		{"simd", required_argument, NULL, 'S'},
		{"instructions", no_argument, NULL, 'i'},
		{"strict", no_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	long number = 0;
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
		case 'a':
			o->takes_all = true;
			break;
		case 'l':
			cases_list(bench_cases, " (only with --case or --all)");
			cases_list(bench_series, " (only with --case)");
			return 1;
		case 'r':
			rc = bench_parse_number("runs", optarg, 1, BENCH_RUNS_MAX, &number);
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
		case 'S':
			rc = parse_simd(optarg, &o->simd_bits_max);
			break;
		case 'i':
			o->counts_instructions = true;
			break;
		case 's':
			o->is_strict = true;
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

// 0, or what main returns.
static int run_all(struct options *o, struct error *err)
{
	const struct bench_run_options run = {
		.n_runs = o->n_runs,
		.burst = o->burst,
		.n_pkts = o->n_pkts,
		.counts_instructions = o->counts_instructions,
	};
	struct drivers_options drivers = {
		.try_hugepages = o->allows_huge,
		.n_mbufs = MBUFS,
		.mtu_max = 1500,
		.main_core = -1,
		.simd_bits_max = o->simd_bits_max,
	};
	static struct bench_result results[CASES_MAX];
	struct bench_target *floor;
	bool is_over = false;
	uint32_t reserve_mb = 0;
	int rc;

	for (unsigned i = 0; i < o->n_cases; i++)
		reserve_mb = RTE_MAX(reserve_mb, o->cases[i]->reserve_mb);
	drivers.reserve_bytes = (uint64_t)(RESERVE_MB + reserve_mb) << 20;
	if (bench_pin(&o->core, err) < 0 || drivers_start(&drivers, err) < 0 ||
		bench_measure_init(drivers_pool(), err) < 0)
		return 1;
	floor = bench_cases[0].make(&bench_cases[0], err);
	if (floor == NULL)
		return 1;
	rc = bench_verify(floor, o->burst, err);
	for (unsigned i = 0; rc == 0 && i < o->n_cases; i++) {
		rc = bench_run_case(floor, o->cases[i], &run, &results[i], err);
		is_over |= bench_is_over(&results[i]);
	}
	floor->ops->free(floor);
	if (rc < 0)
		return 1;
	if (o->is_json)
		bench_report_json(results, o->n_cases, o->n_runs, o->burst, o->core);
	else
		bench_report_table(results, o->n_cases, o->n_runs, o->burst, o->core);
	return o->is_strict && is_over ? BENCH_EXIT_OVER : 0;
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
	if (argc > 1 && strcmp(argv[1], "routes") == 0)
		return bench_routes_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "memory") == 0)
		return bench_memory_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "steps") == 0)
		return bench_steps_main(argc - 1, argv + 1);
	rc = options_parse(argc, argv, &o);
	if (rc != 0)
		return rc - 1;
	n_asked = o.n_cases;
	for (const struct bench_case *c = bench_cases; n_asked == 0 && c->name != NULL; c++) {
		if (c->is_default || o.takes_all)
			o.cases[o.n_cases++] = c;
	}
	log_set_level(LOG_LEVEL_WARNING);
	rc = run_all(&o, &err);
	if (rc != 0 && err.text[0] != '\0')
		fprintf(stderr, "bench: %s\n", err.text);
	return rc;
}
