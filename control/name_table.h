// SPDX-License-Identifier: BSD-3-Clause
// Finds by name: what a config names is looked up for each of a quarter of a million rules. Holds
// a number for each name; names are borrowed and must outlive it. Control thread.
#pragma once

#include <stdint.h>

enum { NAME_TABLE_NONE = -1 };

struct name_table {
	struct name_slot *slots;
	uint32_t n, room; // room: a power of 2, or 0
};

// Zeroed is empty.
void name_table_fini(struct name_table *table);

// 0; -EEXIST when the name is there already, with whatever number; -ENOMEM.
int name_table_add(struct name_table *table, const char *name, uint32_t number);
// The number, or NAME_TABLE_NONE.
int64_t name_table_find(const struct name_table *table, const char *name);
