// SPDX-License-Identifier: BSD-3-Clause
// The daemon's answers as tables for people, readable in 80 columns.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

// What can be shown, in the order of the help.
struct view {
	const char *name;
	const char *method;
	const char *help;
	bool takes_limit;
	const char *argument; // what must follow its name, "NAME"; or NULL
	void (*print)(const json_t *result, FILE *out);
};

extern const struct view views[];		// the last one has no name
const struct view *view_find(const char *name); // NULL: nothing by that name
