// SPDX-License-Identifier: BSD-3-Clause
// What the state file has of revisions, without their texts: in memory, the newest first. Of
// history.c.
#pragma once

#include "control/apply/history.h"

struct history_list {
	struct history_row *rows;
	unsigned n;
};

struct history_row {
	struct revision revision; // whose texts are these
	char who[HISTORY_WHO_MAX + 1], why[HISTORY_WHY_MAX + 1], *file;
};

// Both: 0, or -1: no memory.
int history_list_init(struct history_list *list);
// A row of the columns number, at, state, uid, who, why, file, file_hash; beyond those that a
// history keeps it is left out.
int history_list_add(struct history_list *list, sqlite3_stmt *row);
void history_list_free(struct history_list *list);

// The newest in that state with a lower number. 0: there is none.
int64_t history_list_newest(
	const struct history_list *list, enum revision_state state, int64_t below);
