// SPDX-License-Identifier: BSD-3-Clause
// Numbers of 32 bits are a tree of nodes of one cache line, searched without a branch that depends
// on them: sixteen keys are compared at once, and every search goes down through all layers. The
// lowest has all keys; a node above has the first keys of its children but the first, so there are
// fifteen in it and sixteen children. It is filled up with the largest number, whose rank is known
// without a search. SSE compares signed numbers, so the highest bit of all is flipped. A house's
// rules are one node or two layers, ten thousand are four, of which all but the last stay in the
// cache.
//
// Very many numbers, if they are spread over the address space as those of the internet are, have
// an index by their upper half in place of the layers: it leaves so many nodes, one after the
// other, which the processor fetches all at once.
//
// Numbers of 128 bits stand under layers of samples: a layer has every eighth key of the one below
// it, down to all of them. A step looks at one block of eight.
#include "dataplane/bounds.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>

#include "dataplane/memory.h"

enum {
	INDEX_FROM = 1 << 14, // keys
	INDEX_NODES_MAX = 4,  // more, and the layers are quicker
	INDEX_SLOTS = 1 << BOUNDS_INDEX_BITS,
	INDEX_BYTES = INDEX_SLOTS * sizeof(uint32_t),
};

#define FLIP (UINT32_C(1) << 31)

static_assert(1 << BOUNDS_NODE_SHIFT == BOUNDS_NODE_KEYS, "as many children as keys");
static_assert(BOUNDS_MAX <= UINT64_C(1) << BOUNDS_NODE_SHIFT * BOUNDS_LAYERS_MAX, "layers enough");

static uint32_t nodes_for(uint32_t n)
{
	return (n + BOUNDS_NODE_KEYS - 1) / BOUNDS_NODE_KEYS;
}

uint32_t bounds32_key(const struct bounds32 *bounds, uint32_t i)
{
	return bounds->keys[i] ^ FLIP;
}

// A search by index may begin at any key and looks at so many behind it.
static uint32_t spare_nodes(uint32_t n)
{
	return n >= INDEX_FROM ? INDEX_NODES_MAX : 0;
}

static uint64_t keys_bytes(const struct bounds32 *bounds)
{
	uint32_t top_end = bounds->layers[bounds->top] + BOUNDS_NODE_KEYS;

	return bounds->n > 0 ? top_end * sizeof(bounds->keys[0]) : 0;
}

int bounds32_init(struct bounds32 *bounds, uint32_t n)
{
	uint32_t n_nodes = nodes_for(n) + spare_nodes(n);

	*bounds = (struct bounds32){.n = n};
	if (n == 0)
		return 0;
	while (n_nodes > 1) {
		uint32_t begins = bounds->layers[bounds->top++];

		bounds->layers[bounds->top] = begins + n_nodes * BOUNDS_NODE_KEYS;
		n_nodes = nodes_for(n_nodes);
	}
	bounds->keys = memory_new(keys_bytes(bounds));
	return bounds->keys != NULL ? 0 : -ENOMEM;
}

// The first key of every child but the first of each node. `keys_per_child`: of the lowest layer.
static void index_layer(struct bounds32 *bounds, uint32_t layer, uint64_t keys_per_child)
{
	uint32_t *keys = bounds->keys + bounds->layers[layer];
	uint32_t end = layer < bounds->top ? bounds->layers[layer + 1]
					   : bounds->layers[layer] + (uint32_t)BOUNDS_NODE_KEYS;

	for (uint32_t i = 0; i < end - bounds->layers[layer]; i++) {
		uint64_t first = (i + UINT64_C(1)) * keys_per_child;
		bool is_last = i % BOUNDS_NODE_KEYS == BOUNDS_NODE_KEYS - 1;

		keys[i] = is_last || first >= bounds->n ? UINT32_MAX ^ FLIP : bounds->keys[first];
	}
}

// The ranks before each slot, and how many keys are in the fullest.
static uint32_t count_slots(struct bounds32 *bounds)
{
	uint32_t most = 0;

	for (uint32_t slot = 0, rank = 0; slot < INDEX_SLOTS; slot++) {
		bounds->index[slot] = rank;
		while (rank < bounds->n &&
			bounds32_key(bounds, rank) >> (32 - BOUNDS_INDEX_BITS) == slot)
			rank++;
		if (rank - bounds->index[slot] > most)
			most = rank - bounds->index[slot];
	}
	return most;
}

static void drop_index(struct bounds32 *bounds)
{
	memory_free(bounds->index, INDEX_BYTES);
	bounds->index = NULL;
}

int bounds32_index(struct bounds32 *bounds)
{
	uint64_t keys_per_child = BOUNDS_NODE_KEYS;
	uint32_t n_keys = (nodes_for(bounds->n) + spare_nodes(bounds->n)) * BOUNDS_NODE_KEYS;

	if (bounds->n == 0)
		return 0;
	for (uint32_t i = 0; i < n_keys; i++)
		bounds->keys[i] = (i < bounds->n ? bounds->keys[i] : UINT32_MAX) ^ FLIP;
	for (uint32_t layer = 1; layer <= bounds->top; layer++) {
		index_layer(bounds, layer, keys_per_child);
		keys_per_child *= BOUNDS_NODE_KEYS;
	}
	if (bounds->n < INDEX_FROM)
		return 0;
	bounds->index = memory_new(INDEX_BYTES);
	if (bounds->index == NULL)
		return -ENOMEM;
	bounds->index_nodes = nodes_for(count_slots(bounds));
	if (bounds->index_nodes > INDEX_NODES_MAX)
		drop_index(bounds);
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
	return keys_bytes(bounds) + (bounds->index != NULL ? INDEX_BYTES : 0);
}

uint64_t bounds128_bytes(const struct bounds128 *bounds)
{
	return bounds->layers[bounds->top + 1] * sizeof(bounds->keys[0]);
}

void bounds32_fini(struct bounds32 *bounds)
{
	memory_free(bounds->keys, keys_bytes(bounds));
	memory_free(bounds->index, INDEX_BYTES);
}

void bounds128_fini(struct bounds128 *bounds)
{
	memory_free(bounds->keys, bounds128_bytes(bounds));
}
