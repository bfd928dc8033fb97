// SPDX-License-Identifier: BSD-3-Clause
// Sets of numbers as the ranges that they are made of: addresses, ports, MAC addresses. Any thread.
#pragma once

#include <stdbool.h>

struct span {
	unsigned __int128 first, last;
};

// In order, and with numbers between each two that are in none: every set has one form only.
struct spans {
	struct span *list;
	unsigned n;
};

// Brings ranges in any order, which may overlap, into this form, in place.
void spans_tidy(struct spans *spans);

bool spans_cover(const struct spans *outer, const struct spans *inner); // outer has all of inner
bool spans_meet(const struct spans *a, const struct spans *b);		// some number is in both
// What is not in `hole`, of 0 to `max`, is in `outer`.
bool spans_cover_rest(const struct spans *outer, const struct spans *hole, unsigned __int128 max);

// Of the numbers of `bits` bits, those that begin with the same `len` bits.
struct span_block {
	unsigned __int128 first;
	unsigned char len;
};

// The largest block that begins where the range does and is in it.
struct span_block span_first_block(const struct span *span, unsigned bits);

// All blocks that the set is made of, as few as can be. Returns how many; more than `n_max` are
// n_max + 1, and not written.
unsigned spans_blocks(
	const struct spans *spans, unsigned bits, struct span_block *out, unsigned n_max);
