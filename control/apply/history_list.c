// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/history_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = HISTORY_KEPT + 1 }; // and the newest good one

int history_list_init(struct history_list *list)
{
	*list = (struct history_list){.rows = calloc(ROWS_MAX, sizeof(*list->rows))};
	return list->rows != NULL ? 0 : -1;
}

static const char *column_text(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text == NULL ? "" : text;
}

int history_list_add(struct history_list *list, sqlite3_stmt *row)
{
	struct history_row *to = &list->rows[list->n];

	if (list->n == ROWS_MAX)
		return 0;
	*to = (struct history_row){.file = strdup(column_text(row, 6))};
	if (to->file == NULL)
		return -1;
	snprintf(to->who, sizeof(to->who), "%s", column_text(row, 4));
	snprintf(to->why, sizeof(to->why), "%s", column_text(row, 5));
	to->revision = (struct revision){
		.number = sqlite3_column_int64(row, 0),
		.at = sqlite3_column_int64(row, 1),
		.state = (enum revision_state)sqlite3_column_int(row, 2),
		.uid = sqlite3_column_int64(row, 3),
		.who = to->who,
		.why = to->why,
		.file = to->file,
		.file_hash = (uint64_t)sqlite3_column_int64(row, 7),
	};
	list->n++;
	return 0;
}

void history_list_free(struct history_list *list)
{
	for (unsigned i = 0; i < list->n; i++)
		free(list->rows[i].file);
	free(list->rows);
	*list = (struct history_list){0};
}

int64_t history_list_newest(
	const struct history_list *list, enum revision_state state, int64_t below)
{
	for (unsigned i = 0; i < list->n; i++) {
		const struct revision *revision = &list->rows[i].revision;

		if (revision->state == state && revision->number < below)
			return revision->number;
	}
	return 0;
}
