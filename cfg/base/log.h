// SPDX-License-Identifier: BSD-3-Clause
// Log lines to stderr: "level part: text", the level in sd-daemon's <N> form when stderr is the
// journal. `part` names the room or the object ("port wan", "worker 1"). Any thread but workers.
#pragma once

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR = 0,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

void log_set_level(enum log_level level); // default: info
void log_error(const char *part, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_warning(const char *part, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *part, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *part, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
