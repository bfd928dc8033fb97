// SPDX-License-Identifier: BSD-3-Clause
// Of each port the row of its class (classifier.c), found without a search: by the port's upper
// byte a block, in it by the lower one. Blocks that are alike are one, so a house's ports take some
// ten of 1 KB, and no ruleset takes more than 256. Control builds it, workers read it.
#pragma once

#include <stdint.h>

#include "dataplane/rule_classes.h"

enum { PORT_ROWS_BLOCK = 256 };

struct port_rows {
	uint32_t (*blocks)[PORT_ROWS_BLOCK];
	uint32_t n_blocks;
	uint8_t block_of[PORT_ROWS_BLOCK];
};

// What `table` says of numbers below 65536, with rows for classes. 0 or -ENOMEM; zeroed ones, and
// those of an init that failed, may be finished.
int port_rows_init(struct port_rows *ports, const struct class_table *table);
void port_rows_fini(struct port_rows *ports);
uint64_t port_rows_bytes(const struct port_rows *ports);

static inline uint32_t port_rows_find(const struct port_rows *ports, uint16_t port)
{
	return ports->blocks[ports->block_of[port / PORT_ROWS_BLOCK]][port % PORT_ROWS_BLOCK];
}
