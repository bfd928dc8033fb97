// SPDX-License-Identifier: BSD-3-Clause
// Requests and answers as one writes them: ' stands for ".
#pragma once

#include <event2/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static inline void rpc_text_exchange(char *text, char from, char to)
{
	for (; *text != '\0'; text++)
		if (*text == from)
			*text = to;
}

// One line into `in`.
__attribute__((format(printf, 2, 3))) static inline void rpc_text_add(
	struct evbuffer *in, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	rpc_text_exchange(text, '\'', '"');
	evbuffer_add_printf(in, "%s\n", text);
	free(text);
}

// The next line of `out`; until the next call. NULL: there is none.
static inline const char *rpc_text_next(struct evbuffer *out)
{
	static char text[4096];
	char *line = evbuffer_readln(out, NULL, EVBUFFER_EOL_LF);

	if (line == NULL)
		return NULL;
	snprintf(text, sizeof(text), "%s", line);
	free(line);
	rpc_text_exchange(text, '"', '\'');
	return text;
}
