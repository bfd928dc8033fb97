// SPDX-License-Identifier: BSD-3-Clause
// What makes sense by itself but not beside the rest of the file: references, overlaps, keys that
// do not go together. Looks at the config for values and at the tree for places. Control thread.
#pragma once

#include "cfg/config.h"
#include "cfg/report.h"
#include "cfg/yaml_tree.h"

struct check {
	struct config *config;
	struct report *report;
	const struct yaml_node *root; // as read_config left it
	bool interfaces_are_known;    // all could be read, so one that is not there is missing
};

void check_workers(const struct check *check);
void check_ports(const struct check *check);
void check_interfaces(const struct check *check);
bool check_interfaces_are_known(const struct yaml_node *root);
void check_routes(const struct check *check); // also completes the next hops
void check_nat(const struct check *check);

// The place of `key` in `object`, else of the object itself.
struct cfg_place check_place(const struct yaml_node *object, const char *key);

// NULL when there is none of that name.
const struct cfg_interface *check_find_interface(const struct config *config, const char *name);
// Reports a name that is no interface's; `noun` is who named it.
void check_is_interface(
	const struct check *check, const char *noun, const char *name, struct cfg_place place);
