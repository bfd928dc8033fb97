// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/base/log_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ELLIPSIS_BYTES = 3, ESCAPE_BYTES = 4 };

// The length of the character that `text` begins with and its code point; 0: it is no UTF-8 (RFC
// 3629 section 4: nothing longer than need be, no surrogates).
static unsigned decode(const unsigned char *text, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned n;

	if (text[0] < 0x80) {
		*code = text[0];
		return 1;
	}
	if ((text[0] & 0xe0) == 0xc0)
		n = 2;
	else if ((text[0] & 0xf0) == 0xe0)
		n = 3;
	else if ((text[0] & 0xf8) == 0xf0)
		n = 4;
	else
		return 0;
	*code = text[0] & (0x7fu >> n);
	for (unsigned i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0; // the NUL at the end too
		*code = *code << 6 | (text[i] & 0x3f);
	}
	if (*code < least[n] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return n;
}

static bool is_harmless(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) // C0, DEL, C1
		return false;
	if (code >= 0x2028 && code <= 0x202e) // ends of lines, turns of the reading order
		return false;
	return !(code >= 0x2066 && code <= 0x2069) && code != 0x200e && code != 0x200f &&
	       code != 0x061c && code != 0xfeff;
}

size_t log_text_clean(char *out, size_t out_bytes, const char *text)
{
	const unsigned char *from = (const unsigned char *)text;
	size_t n = 0, n_before_ellipsis = 0;

	while (*from != '\0') {
		uint32_t code = 0;
		unsigned len = decode(from, &code);
		bool is_kept = len > 0 && is_harmless(code);
		size_t needed = is_kept ? len : ESCAPE_BYTES;

		if (n + needed >= out_bytes) {
			n = n_before_ellipsis;
			memcpy(out + n, "...", ELLIPSIS_BYTES);
			n += ELLIPSIS_BYTES;
			break;
		}
		if (is_kept) {
			memcpy(out + n, from, len);
			from += len;
		} else {
			snprintf(out + n, ESCAPE_BYTES + 1, "\\x%02x", *from);
			from++;
		}
		n += needed;
		if (n + ELLIPSIS_BYTES < out_bytes)
			n_before_ellipsis = n;
	}
	out[n] = '\0';
	return n;
}

const char *log_time_str(int64_t time_us, char out[LOG_TIME_BYTES])
{
	time_t sec = (time_t)(time_us / 1000000);
	char date[24], zone[8];
	struct tm tm;

	if (localtime_r(&sec, &tm) == NULL)
		tm = (struct tm){.tm_mday = 1, .tm_year = 70};
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm); // +0100
	snprintf(out, LOG_TIME_BYTES, "%s.%03u%.3s:%s", date, (unsigned)(time_us / 1000 % 1000),
		zone, zone + 3);
	return out;
}
