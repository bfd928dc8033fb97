// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/pad.h"

#include "cfg/base/cursor.h"

enum {
	PADDING_OPTION = 12, // RFC 7830 section 3
	OPTION_HEAD_BYTES = 4,
	LENGTH_BYTES = 2,
};

size_t dns_pad(uint8_t *message, size_t n, size_t room)
{
	size_t whole =
		(n + OPTION_HEAD_BYTES + PAD_BLOCK_BYTES - 1) / PAD_BLOCK_BYTES * PAD_BLOCK_BYTES;
	size_t zeroes = whole - n - OPTION_HEAD_BYTES;
	struct cursor_out out = cursor_out_of(message, room);

	if (whole > room || n < LENGTH_BYTES)
		return n;
	out.n = n - LENGTH_BYTES; // the length of OPT's data comes last
	cursor_put_u16(&out, (uint16_t)(OPTION_HEAD_BYTES + zeroes));
	cursor_put_u16(&out, PADDING_OPTION);
	cursor_put_u16(&out, (uint16_t)zeroes);
	cursor_put_zeroes(&out, zeroes);
	return out.n;
}
