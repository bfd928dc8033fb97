// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/base/cursor.h"

#include <string.h>

const uint8_t *cursor_bytes(struct cursor *c, size_t n)
{
	const uint8_t *at = c->at;

	if (c->is_short || n > c->left) {
		c->is_short = true;
		c->left = 0;
		return NULL;
	}
	c->at += n;
	c->left -= n;
	return at;
}

uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *at = cursor_bytes(c, 1);

	return at == NULL ? 0 : at[0];
}

uint16_t cursor_u16(struct cursor *c)
{
	const uint8_t *at = cursor_bytes(c, 2);

	return at == NULL ? 0 : (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t cursor_u32(struct cursor *c)
{
	const uint8_t *at = cursor_bytes(c, 4);

	return at == NULL ? 0
			  : (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
				    at[3];
}

void cursor_copy(struct cursor *c, void *to, size_t n)
{
	const uint8_t *at = cursor_bytes(c, n);

	if (at != NULL)
		memcpy(to, at, n);
	else
		memset(to, 0, n);
}

struct cursor cursor_part(struct cursor *c, size_t n)
{
	const uint8_t *at = cursor_bytes(c, n);

	return (struct cursor){.at = at, .left = at == NULL ? 0 : n, .is_short = at == NULL};
}

// Room for `n` bytes, or NULL.
static uint8_t *take(struct cursor_out *c, size_t n)
{
	if (c->is_full || n > c->room - c->n) {
		c->is_full = true;
		return NULL;
	}
	c->n += n;
	return c->bytes + c->n - n;
}

void cursor_put(struct cursor_out *c, const void *bytes, size_t n)
{
	uint8_t *to = take(c, n);

	if (to != NULL && n > 0)
		memcpy(to, bytes, n);
}

void cursor_put_zeroes(struct cursor_out *c, size_t n)
{
	uint8_t *to = take(c, n);

	if (to != NULL && n > 0)
		memset(to, 0, n);
}

void cursor_put_u8(struct cursor_out *c, uint8_t value)
{
	cursor_put(c, &value, 1);
}

void cursor_put_u16(struct cursor_out *c, uint16_t value)
{
	uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};

	cursor_put(c, bytes, sizeof(bytes));
}

void cursor_put_u32(struct cursor_out *c, uint32_t value)
{
	uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
		(uint8_t)value};

	cursor_put(c, bytes, sizeof(bytes));
}
