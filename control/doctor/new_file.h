// SPDX-License-Identifier: BSD-3-Clause
// A file that is there whole or not at all, and never in the place of another unless that is asked
// for. Control thread.
#pragma once

#include <stdbool.h>

#include "cfg/base/error.h"

int new_file_write(const char *path, const char *text, bool replaces, struct error *err);
