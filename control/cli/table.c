// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/style.h"

enum { GAP = 2 };

struct table {
	char (*cells)[TABLE_CELL_BYTES]; // row by row, the headings first
	size_t n_cells, room;
	unsigned n_columns;
	bool is_right[TABLE_COLUMNS_MAX];
};

static char *next_cell(struct table *table)
{
	if (table->n_cells == table->room) {
		size_t room = table->room == 0 ? 64 : table->room * 2;
		void *cells = realloc(table->cells, room * sizeof(table->cells[0]));

		if (cells == NULL)
			return NULL;
		table->cells = cells;
		table->room = room;
	}
	return table->cells[table->n_cells++];
}

void table_add(struct table *table, const char *fmt, ...)
{
	char *cell = next_cell(table);
	va_list ap;

	if (cell == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(cell, TABLE_CELL_BYTES, fmt, ap);
	va_end(ap);
}

struct table *table_new(const char *headings)
{
	struct table *table = calloc(1, sizeof(*table));
	const char *at = headings;

	while (table != NULL && table->n_columns < TABLE_COLUMNS_MAX) {
		size_t len = strcspn(at, "|");

		if (*at == '>') {
			table->is_right[table->n_columns] = true;
			at++;
			len--;
		}
		table_add(table, "%.*s", (int)len, at);
		table->n_columns++;
		if (at[len] == '\0')
			break;
		at += len + 1;
	}
	return table;
}

void table_free(struct table *table)
{
	if (table == NULL)
		return;
	free(table->cells);
	free(table);
}

// What a cell is drawn in: headings, and words that want to be seen.
static const char *colour_of(const char *cell, bool is_heading)
{
	static const char *const alarming[] = {"down", "absent", "failed"};

	if (!style_get()->is_coloured)
		return NULL;
	if (is_heading)
		return "\033[1m";
	for (size_t i = 0; i < sizeof(alarming) / sizeof(alarming[0]); i++)
		if (strcmp(cell, alarming[i]) == 0)
			return "\033[31m";
	return NULL;
}

static void print_cell(FILE *out, const char *cell, int width, bool is_heading)
{
	const char *colour = colour_of(cell, is_heading);
	bool is_cut = (int)strlen(cell) > width;

	fprintf(out, "%s%.*s%s%s", colour == NULL ? "" : colour, is_cut ? width - 1 : width, cell,
		is_cut ? "~" : "", colour == NULL ? "" : "\033[0m");
}

// Blanks at the end of a line are nobody's.
static void print_row(const struct table *table, size_t first, const int *widths, FILE *out)
{
	int blanks = 0;

	for (unsigned column = 0; column < table->n_columns; column++) {
		const char *cell = table->cells[first + column];
		int fill = widths[column] - (int)strlen(cell);

		fill = fill < 0 ? 0 : fill;
		if (table->is_right[column] && cell[0] != '\0')
			blanks += fill;
		if (cell[0] != '\0') {
			fprintf(out, "%*s", blanks, "");
			print_cell(out, cell, widths[column], first == 0);
			blanks = table->is_right[column] ? 0 : fill;
		} else {
			blanks += fill;
		}
		blanks += GAP;
	}
	fputc('\n', out);
}

// Text gives way where the terminal is not wide enough, the widest column first.
static void fit(const struct table *table, int *widths)
{
	enum { LEAST = 8 };
	int excess = -style_get()->width - GAP;

	for (unsigned i = 0; i < table->n_columns; i++)
		excess += widths[i] + GAP;
	while (style_get()->width > 0 && excess > 0) {
		int *widest = NULL;

		for (unsigned i = 0; i < table->n_columns; i++)
			if (!table->is_right[i] && widths[i] > LEAST &&
				(widest == NULL || widths[i] > *widest))
				widest = &widths[i];
		if (widest == NULL)
			return;
		(*widest)--;
		excess--;
	}
}

void table_print(const struct table *table, FILE *out)
{
	int widths[TABLE_COLUMNS_MAX] = {0};

	for (size_t i = 0; i < table->n_cells; i++) {
		int len = (int)strlen(table->cells[i]);

		if (len > widths[i % table->n_columns])
			widths[i % table->n_columns] = len;
	}
	fit(table, widths);
	for (size_t i = 0; i + table->n_columns <= table->n_cells; i += table->n_columns)
		print_row(table, i, widths, out);
}

static const char *scaled(uint64_t value, const char *const units[], char out[UNIT_BYTES])
{
	double rest = (double)value;
	unsigned step = 0;

	while (rest >= 999.5 && units[step + 1] != NULL) {
		rest /= 1000;
		step++;
	}
	snprintf(out, UNIT_BYTES, "%.*f%s", step > 0 && rest < 99.95 ? 1 : 0, rest, units[step]);
	return out;
}

const char *unit_bytes(uint64_t bytes, char out[UNIT_BYTES])
{
	static const char *const units[] = {" B", " kB", " MB", " GB", " TB", " PB", NULL};

	return scaled(bytes, units, out);
}

const char *unit_count(uint64_t count, char out[UNIT_BYTES])
{
	static const char *const units[] = {"", " k", " M", " G", " T", NULL};

	return scaled(count, units, out);
}

const char *unit_seconds(uint64_t sec, char out[UNIT_BYTES])
{
	if (sec < 60)
		snprintf(out, UNIT_BYTES, "%" PRIu64 "s", sec);
	else if (sec < 3600)
		snprintf(out, UNIT_BYTES, "%" PRIu64 "m%02" PRIu64 "s", sec / 60, sec % 60);
	else if (sec < 86400)
		snprintf(out, UNIT_BYTES, "%" PRIu64 "h%02" PRIu64 "m", sec / 3600, sec / 60 % 60);
	else
		snprintf(out, UNIT_BYTES, "%" PRIu64 "d%02" PRIu64 "h", sec / 86400,
			sec / 3600 % 24);
	return out;
}
