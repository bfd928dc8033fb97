// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/base/text_out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_MIN = 256 };

static bool make_room(struct text_out *out, size_t len)
{
	size_t room = out->room != 0 ? out->room : ROOM_MIN;
	char *larger;

	if (out->is_exhausted)
		return false;
	if (len < out->room - out->n)
		return true;
	while (room - out->n <= len)
		room *= 2;
	larger = realloc(out->bytes, room);
	out->is_exhausted = larger == NULL;
	if (larger == NULL)
		return false;
	out->bytes = larger;
	out->room = room;
	return true;
}

void text_out_add_bytes(struct text_out *out, const char *text, size_t len)
{
	if (!make_room(out, len))
		return;
	memcpy(out->bytes + out->n, text, len);
	out->n += len;
	out->bytes[out->n] = '\0';
}

void text_out_add(struct text_out *out, const char *text)
{
	text_out_add_bytes(out, text, strlen(text));
}

void text_out_addf(struct text_out *out, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_out_add(out, text);
}

void text_out_cut(struct text_out *out, size_t n)
{
	if (n >= out->n)
		return;
	out->n = n;
	out->bytes[n] = '\0';
}

void text_out_fini(struct text_out *out)
{
	free(out->bytes);
	*out = (struct text_out){0};
}
