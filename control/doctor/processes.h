// SPDX-License-Identifier: BSD-3-Clause
// Programs that run in the network namespace of this one, by /proc. Where a process hides its
// namespace, which it does from all but root, it is taken to be in ours. Control thread.
#pragma once

#include <stdbool.h>

#include "control/doctor/tree.h"

// The lowest process of that name (as /proc/PID/comm has it, at most 15 characters), or 0.
int process_find(const struct tree *tree, const char *comm);
// The same, of those that have `word` among their arguments.
int process_find_with(const struct tree *tree, const char *comm, const char *word);
