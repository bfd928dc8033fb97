// SPDX-License-Identifier: BSD-3-Clause
// Numbers in ascending order, and how many of them are at or below x: x's rank. Sets (set.c) and
// the classes of a dimension (rule_classes.c) are ranges told apart by it. Control fills them in,
// workers look, nobody writes again. See bounds.c for the layout.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <emmintrin.h>

enum {
	BOUNDS_NODE_KEYS = 16, // of 32 bits: a cache line
	BOUNDS_NODE_SHIFT = 4,
	BOUNDS_INDEX_BITS = 16,
	BOUNDS_BLOCK_KEYS = 8, // of 128 bits
	BOUNDS_LAYERS_MAX = 7,
	BOUNDS_MAX = 1 << 3 * BOUNDS_LAYERS_MAX,
};

struct bounds32 {
	uint32_t *keys; // all layers, the lowest first; NULL: none
	uint32_t n;
	uint32_t top;
	uint32_t layers[BOUNDS_LAYERS_MAX]; // where each begins
	// Instead of the layers, where there are many keys and they do not crowd: the rank before
	// each value of their upper bits. So many nodes from there on have all that share them.
	uint32_t *index; // NULL: none
	uint32_t index_nodes;
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
int bounds32_index(struct bounds32 *bounds); // 0 or -ENOMEM
void bounds128_index(struct bounds128 *bounds);
void bounds32_fini(struct bounds32 *bounds);
void bounds128_fini(struct bounds128 *bounds);
uint64_t bounds32_bytes(const struct bounds32 *bounds);
uint64_t bounds128_bytes(const struct bounds128 *bounds);
// After bounds32_index.
uint32_t bounds32_key(const struct bounds32 *bounds, uint32_t i);

// --- workers ---

// How many of a node's keys are at or below x. All are compared at once, and they ascend.
static inline uint32_t bounds32_rank_in_node(const uint32_t *node, __m128i x)
{
	const __m128i *keys = (const __m128i *)node;
	__m128i low = _mm_packs_epi32(_mm_cmpgt_epi32(_mm_loadu_si128(keys), x),
		_mm_cmpgt_epi32(_mm_loadu_si128(keys + 1), x));
	__m128i high = _mm_packs_epi32(_mm_cmpgt_epi32(_mm_loadu_si128(keys + 2), x),
		_mm_cmpgt_epi32(_mm_loadu_si128(keys + 3), x));
	unsigned above = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(low, high));

	return (uint32_t)__builtin_ctz(above | 1u << BOUNDS_NODE_KEYS);
}

static inline uint32_t bounds32_rank(const struct bounds32 *bounds, uint32_t x)
{
	__m128i all = _mm_set1_epi32((int)(x ^ UINT32_C(1) << 31));
	uint32_t rank = 0;

	if (bounds->keys == NULL)
		return 0;
	if (__builtin_expect(x == UINT32_MAX, 0)) // what fills up nodes would count
		return bounds->n;
	if (bounds->top == 0) // few: no index either
		return bounds32_rank_in_node(bounds->keys, all);
	if (bounds->index != NULL) {
		uint32_t first = bounds->index[x >> (32 - BOUNDS_INDEX_BITS)];

		for (uint32_t i = 0; i < bounds->index_nodes; i++)
			rank += bounds32_rank_in_node(
				bounds->keys + first + i * BOUNDS_NODE_KEYS, all);
		return first + rank;
	}
	for (uint32_t layer = bounds->top; layer > 0; layer--) {
		const uint32_t *nodes = bounds->keys + bounds->layers[layer];

		rank <<= BOUNDS_NODE_SHIFT;
		rank += bounds32_rank_in_node(nodes + rank, all);
	}
	rank <<= BOUNDS_NODE_SHIFT;
	return rank + bounds32_rank_in_node(bounds->keys + rank, all);
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
