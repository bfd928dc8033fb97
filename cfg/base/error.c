// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

int error_set(struct error *err, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	err->file = NULL;
	err->line = err->column = 0;
	err->id = NULL;
	err->fix[0] = '\0';
	errno = saved;
	return -1;
}

const char *error_str(const struct error *err, char *out, size_t out_bytes)
{
	bool is_warning = err->id != NULL;
	char place[32] = "";

	if (err->file != NULL && err->line > 0)
		snprintf(place, sizeof(place), ":%d:%d", err->line, err->column);
	snprintf(out, out_bytes, "%s%s%s%s%s%s%s%s%s%s", err->file != NULL ? err->file : "", place,
		err->file != NULL ? ": " : "", is_warning ? "warning: " : "", err->text,
		is_warning ? " [" : "", is_warning ? err->id : "", is_warning ? "]" : "",
		is_warning && err->fix[0] != '\0' ? "\n    fix: " : "", is_warning ? err->fix : "");
	return out;
}
