// SPDX-License-Identifier: BSD-3-Clause
// A flow table by itself, with seeds that stay.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/flow_table.h"

static inline struct flow_table *open_table(uint32_t capacity)
{
	static const uint64_t seeds[2] = {0x1234567890abcdefu, 0xfedcba0987654321u};
	struct flow_table *table = aligned_alloc(64, (sizeof(*table) + 63) / 64 * 64);

	assert_non_null(table);
	assert_int_equal(flow_table_init(table, capacity, seeds), 0);
	return table;
}

static inline void close_table(struct flow_table *table)
{
	flow_table_fini(table);
	free(table);
}
