// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/show_firewall.h"

#include <inttypes.h>
#include <string.h>

#include "control/cli/answer.h"

// --- rules: as long as they are, so not in a table ---

// Which file the rules that follow are of, where there are several.
static void print_file(const json_t *rule, const char **file, FILE *out)
{
	const char *its = answer_text(rule, "file");

	if (*file != NULL && strcmp(*file, its) != 0)
		fprintf(out, "%21s# in %s:\n", "", its);
	if (*file != NULL)
		*file = its;
}

static bool has_file(const json_t *rules, const char *file)
{
	const json_t *rule;
	size_t i;

	json_array_foreach((json_t *)rules, i, rule)
	{
		if (strcmp(answer_text(rule, "file"), file) != 0)
			return false;
	}
	return true;
}

static void print_rule(const json_t *rule, const char **file, FILE *out)
{
	char packets[UNIT_BYTES], bytes[UNIT_BYTES];
	const char *comment = answer_text(rule, "comment");

	print_file(rule, file, out);
	if (comment[0] != '\0')
		fprintf(out, "%21s# %s\n", "", comment);
	fprintf(out, "%9s %9s  %s\n", unit_count(answer_number(rule, "packets"), packets),
		unit_bytes(answer_number(rule, "bytes"), bytes), answer_text(rule, "rule"));
}

static void print_list(const json_t *list, const char **file, FILE *out)
{
	const json_t *rules = json_object_get(list, "rules"), *rule;
	char packets[UNIT_BYTES], bytes[UNIT_BYTES];
	size_t i;

	fprintf(out, "%s\n%9s %9s\n", answer_text(list, "name"), "PACKETS", "BYTES");
	json_array_foreach((json_t *)rules, i, rule)
	{
		print_rule(rule, file, out);
	}
	if (answer_truth(list, "is_hook"))
		fprintf(out, "%9s %9s  otherwise: %s\n",
			unit_count(answer_number(list, "packets"), packets),
			unit_bytes(answer_number(list, "bytes"), bytes),
			answer_text(list, "default"));
}

// To begin with; NULL: all rules are of one file, which needs no name.
static const char *first_file(const json_t *lists)
{
	const char *file = NULL;
	const json_t *list;
	size_t i;

	json_array_foreach((json_t *)lists, i, list)
	{
		const json_t *rules = json_object_get(list, "rules");

		if (file == NULL && json_array_size(rules) > 0)
			file = answer_text(json_array_get(rules, 0), "file");
		if (file != NULL && !has_file(rules, file))
			return "";
	}
	return NULL;
}

void print_firewall(const json_t *result, FILE *out)
{
	const json_t *lists = json_object_get(result, "lists"), *list;
	const char *file = first_file(lists);
	uint64_t total = answer_number(result, "total"), shown = 0;
	size_t i;

	if (!answer_truth(result, "is_there")) {
		fputs("no firewall: everybody may talk to everybody\n", out);
		return;
	}
	json_array_foreach((json_t *)lists, i, list)
	{
		if (i > 0)
			fputc('\n', out);
		print_list(list, &file, out);
		shown += json_array_size(json_object_get(list, "rules"));
	}
	if (total > shown)
		fprintf(out, "%" PRIu64 " of %" PRIu64 " rules; limit N shows more\n", shown,
			total);
	fputs("\nA rule counts the packets that begin: what follows them, and what answers,\n"
	      "passes with them.\n",
		out);
}

static void add_counter(struct table *table, const json_t *counter)
{
	table_add(table, "%s", answer_text(counter, "name"));
	table_add(table, "%" PRIu64, answer_number(counter, "packets"));
	answer_add_bytes(table, counter, "bytes");
}

void print_counters(const json_t *result, FILE *out)
{
	answer_table(result, "counters", "COUNTER|>PACKETS|>BYTES", add_counter, out);
}

void print_nat(const json_t *result, FILE *out)
{
	json_t *list = json_object_get(result, "rules"), *one;
	const char *file = answer_text(json_array_get(list, 0), "file");
	bool is_of_several = !has_file(list, file);
	size_t i;

	file = "";
	json_array_foreach(list, i, one)
	{
		const char *its = answer_text(one, "file");

		if (is_of_several && strcmp(file, its) != 0)
			fprintf(out, "# in %s:\n", its);
		file = its;
		fprintf(out, "%s\n", answer_text(one, "rule"));
	}
	answer_print_rest(result, "rules", out);
}

static void add_zone(struct table *table, const json_t *zone)
{
	const json_t *interfaces = json_object_get(zone, "interfaces");
	size_t k = 0;

	do {
		const json_t *interface = json_array_get(interfaces, k);

		table_add(table, "%s", k == 0 ? answer_text(zone, "name") : "");
		table_add(table, "%s", answer_text_or(interface, "name", "-"));
		table_add(table, "%s",
			interface != NULL && !answer_truth(interface, "is_there") ? "absent" : "");
	} while (++k < json_array_size(interfaces));
}

void print_zones(const json_t *result, FILE *out)
{
	answer_table(result, "zones", "ZONE|INTERFACE|", add_zone, out);
}

// --- sets ---

static void add_set(struct table *table, const json_t *set)
{
	bool is_timed = json_object_get(set, "entries") != NULL;

	table_add(table, "%s", answer_text(set, "name"));
	table_add(table, "%s", answer_text(set, "kind"));
	table_add(table, "%" PRIu64, answer_number(set, "elements"));
	if (json_object_get(set, "file") != NULL)
		table_add(table, "%" PRIu64, answer_number(set, "file_elements"));
	else
		table_add(table, "-");
	if (is_timed) {
		table_add(table, "%" PRIu64, answer_number(set, "entries"));
		answer_add_count(table, set, "refused");
	} else {
		table_add(table, "-");
		table_add(table, "-");
	}
	table_add(table, "%s", answer_text(set, "file"));
}

void print_sets(const json_t *result, FILE *out)
{
	answer_table(result, "sets", "SET|OF|>WRITTEN|>FROM FILE|>FOR A TIME|>REFUSED|FILE",
		add_set, out);
}

static void print_set_rest(const json_t *result, const char *key, const char *total_key, FILE *out)
{
	uint64_t total = answer_number(result, total_key);
	size_t shown = json_array_size(json_object_get(result, key));

	if (total > shown)
		fprintf(out, "%zu of %" PRIu64 " %s; limit N shows more\n", shown, total, key);
}

void print_set(const json_t *result, FILE *out)
{
	const json_t *elements = json_object_get(result, "elements"), *one;
	const json_t *entries = json_object_get(result, "entries");
	struct table *table = table_new("ADDRESS|>STILL FOR");
	char unit[UNIT_BYTES];
	size_t i;

	json_array_foreach((json_t *)elements, i, one)
	{
		const char *element = json_string_value(one);

		fprintf(out, "%s\n", element == NULL ? "" : element);
	}
	print_set_rest(result, "elements", "elements_total", out);
	if (table != NULL && entries != NULL) {
		json_array_foreach((json_t *)entries, i, one)
		{
			bool ends = json_is_integer(json_object_get(one, "left_sec"));

			table_add(table, "%s", answer_text(one, "address"));
			table_add(table, "%s",
				ends ? unit_seconds(answer_number(one, "left_sec"), unit) : "ever");
		}
		table_print(table, out);
		print_set_rest(result, "entries", "entries_total", out);
	}
	table_free(table);
}
