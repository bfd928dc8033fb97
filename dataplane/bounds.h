// SPDX-License-Identifier: BSD-3-Clause
// Numbers in ascending order, and how many of them are at or below x: x's rank. Sets (set.c) and
// the classes of a dimension (rule_classes.c) are ranges told apart by it. Control fills them in,
// workers look, nobody writes again. See bounds.c for the layout.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	BOUNDS_BLOCK_KEYS = 8,
	BOUNDS_LAYERS_MAX = 7,
	BOUNDS_MAX = 1 << 3 * BOUNDS_LAYERS_MAX,
};

struct bounds32 {
	uint32_t *keys;
	uint32_t n;
	uint32_t index_shift; // what a key is shifted by to be a slot
	uint32_t *index;      // of the rank before each value of a key's upper bits; NULL: few keys
};

struct bounds128 {
	unsigned __int128 *keys;		// all layers, the lowest first
	uint32_t layers[BOUNDS_LAYERS_MAX + 1]; // where each begins; the one after the top: the end
	uint32_t top;
};

// Control. Room for `n` keys, BOUNDS_MAX at most, to be written to `keys` in ascending order before
// bounds_index. 0 or -ENOMEM; zeroed bounds, and those of an init that failed, may be finished.
int bounds32_init(struct bounds32 *bounds, uint32_t n);
int bounds128_init(struct bounds128 *bounds, uint32_t n);
// 0 or -ENOMEM. The index has so many slots for each key at most, of 4 bytes, and 65536.
int bounds32_index(struct bounds32 *bounds, uint32_t slots_per_key);
void bounds128_index(struct bounds128 *bounds);
void bounds32_fini(struct bounds32 *bounds);
void bounds128_fini(struct bounds128 *bounds);
uint64_t bounds32_bytes(const struct bounds32 *bounds);
uint64_t bounds128_bytes(const struct bounds128 *bounds);

// --- workers ---

static inline uint32_t bounds32_rank(const struct bounds32 *bounds, uint32_t x)
{
	const uint32_t *from = bounds->keys;
	uint32_t n = bounds->n;

	if (bounds->index != NULL) {
		const uint32_t *slot = &bounds->index[x >> bounds->index_shift];

		from += slot[0];
		n = slot[1] - slot[0];
	}
	if (n == 0) // nothing to compare with
		return (uint32_t)(from - bounds->keys);
	while (n > 1) {
		uint32_t half = n / 2;

		from += half * (from[half - 1] <= x);
		n -= half;
	}
	from += *from <= x;
	return (uint32_t)(from - bounds->keys);
}

static inline uint32_t bounds128_rank(const struct bounds128 *bounds, unsigned __int128 x)
{
	uint32_t rank = 1;

	if (bounds->keys == NULL)
		return 0;
	for (uint32_t layer = bounds->top + 1; layer-- > 0;) {
		const unsigned __int128 *keys = bounds->keys + bounds->layers[layer];
		uint32_t n_keys = bounds->layers[layer + 1] - bounds->layers[layer];
		uint32_t block = (rank - 1) * BOUNDS_BLOCK_KEYS;
		uint32_t end =
			block + BOUNDS_BLOCK_KEYS < n_keys ? block + BOUNDS_BLOCK_KEYS : n_keys;

		rank = block;
		for (uint32_t i = block; i < end; i++)
			rank += keys[i] <= x;
		if (rank == 0) // below the first key of all, which every layer has
			return 0;
	}
	return rank;
}
