// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const int syslog_levels[] = {3, 4, 6, 7};

static enum log_level log_threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	log_threshold = level;
}

// One write(2) a line, so that lines of several threads never mix.
static void log_line(enum log_level level, const char *part, const char *fmt, va_list ap)
{
	char line[1024];
	int saved = errno;
	int len;

	if (level > log_threshold)
		return;
	if (getenv("JOURNAL_STREAM") != NULL)
		len = snprintf(line, sizeof(line), "<%d>%s: ", syslog_levels[level], part);
	else
		len = snprintf(line, sizeof(line), "%-7s %s: ", level_names[level], part);
	if (len < (int)sizeof(line) - 1)
		len += vsnprintf(line + len, sizeof(line) - (size_t)len, fmt, ap);
	if (len > (int)sizeof(line) - 1)
		len = sizeof(line) - 1;
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		errno = saved; // nowhere left to say so
	errno = saved;
}

#define LOG_FUNCTION(name, level)                                                                  \
	void name(const char *part, const char *fmt, ...)                                          \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, fmt);                                                                 \
		log_line(level, part, fmt, ap);                                                    \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
