// SPDX-License-Identifier: BSD-3-Clause
// A config with the text that it was read from, which the history keeps. Control thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cfg/config.h"

struct source {
	char *text;
	size_t bytes;
	struct config *config; // its `file` is its own
};

// A file of any other kind than a regular one is refused: reading it might never end. `path` must
// outlive the errors, not the config. 0, or -1 with at least one error; source_fini and
// cfg_errors_free are due either way.
int source_read(struct source *source, const char *path, struct cfg_errors *errors);
// The same from memory, which it takes; `name` stands for the file.
int source_parse(struct source *source, const char *name, char *text, size_t bytes,
	struct cfg_errors *errors);
void source_fini(struct source *source); // zeroed is fine

uint64_t source_hash(const struct source *source); // of its text; 0: there is none
// Of what is in the file now; 0: it cannot be read.
uint64_t source_hash_file(const char *path);
