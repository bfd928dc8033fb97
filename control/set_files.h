// SPDX-License-Identifier: BSD-3-Clause
// What the files of the config's sets held when they were last good. A file that cannot be taken
// leaves what was there before; a new content becomes final when a policy with it is in force.
// Control thread.
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

// The same for a config that is to take the place of another one, whose files are `before`: what
// nobody has changed since is copied, not read again. A file that cannot be taken is the reason in
// `err`, or with `is_lenient` is logged, and its set has what it had. 0 or -1.
int set_files_follow(struct set_files *files, const struct config *config,
	const struct set_files *before, bool is_lenient, struct error *err);

// NULL: the set has no file.
const struct set_elements *set_files_find(const struct set_files *files, const struct cfg_set *set);

// Reads the set's file now. 0, -1 with the faults, or -ENOENT: the set has no file.
int set_files_reload(
	struct set_files *files, const struct cfg_set *set, struct set_file_faults *faults);

// Reads those that somebody has changed, and logs what is wrong with them. A file that is still
// being written is left for the next time. Whether there is a new content.
bool set_files_check(struct set_files *files, time_t now);

// What was read since the last of these two is final, or gone again.
void set_files_keep(struct set_files *files);
void set_files_revert(struct set_files *files);
