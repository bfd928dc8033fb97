// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/hex_text.h"

#include <string.h>

// -1: none.
static int digit_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	char lower = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
	const char *at = lower == '\0' ? NULL : strchr(digits, lower);

	return at == NULL ? -1 : (int)(at - digits);
}

int hex_text_read(const char *text, uint8_t *out, size_t room)
{
	size_t n = 0;

	for (const char *c = text; *c != '\0'; n++) {
		int high, low;

		if (n > 0 && *c == ':')
			c++;
		high = digit_of(c[0]);
		low = high < 0 ? -1 : digit_of(c[1]);
		if (low < 0 || n == room)
			return -1;
		out[n] = (uint8_t)(high << 4 | low);
		c += 2;
	}
	return n == 0 ? -1 : (int)n;
}
