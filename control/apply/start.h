// SPDX-License-Identifier: BSD-3-Clause
// Which config a daemon begins with. The file that it is started with, but for three cases: the
// file is broken; it still holds what was on trial when the daemon ended; or the router was given
// something else since, and nobody has touched the file. Then it is the last good one of the
// history. Control thread.
#pragma once

#include "control/apply/apply.h"

struct start {
	char origin[PATH_MAX]; // the file's path from the root
	sqlite3 *state;	       // NULL: there is none
	struct history *history;
	struct source source;
	uint64_t file_hash; // of the file, whatever it is instead
	int64_t present;    // revision that it is; 0: it is the file, and new
	struct error note;  // why it is not what is in the file; no text: it is
};

// Says on stderr what is wrong with the file or doubtful. `otherwise` is the state file to look for
// where the file does not say. 0, or -1: there is nothing to begin with. start_fini is due either
// way.
int start_choose(struct start *start, const char *path, const char *otherwise);
// Once the router runs: the file is a revision now, and the router may be given others.
struct apply *start_apply(struct start *start, struct router *router);
void start_fini(struct start *start);
