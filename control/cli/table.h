// SPDX-License-Identifier: BSD-3-Clause
// Text in aligned columns, and numbers in units for people.
#pragma once

#include <stdint.h>
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 12, TABLE_CELL_BYTES = 96 };

struct table;

// `headings`: separated by '|'; one that begins with '>' is of a column aligned to the right.
struct table *table_new(const char *headings); // NULL: no memory
void table_free(struct table *table);

// Cells from left to right; the row ends when all columns have one. What is too long is cut.
void table_add(struct table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_print(const struct table *table, FILE *out);

enum { UNIT_BYTES = 32 };
const char *unit_bytes(uint64_t bytes, char out[UNIT_BYTES]); // "1.2 MB", powers of 1000
const char *unit_count(uint64_t count, char out[UNIT_BYTES]); // "1.2 M"
const char *unit_seconds(uint64_t sec, char out[UNIT_BYTES]); // "3m12s"
