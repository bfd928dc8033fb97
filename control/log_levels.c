// SPDX-License-Identifier: BSD-3-Clause
#include "control/log_levels.h"

void log_levels_follow(const struct cfg_log *log)
{
	for (unsigned i = 0; i < LOG_PARTS; i++)
		log_set_configured((enum log_part)i, cfg_log_level(log, (enum log_part)i));
}
