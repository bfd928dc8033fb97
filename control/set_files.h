// SPDX-License-Identifier: BSD-3-Clause
// What the files of the config's sets held when they were last good. A file that cannot be taken
// leaves what was there before. Control thread.
#pragma once

#include <stdbool.h>
#include <time.h>

#include "cfg/config.h"
#include "control/set_file.h"

struct set_files {
	struct loaded_file *list; // one for each set that has a file
	unsigned n;
};

// Reads all of them; logs those that cannot be taken, whose sets then lack them. 0 or -ENOMEM.
int set_files_open(struct set_files *files, const struct config *config);
void set_files_close(struct set_files *files); // zeroed is fine

// What becomes of files that somebody has changed since they were read, and of those that cannot be
// taken then.
enum set_files_how {
	SET_FILES_STRICT = 0, // are read; the reason in `err`
	SET_FILES_LENIENT,    // are left, but for new ones; logged, and the set keeps what it had
	SET_FILES_ANEW,	      // are read; the same, and not tried again until they change
};

struct set_files_wish {
	enum set_files_how how;
	time_t now;	 // the wall clock's: one that is being written at that time is left
	const char *set; // the file of this one alone is read, changed or not, strictly; or NULL
};

// The same for a config that is to take the place of another one, or of itself, whose files are
// `before`: what nobody has changed since is copied. 0 or -1 with the reason. Any thread.
int set_files_follow(struct set_files *files, const struct config *config,
	const struct set_files *before, const struct set_files_wish *wish, struct error *err);
// Whether that has read a file.
bool set_files_are_new(const struct set_files *files);

// NULL: the set has no file.
const struct set_elements *set_files_find(const struct set_files *files, const struct cfg_set *set);

// Whether somebody has changed one. One that is still being written, or gone, counts the next time.
bool set_files_have_changed(const struct set_files *files, time_t now);
