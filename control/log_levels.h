// SPDX-License-Identifier: BSD-3-Clause
// The log's levels as the config has them. Control thread.
#pragma once

#include "cfg/log.h"

// Also of a config that has taken another's place: what was set by hand stays. Cheap.
void log_levels_follow(const struct cfg_log *log);
