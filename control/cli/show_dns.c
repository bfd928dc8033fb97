// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/show_dns.h"

#include <inttypes.h>

#include "control/cli/answer.h"

const struct grammar_arg dns_args[] = {
	{"limit", "limit", GRAMMAR_COUNT, "how many clients at most; 20 otherwise"},
	{0},
};

// What is not zero of an object of numbers, on one line.
static void print_numbers(const char *title, const json_t *numbers, FILE *out)
{
	const char *key;
	json_t *value;
	char unit[UNIT_BYTES];
	bool is_first = true;

	fprintf(out, "%s", title);
	json_object_foreach((json_t *)(uintptr_t)numbers, key, value)
	{
		if (json_integer_value(value) == 0)
			continue;
		fprintf(out, "%s%s %s", is_first ? " " : ", ", key,
			unit_count((uint64_t)json_integer_value(value), unit));
		is_first = false;
	}
	fputs(is_first ? " none\n" : "\n", out);
}

static void print_times(const char *title, const json_t *times, FILE *out)
{
	fprintf(out, "%s %" PRIu64 " answers", title, answer_number(times, "answers"));
	if (answer_number(times, "answers") > 0)
		fprintf(out,
			", mean %" PRIu64 " us, half below %" PRIu64 " us, 99 %% below %" PRIu64
			" us",
			answer_number(times, "mean_us"), answer_number(times, "median_us"),
			answer_number(times, "p99_us"));
	fputc('\n', out);
}

static void add_listen(struct table *table, const json_t *one)
{
	table_add(table, "%s", answer_text(one, "interface"));
	table_add(table, "%s", answer_truth(one, "is_open") ? "listens" : "waits for its device");
}

static void add_upstream(struct table *table, const json_t *one)
{
	table_add(table, "%s", answer_text(one, "upstream"));
	table_add(table, "%s",
		answer_text(one, "domain")[0] != '\0' ? answer_text(one, "domain") : "all");
	answer_add_count(table, one, "sent");
	answer_add_count(table, one, "answered");
	answer_add_count(table, one, "silent");
	answer_add_count(table, one, "broken");
	table_add(table, "%.1f ms", (double)answer_number(one, "rtt_us") / 1000);
}

static void add_client(struct table *table, const json_t *one)
{
	table_add(table, "%s", answer_text(one, "client"));
	answer_add_count(table, one, "queries");
}

void print_dns(const json_t *result, FILE *out)
{
	const json_t *cache = json_object_get(result, "cache");
	char unit[UNIT_BYTES], bytes[UNIT_BYTES];

	answer_table(result, "listen", "INTERFACE|STATE", add_listen, out);
	print_numbers("\nCounts:", json_object_get(result, "counts"), out);
	print_numbers("Types:", json_object_get(result, "types"), out);
	print_numbers("Codes:", json_object_get(result, "codes"), out);
	fprintf(out, "Cache: %s answers, %s\n", unit_count(answer_number(cache, "entries"), unit),
		unit_bytes(answer_number(cache, "bytes"), bytes));
	print_times("At once:", json_object_get(result, "at_once"), out);
	print_times("Resolved:", json_object_get(result, "resolved"), out);
	fputc('\n', out);
	answer_table(result, "upstreams", "UPSTREAM|NAMES|>SENT|>ANSWERED|>SILENT|>BROKEN|>TIME",
		add_upstream, out);
	fputc('\n', out);
	answer_table(result, "clients", "CLIENT|>QUERIES", add_client, out);
}
