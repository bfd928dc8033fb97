// SPDX-License-Identifier: BSD-3-Clause
#include "control/name_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/hash.h"

enum { ROOM_MIN = 64, SEED = 1 };

struct name_slot {
	const char *name; // NULL: free
	uint32_t number;
};

void name_table_fini(struct name_table *table)
{
	free(table->slots);
	*table = (struct name_table){0};
}

// The name's slot, or the free one where it would be. Half of the slots are free at least.
static struct name_slot *slot_of(const struct name_table *table, const char *name)
{
	uint32_t at = (uint32_t)hash_bytes(SEED, name, strlen(name)) & (table->room - 1);

	while (table->slots[at].name != NULL && strcmp(table->slots[at].name, name) != 0)
		at = (at + 1) & (table->room - 1);
	return &table->slots[at];
}

static int grow(struct name_table *table)
{
	struct name_table larger = {
		.n = table->n, .room = table->room == 0 ? ROOM_MIN : table->room * 2};

	larger.slots = calloc(larger.room, sizeof(larger.slots[0]));
	if (larger.slots == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < table->room; i++)
		if (table->slots[i].name != NULL)
			*slot_of(&larger, table->slots[i].name) = table->slots[i];
	free(table->slots);
	*table = larger;
	return 0;
}

int name_table_add(struct name_table *table, const char *name, uint32_t number)
{
	struct name_slot *slot;

	if (table->n >= table->room / 2 && grow(table) != 0)
		return -ENOMEM;
	slot = slot_of(table, name);
	if (slot->name != NULL)
		return -EEXIST;
	*slot = (struct name_slot){name, number};
	table->n++;
	return 0;
}

int64_t name_table_find(const struct name_table *table, const char *name)
{
	const struct name_slot *slot;

	if (table->room == 0)
		return NAME_TABLE_NONE;
	slot = slot_of(table, name);
	return slot->name == NULL ? NAME_TABLE_NONE : (int64_t)slot->number;
}
