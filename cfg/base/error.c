// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/base/error.h"

#include <errno.h>
#include <stdarg.h>
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
	errno = saved;
	return -1;
}

const char *error_str(const struct error *err, char *out, size_t out_bytes)
{
	if (err->file != NULL && err->line > 0)
		snprintf(out, out_bytes, "%s:%d:%d: %s", err->file, err->line, err->column,
			err->text);
	else if (err->file != NULL)
		snprintf(out, out_bytes, "%s: %s", err->file, err->text);
	else
		snprintf(out, out_bytes, "%s", err->text);
	return out;
}
