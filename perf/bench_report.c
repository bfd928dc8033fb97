// SPDX-License-Identifier: BSD-3-Clause
#include "perf/bench.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

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

static unsigned tsc_mhz(void)
{
	return (unsigned)(rte_get_tsc_hz() / 1000000);
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
	printf("%-16s %14s %8s %10s %10s %12s %12s\n", "case", "clk per packet", "min", "x floor",
		"floor", "instructions", "interrupted");
	for (unsigned i = 0; i < n; i++) {
		const struct bench_result *r = &results[i];
		char instructions[16] = "-";

		if (r->instructions > 0)
			snprintf(instructions, sizeof(instructions), "%.1f", r->instructions);
		printf("%-16s %14.1f %8.1f %10.2f %10.1f %12s %12llu\n", r->c->name, r->clk_median,
			r->clk_min, r->ratio_median, r->floor_median, instructions,
			(unsigned long long)r->n_interrupted);
	}
}

void bench_report_json(
	const struct bench_result *results, unsigned n, unsigned n_runs, unsigned burst, int core)
{
	char cpu[128];

	proc_value("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
	for (char *c = cpu; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
			*c = ' ';
	}
	printf("{\n  \"cpu\": \"%s\", \"tsc_mhz\": %u, \"core\": %d, \"hugepages\": %s,\n"
	       "  \"runs\": %u, \"burst\": %u,\n  \"cases\": [",
		cpu, tsc_mhz(), core, drivers_have_hugepages() ? "true" : "false", n_runs, burst);
	for (unsigned i = 0; i < n; i++) {
		const struct bench_result *r = &results[i];

		printf("%s\n    {\"name\": \"%s\", \"cycles_per_packet\": %.2f, "
		       "\"ratio_to_floor\": %.3f, \"cycles_min\": %.2f, \"floor_cycles\": %.2f",
			i > 0 ? "," : "", r->c->name, r->clk_median, r->ratio_median, r->clk_min,
			r->floor_median);
		if (r->instructions > 0)
			printf(", \"instructions_per_packet\": %.2f", r->instructions);
		printf("}");
	}
	printf("\n  ]\n}\n");
}
