// SPDX-License-Identifier: BSD-3-Clause
// From the tree of a file to the structs of cfg/config.h, along the table in cfg/model.c. Control
// thread.
#pragma once

#include "cfg/base/arena.h"
#include "cfg/config.h"
#include "cfg/report.h"
#include "cfg/yaml_tree.h"

// Fills `config`, whose strings and arrays go to `arena`. What is wrong is in `report`, and its
// node is marked is_bad. Element i of an array is read from child i of its section, or left zero.
void read_config(
	struct yaml_node *root, struct arena *arena, struct report *report, struct config *config);
