// SPDX-License-Identifier: BSD-3-Clause
// Numbers of 32 bits are searched by halving, without a branch to predict; many of them have an
// index of the rank before each value of their upper bits, 16 at most, which leaves some dozen keys
// to search in one or two cache lines. IPv6 addresses crowd under few upper halves, so numbers of
// 128 bits stand under layers of samples instead: a layer has every eighth key of the one below it,
// down to all of them. A step looks at one block of eight, and all but the last two layers stay in
// the cache.
#include "dataplane/bounds.h"

#include <errno.h>

#include "dataplane/memory.h"

enum {
	INDEX_BITS_MAX = 16,
	INDEX_FROM = 1024, // keys: fewer are in the cache
};

int bounds32_init(struct bounds32 *bounds, uint32_t n)
{
	*bounds = (struct bounds32){.n = n};
	if (n == 0)
		return 0;
	bounds->keys = memory_new(n * sizeof(bounds->keys[0]));
	return bounds->keys != NULL ? 0 : -ENOMEM;
}

static uint64_t index_bytes(const struct bounds32 *bounds)
{
	return ((UINT64_C(1) << (32 - bounds->index_shift)) + 1) * sizeof(bounds->index[0]);
}

int bounds32_index(struct bounds32 *bounds, uint32_t slots_per_key)
{
	unsigned bits = INDEX_BITS_MAX;

	if (bounds->n < INDEX_FROM)
		return 0;
	while (UINT64_C(1) << bits > (uint64_t)slots_per_key * bounds->n)
		bits--;
	bounds->index_shift = 32 - bits;
	bounds->index = memory_new(index_bytes(bounds));
	if (bounds->index == NULL)
		return -ENOMEM;
	for (uint32_t slot = 0, rank = 0; slot <= UINT32_C(1) << bits; slot++) {
		while (rank < bounds->n && bounds->keys[rank] >> bounds->index_shift < slot)
			rank++;
		bounds->index[slot] = rank;
	}
	return 0;
}

int bounds128_init(struct bounds128 *bounds, uint32_t n)
{
	uint32_t end = n;

	*bounds = (struct bounds128){0};
	if (n == 0)
		return 0;
	bounds->layers[1] = n;
	while (n > BOUNDS_BLOCK_KEYS) {
		n = (n + BOUNDS_BLOCK_KEYS - 1) / BOUNDS_BLOCK_KEYS;
		end += n;
		bounds->layers[++bounds->top + 1] = end;
	}
	bounds->keys = memory_new(bounds128_bytes(bounds));
	return bounds->keys != NULL ? 0 : -ENOMEM;
}

void bounds128_index(struct bounds128 *bounds)
{
	for (uint32_t layer = 1; layer <= bounds->top; layer++) {
		unsigned __int128 *keys = bounds->keys + bounds->layers[layer];
		const unsigned __int128 *below = bounds->keys + bounds->layers[layer - 1];

		for (uint32_t i = 0; i < bounds->layers[layer + 1] - bounds->layers[layer]; i++)
			keys[i] = below[i * BOUNDS_BLOCK_KEYS];
	}
}

uint64_t bounds32_bytes(const struct bounds32 *bounds)
{
	return bounds->n * sizeof(bounds->keys[0]) +
	       (bounds->index != NULL ? index_bytes(bounds) : 0);
}

uint64_t bounds128_bytes(const struct bounds128 *bounds)
{
	return bounds->layers[bounds->top + 1] * sizeof(bounds->keys[0]);
}

void bounds32_fini(struct bounds32 *bounds)
{
	memory_free(bounds->keys, bounds->n * sizeof(bounds->keys[0]));
	memory_free(bounds->index, index_bytes(bounds));
}

void bounds128_fini(struct bounds128 *bounds)
{
	memory_free(bounds->keys, bounds128_bytes(bounds));
}
