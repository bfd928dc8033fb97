// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/memory.h"

// The block of 256 ports from `first` on.
static void draw_block(uint32_t *rows, const struct class_table *table, uint32_t first)
{
	uint32_t rank = bounds32_rank(&table->low, first);

	for (uint32_t i = 0; i < PORT_ROWS_BLOCK; i++) {
		while (rank < table->low.n && bounds32_key(&table->low, rank) <= first + i)
			rank++;
		rows[i] = table->of_low[rank];
	}
}

int port_rows_init(struct port_rows *ports, const struct class_table *table)
{
	uint32_t(*drawn)[PORT_ROWS_BLOCK] = calloc(PORT_ROWS_BLOCK, sizeof(drawn[0]));
	uint32_t n = 0;

	*ports = (struct port_rows){0};
	if (drawn == NULL)
		return -ENOMEM;
	for (uint32_t upper = 0; upper < PORT_ROWS_BLOCK; upper++) {
		uint32_t same = 0;

		draw_block(drawn[n], table, upper * PORT_ROWS_BLOCK);
		while (memcmp(drawn[same], drawn[n], sizeof(drawn[0])) != 0)
			same++;
		ports->block_of[upper] = (uint8_t)same;
		n += same == n;
	}
	ports->blocks = memory_new(n * sizeof(drawn[0]));
	if (ports->blocks != NULL) {
		memcpy(ports->blocks, drawn, n * sizeof(drawn[0]));
		ports->n_blocks = n;
	}
	free(drawn);
	return ports->blocks != NULL ? 0 : -ENOMEM;
}

void port_rows_fini(struct port_rows *ports)
{
	memory_free(ports->blocks, port_rows_bytes(ports));
	*ports = (struct port_rows){0};
}

uint64_t port_rows_bytes(const struct port_rows *ports)
{
	return ports->n_blocks * sizeof(ports->blocks[0]);
}
