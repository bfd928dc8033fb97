// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/answer.h"

#include <inttypes.h>

uint64_t answer_number(const json_t *from, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(from, key));
}

const char *answer_text(const json_t *from, const char *key)
{
	const char *value = json_string_value(json_object_get(from, key));

	return value == NULL ? "" : value;
}

const char *answer_text_or(const json_t *from, const char *key, const char *otherwise)
{
	const char *value = answer_text(from, key);

	return value[0] == '\0' ? otherwise : value;
}

bool answer_truth(const json_t *from, const char *key)
{
	return json_is_true(json_object_get(from, key));
}

void answer_add_bytes(struct table *table, const json_t *from, const char *key)
{
	char unit[UNIT_BYTES];

	table_add(table, "%s", unit_bytes(answer_number(from, key), unit));
}

void answer_add_count(struct table *table, const json_t *from, const char *key)
{
	char unit[UNIT_BYTES];

	table_add(table, "%s", unit_count(answer_number(from, key), unit));
}

void answer_add_element(struct table *table, const json_t *array, size_t i)
{
	const char *value = json_string_value(json_array_get(array, i));

	table_add(table, "%s", value == NULL ? "-" : value);
}

void answer_add_blanks(struct table *table, unsigned n)
{
	while (n-- > 0)
		table_add(table, "%s", "");
}

void answer_print(struct table *table, FILE *out)
{
	if (table != NULL)
		table_print(table, out);
	table_free(table);
}

void answer_table(const json_t *result, const char *key, const char *headings,
	void (*add)(struct table *table, const json_t *member), FILE *out)
{
	struct table *table = table_new(headings);
	json_t *list = json_object_get(result, key), *one;
	size_t i;

	if (table == NULL)
		return;
	json_array_foreach(list, i, one)
	{
		add(table, one);
	}
	answer_print(table, out);
}

void answer_print_rest(const json_t *result, const char *key, FILE *out)
{
	uint64_t total = answer_number(result, "total");
	size_t shown = json_array_size(json_object_get(result, key));

	if (total > shown)
		fprintf(out, "%zu of %" PRIu64 " %s; limit N shows more\n", shown, total, key);
}
