// SPDX-License-Identifier: BSD-3-Clause
// A config as the file that says it: in the order of the model, without what is the default anyway,
// the same text for the same config. Reading it gives the same config. Control thread.
#pragma once

#include <stddef.h>

#include "cfg/config.h"

// YAML, which the caller frees, and its length without the NUL. NULL: no memory.
char *config_print(const struct config *config, size_t *bytes);
