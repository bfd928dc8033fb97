// SPDX-License-Identifier: BSD-3-Clause
// What the daemon's log is to tell, as the section `log` of a config says it. Plain data.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/log.h"

struct cfg_log {
	enum log_level level;
	struct cfg_log_part {
		bool is_there;
		enum log_level level;
	} parts[LOG_PARTS];
	uint64_t said, parts_said;
};

static inline enum log_level cfg_log_level(const struct cfg_log *log, enum log_part part)
{
	return log->parts[part].is_there ? log->parts[part].level : log->level;
}
