// SPDX-License-Identifier: BSD-3-Clause
// Files that include others (`include:`, paths from the including file's directory, of files or of
// directories with *.yaml in them), as the one tree that they make together: what is included
// stands where the key is. Sections are joined, rules and the like one after the other; any other
// key, and any name, is in one file only. Control thread.
#pragma once

#include "cfg/base/arena.h"
#include "cfg/report.h"
#include "cfg/yaml_tree.h"

enum {
	INCLUDE_DEPTH_MAX = 8,
	INCLUDE_FILES_MAX = CFG_INCLUDES_MAX + 1,
};

// The root, in `arena`, or NULL when there is none to speak of. `report` has the faults, and the
// names of the files.
struct yaml_node *include_load(const char *path, struct arena *arena, struct report *report);

// What of `include:` a text that is no file can have: nothing.
void include_refuse(struct yaml_node *root, struct report *report);
