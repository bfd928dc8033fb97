// SPDX-License-Identifier: BSD-3-Clause
// The sets with a timeout, each with its number at the workers. They outlive policies, and so do
// the numbers. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/config.h"
#include "dataplane/dataplane.h"

struct timed_set_name {
	char name[CFG_WORD_MAX + 1];
	uint32_t timeout_sec; // of an entry that comes without its own
	uint32_t capacity;    // entries
	bool is_there;	      // the config has it; else it waits for one that has it again
};

struct timed_sets {
	struct timed_set_name list[DP_TIMED_SETS_MAX]; // by number
	unsigned n;
};

// Makes those of the config at the workers, also when another config takes the place of the first:
// those of the same name go on. 0, or -1 with the reason, `sets` is then as it was but for what the
// workers have made already. Zeroed is empty.
int timed_sets_open(struct timed_sets *sets, const struct config *config, struct dataplane *dp,
	struct error *err);
// Back to what the config had before; what was made since waits.
void timed_sets_revert(struct timed_sets *sets, const struct timed_sets *before);

// DP_INDEX_NONE: there is none of that name.
uint16_t timed_sets_find(const struct timed_sets *sets, const char *name);

// The one that is meant where none is named: `banned`, or else the only one there is.
uint16_t timed_sets_usual(const struct timed_sets *sets);
