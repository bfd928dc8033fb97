// SPDX-License-Identifier: BSD-3-Clause
// Reads a config for somebody at a terminal, or for the journal.
#pragma once

#include "cfg/config.h"

// Says on stderr everything that is wrong or doubtful.
void config_file_say(const char *path, const struct cfg_errors *errors);
// The same. NULL when it is wrong; otherwise the caller frees it, and `path` must outlive it.
struct config *config_file_load(const char *path);
// NULL when it is doubtful too.
struct config *config_file_load_strict(const char *path);
