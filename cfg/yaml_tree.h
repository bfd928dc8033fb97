// SPDX-License-Identifier: BSD-3-Clause
// YAML text as a bounded tree of nodes with their line and column: the plain part of YAML 1.1
// (scalars, lists, mappings), every scalar as the text it is. Anchors, aliases, merge keys, tags
// and further documents are errors. Control thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cfg/base/arena.h"
#include "cfg/config.h"
#include "cfg/report.h"

enum {
	YAML_TREE_DEPTH_MAX = 16,
	YAML_TREE_NODES_MAX = 4000000,
	YAML_TREE_TEXT_BYTES_MAX = 16 * 1024 * 1024,
};

enum yaml_kind {
	YAML_KIND_SCALAR = 0,
	YAML_KIND_LIST,
	YAML_KIND_MAPPING,
};

struct yaml_node {
	enum yaml_kind kind;
	bool is_quoted; // of a scalar
	bool is_bad;	// its fault is reported already: say nothing more of it
	unsigned n_children;
	struct cfg_place place;
	struct cfg_place key_place;
	const char *key;  // in a mapping, otherwise NULL; unique there
	const char *text; // of a scalar, without NUL bytes inside
	struct yaml_node *first;
	struct yaml_node *next;
};

// The root, in `arena`, or NULL where there is none to speak of: then, and also for what it could
// read past, `report` has an error.
// `file` is the number of the file in places.
struct yaml_node *yaml_tree_parse(const char *text, size_t text_bytes, unsigned file,
	struct arena *arena, struct report *report);

// Reports each key that is in the mapping a second time, and takes it out.
void yaml_tree_drop_duplicates(
	struct yaml_node *mapping, struct arena *arena, struct report *report);
void yaml_tree_report_second(
	struct report *report, const struct yaml_node *second, const struct yaml_node *first);

// The value of `key`; NULL when absent, or when `mapping` is NULL or not a mapping.
struct yaml_node *yaml_tree_get(const struct yaml_node *mapping, const char *key);

// Nothing was written: `key:` and the end of the line.
bool yaml_tree_is_empty(const struct yaml_node *node);

// Steps through a list, or through one scalar as if it were a list of one. `item` NULL: the first.
struct yaml_node *yaml_tree_next_item(struct yaml_node *list, const struct yaml_node *item);
