// SPDX-License-Identifier: BSD-3-Clause
#include "perf/bench.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_version.h>

#include "drivers/port.h"

// The value of the first "key: value" line of a file of /proc, or "".
static void proc_value(const char *path, const char *key, char *out, size_t out_bytes)
{
	FILE *f = fopen(path, "re");
	char line[256];

	out[0] = '\0';
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		const char *value = strchr(line, ':');

		if (strncmp(line, key, strlen(key)) != 0 || value == NULL)
			continue;
		value++;
		while (isspace((unsigned char)*value))
			value++;
		snprintf(out, out_bytes, "%.*s", (int)strcspn(value, "\n"), value);
		break;
	}
	if (f != NULL)
		fclose(f);
}

uint64_t bench_transparent_kb(void)
{
	char kb[32];

	proc_value("/proc/self/smaps_rollup", "AnonHugePages", kb, sizeof(kb));
	return strtoull(kb, NULL, 10);
}

uint64_t bench_resident_kb(void)
{
	char kb[32];

	proc_value("/proc/self/smaps_rollup", "Rss", kb, sizeof(kb));
	return strtoull(kb, NULL, 10);
}

static unsigned tsc_mhz(void)
{
	return (unsigned)(rte_get_tsc_hz() / 1000000);
}

// Who compiled this, and with it all that is linked from this tree.
static const char compiler[] =
#ifdef __clang__
	"clang " __clang_version__;
#else
	"gcc " __VERSION__;
#endif

static bool is_above(double value, double goal)
{
	return goal > 0 && value > goal;
}

bool bench_is_over(const struct bench_result *r)
{
	const struct bench_goal *goal = &r->c->goal;

	return is_above(r->ratio_median, goal->floor_ratio) || is_above(r->clk_median, goal->clk) ||
	       is_above(r->base_ratio_median, goal->base_ratio) ||
	       is_above(r->base_extra_median, goal->base_extra_clk) || r->is_note_over;
}

// "5 x, 70 clk", or "-".
static void goal_write(const struct bench_goal *goal, char *text, size_t text_bytes)
{
	const struct {
		double value;
		const char *unit;
	} rows[] = {
		{goal->floor_ratio, " x"},
		{goal->clk, " clk"},
		{goal->base_ratio, " x base"},
		{goal->base_extra_clk, " clk + base"},
	};
	size_t used = 0;

	snprintf(text, text_bytes, "-");
	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		if (rows[i].value > 0 && used < text_bytes)
			used += (size_t)snprintf(text + used, text_bytes - used, "%s%g%s",
				used > 0 ? ", " : "", rows[i].value, rows[i].unit);
}

static void notes_print(const struct bench_result *results, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct bench_result *r = &results[i];

		if (r->c->base != NULL)
			printf("%s: %.2f x %s, %+.1f clk\n", r->c->name, r->base_ratio_median,
				r->c->base, r->base_extra_median);
		if (r->note[0] != '\0')
			printf("%s: %s\n", r->c->name, r->note);
	}
}

void bench_report_table(
	const struct bench_result *results, unsigned n, unsigned n_runs, unsigned burst, int core)
{
	uint64_t transparent_kb = 0;
	char cpu[128];

	proc_value("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
	for (unsigned i = 0; i < n; i++)
		transparent_kb = RTE_MAX(transparent_kb, results[i].transparent_kb);
	printf("%s, TSC %u MHz, core %d; bursts of %u, median of %u runs\n", cpu, tsc_mhz(), core,
		burst, n_runs);
	printf("huge pages: reserved ones for buffers and FIBs: %s; transparent ones for the rest: "
	       "%llu MB\n\n",
		drivers_have_hugepages() ? "yes" : "no", (unsigned long long)transparent_kb >> 10);
	printf("%-16s %14s %8s %8s %8s %12s %12s  %-16s %s\n", "case", "clk per packet", "min",
		"x floor", "floor", "instructions", "interrupted", "goal", "");
	for (unsigned i = 0; i < n; i++) {
		const struct bench_result *r = &results[i];
		char instructions[16] = "-", goal[48];
		bool has_goal;

		if (r->instructions > 0)
			snprintf(instructions, sizeof(instructions), "%.1f", r->instructions);
		goal_write(&r->c->goal, goal, sizeof(goal));
		has_goal = goal[0] != '-' || r->is_note_over;
		printf("%-16s %14.1f %8.1f %8.2f %8.1f %12s %12llu  %-16s %s\n", r->c->name,
			r->clk_median, r->clk_min, r->ratio_median, r->floor_median, instructions,
			(unsigned long long)r->n_interrupted, goal,
			!has_goal	   ? ""
			: bench_is_over(r) ? "over"
					   : "ok");
	}
	notes_print(results, n);
}

void bench_report_json_machine(unsigned n_runs, unsigned burst, int core)
{
	char cpu[128];

	proc_value("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
	for (char *c = cpu; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
			*c = ' ';
	}
	printf("{\n  \"cpu\": \"%s\", \"tsc_mhz\": %u, \"core\": %d, \"hugepages\": %s,\n"
	       "  \"compiler\": \"%s\", \"dpdk\": \"%s\",\n"
	       "  \"runs\": %u, \"burst\": %u,\n",
		cpu, tsc_mhz(), core, drivers_have_hugepages() ? "true" : "false", compiler,
		rte_version(), n_runs, burst);
}

void bench_report_json(
	const struct bench_result *results, unsigned n, unsigned n_runs, unsigned burst, int core)
{
	bench_report_json_machine(n_runs, burst, core);
	printf("  \"cases\": [");
	for (unsigned i = 0; i < n; i++) {
		const struct bench_result *r = &results[i];

		printf("%s\n    {\"name\": \"%s\", \"cycles_per_packet\": %.2f, "
		       "\"ratio_to_floor\": %.3f, \"cycles_min\": %.2f, \"floor_cycles\": %.2f",
			i > 0 ? "," : "", r->c->name, r->clk_median, r->ratio_median, r->clk_min,
			r->floor_median);
		if (r->c->base != NULL)
			printf(", \"base\": \"%s\", \"ratio_to_base\": %.3f, "
			       "\"cycles_over_base\": %.2f",
				r->c->base, r->base_ratio_median, r->base_extra_median);
		if (r->instructions > 0)
			printf(", \"instructions_per_packet\": %.2f", r->instructions);
		if (r->c->goal.clk > 0)
			printf(", \"goal_cycles\": %g", r->c->goal.clk);
		if (r->c->goal.floor_ratio > 0)
			printf(", \"goal_ratio_to_floor\": %g", r->c->goal.floor_ratio);
		printf(", \"is_over\": %s}", bench_is_over(r) ? "true" : "false");
	}
	printf("\n  ]\n}\n");
}
