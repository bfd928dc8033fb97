// SPDX-License-Identifier: BSD-3-Clause
// Text for a line of the log, after a byte for the room it has: what comes out fits, is UTF-8 by
// the C library's judgement, controls nothing, and is left alone when it comes again.
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "cfg/base/log_text.h"

enum { ROOM_MIN = 8 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void require(bool is_so)
{
	if (!is_so)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	require(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
	return 0;
}

static bool is_plain(const char *text)
{
	while (*text >= ' ' && *text <= '~')
		text++;
	return *text == '\0';
}

static void require_harmless(const char *text, size_t len)
{
	mbstate_t state = {0};

	while (len > 0) {
		wchar_t c;
		size_t n = mbrtowc(&c, text, len, &state);

		require(n > 0 && n <= len);
		require(!iswcntrl((wint_t)c) && c != 0x2028 && c != 0x2029);
		require(!(c >= 0x202a && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069));
		text += n;
		len -= n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
	size_t room = n_bytes > 0 ? ROOM_MIN + bytes[0] : ROOM_MIN, len;
	char *text = calloc(1, n_bytes + 1), *out = malloc(room), *again = malloc(room);

	if (text == NULL || out == NULL || again == NULL)
		abort();
	if (n_bytes > 1)
		memcpy(text, bytes + 1, n_bytes - 1);
	len = log_text_clean(out, room, text);
	require(len < room && strlen(out) == len);
	require_harmless(out, len);
	require(log_text_clean(again, room, out) == len && memcmp(again, out, len) == 0);
	if (is_plain(text) && strlen(text) < room)
		require(strcmp(text, out) == 0);
	free(again);
	free(out);
	free(text);
	return 0;
}
