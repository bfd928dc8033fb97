// SPDX-License-Identifier: BSD-3-Clause
// Reads what the daemon answered, for the views. What is absent or odd shows as nothing or 0.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "control/cli/table.h"

uint64_t answer_number(const json_t *from, const char *key);
const char *answer_text(const json_t *from, const char *key);
const char *answer_text_or(const json_t *from, const char *key, const char *otherwise);
bool answer_truth(const json_t *from, const char *key);

// Cells of a row.
void answer_add_bytes(struct table *table, const json_t *from, const char *key);
void answer_add_count(struct table *table, const json_t *from, const char *key);
void answer_add_element(struct table *table, const json_t *array, size_t i);
void answer_add_blanks(struct table *table, unsigned n);

// The list `key` of the answer under these headings; `add` makes the rows of one of its members.
void answer_table(const json_t *result, const char *key, const char *headings,
	void (*add)(struct table *table, const json_t *member), FILE *out);
void answer_print(struct table *table, FILE *out); // and frees it; NULL is fine
// How many of the list `key` are not there, if any.
void answer_print_rest(const json_t *result, const char *key, FILE *out);
