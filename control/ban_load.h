// SPDX-License-Identifier: BSD-3-Clause
// From the state file to the workers: what was in sets when they were here before. A part at a
// time, so that neither the loop nor who writes waits for all of it. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/ban_store.h"
#include "control/timed_sets.h"

enum { BAN_LOAD_ROWS = 1024 }; // of a part

struct bans;

struct ban_load {
	struct bans *bans;
	struct {
		bool is_wanted;
		unsigned n, n_refused;
	} of[DP_TIMED_SETS_MAX];
	int64_t now; // by the wall, when it was asked for
	uint64_t now_ms;
	bool is_under_way;
	bool is_stale; // what is under way is not wanted any more
	bool is_begun; // `timed` is, and not at its end
	uint16_t timed;
	// the part: the thread's while it is under way
	char set[CFG_WORD_MAX + 1];
	struct ban_cursor cursor;
	struct ban_row rows[BAN_LOAD_ROWS];
	unsigned n_rows;
	int rc;
	struct error err;
};

// Wants that set; wants all, from their beginning.
void ban_load_want(struct ban_load *load, uint16_t timed, int64_t now);
void ban_load_want_all(struct ban_load *load, int64_t now);
void ban_load_want_none(struct ban_load *load);
// At the start, before the loop: all that is wanted.
void ban_load_at_once(struct ban_load *load);
// Once the loop runs: has the state file's thread do it, and comes back by itself.
void ban_load_go_on(struct ban_load *load);
