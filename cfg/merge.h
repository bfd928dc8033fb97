// SPDX-License-Identifier: BSD-3-Clause
// Trees of several files as one, along the table in cfg/model.c. Part of cfg/include.h. Control
// thread.
#pragma once

#include "cfg/base/arena.h"
#include "cfg/report.h"
#include "cfg/yaml_tree.h"

// Adds the keys of `from`, a mapping, to those of the mapping `into`, whose nodes it takes. A key
// that both have is reported, unless it is a section.
void merge_file(struct yaml_node *into, struct yaml_node *from, struct report *report);

// Once all are added: a name that several files give is reported.
void merge_finish(struct yaml_node *root, struct arena *arena, struct report *report);
