// SPDX-License-Identifier: BSD-3-Clause
// A config and the one text that says it, whatever files it was read from: what the history keeps,
// and what two configs are the same by. Control thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cfg/config.h"

struct source {
	char *text; // config_print's
	size_t bytes;
	struct config *config; // its `file` is its own
	uint64_t hash;	       // of the text; of a file that cannot be taken, of what is in it
};

// A file of any other kind than a regular one is refused: reading it might never end. `path` must
// outlive the errors, not the config. 0, or -1 with at least one error; source_fini and
// cfg_errors_free are due either way.
int source_read(struct source *source, const char *path, struct cfg_errors *errors);
// The same from memory; `name` stands for the file.
int source_parse(struct source *source, const char *name, const char *text, size_t bytes,
	struct cfg_errors *errors);
void source_fini(struct source *source); // zeroed is fine

// Of what the file is now; 0: it cannot be read.
uint64_t source_hash_file(const char *path);
