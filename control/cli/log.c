// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/answer.h"

#define PARTS                                                                                      \
	"config|control|dataplane|dhcp|dns|dpdk|drivers|firewall|interfaces|nat|packets|routes"
#define LEVELS "error|warning|info|debug"

const struct grammar_arg log_show_args[] = {
	{NULL, "part", GRAMMAR_LOG_PART, "of this part alone", PARTS, true},
	{"level", "level", GRAMMAR_CHOICE, "as bad as this, or worse", LEVELS},
	{"limit", "limit", GRAMMAR_COUNT, "how many at most, the newest; 1000 otherwise"},
	{0},
};

const struct grammar_arg log_change_args[] = {
	{NULL, "part", GRAMMAR_LOG_PART, "which part", PARTS "|all"},
	{NULL, "level", GRAMMAR_CHOICE, "how much; default: as the config says", LEVELS "|default"},
	{0},
};

static void add_part(struct table *table, const json_t *part)
{
	table_add(table, "%s", answer_text(part, "part"));
	table_add(table, "%s%s", answer_text(part, "level"),
		answer_truth(part, "is_by_hand") ? ", by hand" : "");
	table_add(table, "%" PRIu64, answer_number(part, "lines"));
	table_add(table, "%" PRIu64, answer_number(part, "left_out"));
}

void print_parts(const json_t *result, FILE *out)
{
	answer_table(result, "parts", "PART|LEVEL|>LINES|>LEFT OUT", add_part, out);
}

// "2026-11-22T19:04:45.123+01:00" without its zone, which is the daemon's own.
static void print_line(const json_t *line, FILE *out)
{
	const char *time = answer_text(line, "time");
	size_t date = strcspn(time, "T"), len = strcspn(time, "+");

	if (time[date] == 'T')
		fprintf(out, "%.*s %.*s ", (int)date, time, (int)(len - date - 1), time + date + 1);
	fprintf(out, "%-7s %s: %s\n", answer_text(line, "level"), answer_text(line, "object"),
		answer_text(line, "text"));
}

void print_log(const json_t *result, FILE *out)
{
	const json_t *lines = json_object_get(result, "lines"), *line;
	size_t i;

	print_parts(result, out);
	fputc('\n', out);
	json_array_foreach(lines, i, line)
	{
		print_line(line, out);
	}
	answer_print_rest(result, "lines", out);
}
