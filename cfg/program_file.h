// SPDX-License-Identifier: BSD-3-Clause
// A program that the router starts for its operator: whether it is there, and whose word it is.
// Any thread.
#pragma once

#include "cfg/base/error.h"

enum { PROGRAM_PATH_BYTES_MAX = 255 };

// 0; -1 with the reason, in words behind the path: it is absent, no program, or somebody who is
// neither root nor the caller can change it or a folder that it is in (those with a sticky bit
// let nobody change what is others').
int program_file_check(const char *path, struct error *err);
