// SPDX-License-Identifier: BSD-3-Clause
// Wire formats are read and written through these: numbers of network order, never beyond the end.
// What does not fit poisons the cursor, everything after it reads as zero or is not written, and
// whoever uses it asks once, at the end. Plain values, nothing owned. Any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *at;
	size_t left; // bytes
	bool is_short;
};

static inline struct cursor cursor_of(const void *bytes, size_t n)
{
	return (struct cursor){.at = bytes, .left = n};
}

// `n` bytes that stay where they are; NULL beyond the end.
const uint8_t *cursor_bytes(struct cursor *c, size_t n);
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
// Copies `n` bytes, zeroes beyond the end.
void cursor_copy(struct cursor *c, void *to, size_t n);
// The next `n` bytes as a cursor of their own, short beyond the end.
struct cursor cursor_part(struct cursor *c, size_t n);

struct cursor_out {
	uint8_t *bytes;
	size_t n, room;
	bool is_full; // something did not fit, and was not written
};

static inline struct cursor_out cursor_out_of(void *bytes, size_t room)
{
	return (struct cursor_out){.bytes = bytes, .room = room};
}

void cursor_put_u8(struct cursor_out *c, uint8_t value);
void cursor_put_u16(struct cursor_out *c, uint16_t value);
void cursor_put_u32(struct cursor_out *c, uint32_t value);
void cursor_put(struct cursor_out *c, const void *bytes, size_t n);
void cursor_put_zeroes(struct cursor_out *c, size_t n);
