// SPDX-License-Identifier: BSD-3-Clause
// Warnings that are meant: what the section `accept-warnings` takes of them. Before the checks it
// finds what each entry is about; after them, those that were for nothing are warnings. Control
// thread.
#pragma once

#include "cfg/yaml_tree.h"

struct accept;

// Reports ids that there are not. What it needs is in `arena`; the config and `root` must outlive
// the report. Nothing is accepted when there is no memory, which the arena knows.
void accept_begin(struct report *report, const struct config *config, const struct yaml_node *root,
	struct arena *arena);
// Whether an entry takes the warning; that one is not for nothing.
bool accept_takes(struct accept *accept, struct cfg_place place, enum doubt doubt);
// For a file without errors, after all checks.
void accept_end(struct report *report);
