// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/rates.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_among(const char *key, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

static bool is_counter(const char *key)
{
	static const char *const keys[] = {"packets", "bytes", "rx_packets", "rx_bytes",
		"tx_packets", "tx_bytes", "tx_dropped", "rx_missed", "rx_nombuf", "rx_errors",
		"tx_errors", "handed_over", "sleeps", "turns", "idle_turns"};

	return is_among(key, keys, sizeof(keys) / sizeof(keys[0]));
}

// What a row is about: to be freed.
static char *name_of(const json_t *row, size_t i)
{
	static const char *const keys[] = {"name", "worker", "rule", "line", "protocol", "src",
		"sport", "dst", "dport", "to", "addr", "interface"};
	json_t *parts = json_array();
	char *name = NULL;

	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		json_t *part = json_object_get(row, keys[k]);

		if (part != NULL)
			json_array_append(parts, part);
	}
	if (json_array_size(parts) == 0)
		json_array_append_new(parts, json_integer((json_int_t)i));
	name = json_dumps(parts, JSON_COMPACT);
	json_decref(parts);
	return name;
}

static void rates_of_list(json_t *now, const json_t *before, double seconds)
{
	json_t *by_name = json_object(), *row;
	size_t i;

	json_array_foreach((json_t *)before, i, row)
	{
		char *name = name_of(row, i);

		if (name != NULL)
			json_object_set(by_name, name, row);
		free(name);
	}
	json_array_foreach(now, i, row)
	{
		char *name = name_of(row, i);

		if (json_is_object(row))
			rates_of(
				row, name == NULL ? NULL : json_object_get(by_name, name), seconds);
		free(name);
	}
	json_decref(by_name);
}

void rates_of(json_t *now, const json_t *before, double seconds)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(now, next, key, value)
	{
		json_t *old = json_object_get(before, key);

		if (json_is_array(value)) {
			rates_of_list(value, old, seconds);
		} else if (json_is_object(value)) {
			rates_of(value, old, seconds);
		} else if (json_is_integer(value) && is_counter(key)) {
			json_int_t more = json_is_integer(old) ? json_integer_value(value) -
									 json_integer_value(old)
							       : 0;

			json_integer_set(value, more > 0 && seconds > 0
							? (json_int_t)((double)more / seconds + 0.5)
							: 0);
		}
	}
}

void rates_sort_counters(json_t *answer)
{
	json_t *list = json_object_get(answer, "counters"), *sorted = json_array(), *one;
	size_t i, at;

	json_array_foreach(list, i, one)
	{
		json_int_t packets = json_integer_value(json_object_get(one, "packets"));

		for (at = json_array_size(sorted); at > 0; at--) {
			const json_t *before = json_array_get(sorted, at - 1);

			if (json_integer_value(json_object_get(before, "packets")) >= packets)
				break;
		}
		json_array_insert(sorted, at, one);
	}
	if (json_is_array(list))
		json_object_set(answer, "counters", sorted);
	json_decref(sorted);
}
