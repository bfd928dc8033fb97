// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check_index.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

// Without the bits that are not in use, so that keys compare as bytes.
struct key {
	unsigned __int128 source, destination;
	uint64_t mac;
	uint16_t port;
	struct index_shape shape;
	uint8_t zero;
};

static_assert(sizeof(struct key) == 48, "no padding");

struct index_entry {
	struct key key;
	const struct extent *extent;
	struct index_entry *next;
};

static const struct {
	uint8_t bits[SCOPE_FAMILIES];
	bool is_address;
	size_t offset; // in struct extent
} dimensions[INDEX_DIMENSIONS] = {
	{{32, 128}, true, offsetof(struct extent, source)},
	{{32, 128}, true, offsetof(struct extent, destination)},
	{{16, 16}, false, offsetof(struct extent, port)},
	{{48, 48}, false, offsetof(struct extent, mac)},
};

static const struct scope_match *match_of(const struct extent *extent, unsigned dimension)
{
	return (const void *)((const char *)extent + dimensions[dimension].offset);
}

static const struct spans *spans_of(const struct scope *scope, unsigned dimension, int family)
{
	return &scope->known[dimensions[dimension].is_address ? family : 0];
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static struct index_entry **bucket_of(const struct index *index, const struct key *key)
{
	uint64_t words[sizeof(*key) / 8], hash = 0;

	memcpy(words, key, sizeof(words));
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		hash = mix(hash, words[i]);
	return &index->buckets[hash & (index->n_buckets - 1)];
}

// The block's first `len` bits of `bits`, the others zero.
static unsigned __int128 cut(unsigned __int128 number, unsigned bits, unsigned len)
{
	return len == 0 ? 0 : number >> (bits - len) << (bits - len);
}

static struct key key_of(const struct index_shape *shape, const struct span_block *blocks)
{
	unsigned __int128 parts[INDEX_DIMENSIONS];

	for (unsigned d = 0; d < INDEX_DIMENSIONS; d++)
		parts[d] = cut(blocks[d].first, dimensions[d].bits[shape->family], shape->len[d]);
	return (struct key){.source = parts[0],
		.destination = parts[1],
		.port = (uint16_t)parts[2],
		.mac = (uint64_t)parts[3],
		.shape = *shape};
}

bool index_init(struct index *index, struct arena *arena, unsigned n)
{
	*index = (struct index){.arena = arena, .n_buckets = 16};
	while (index->n_buckets < n)
		index->n_buckets *= 2;
	index->buckets = arena_alloc_array(arena, index->n_buckets, sizeof(struct index_entry *));
	return index->buckets != NULL;
}

// --- adding ---

// All that the rule names, as blocks, or everything as one where that is too many or not known.
static unsigned blocks_of(const struct scope_match *match, unsigned dimension, int family,
	struct span_block *out, unsigned n_max)
{
	const struct scope *scope = match->scope;
	unsigned n = n_max + 1;

	if (scope != NULL && !match->is_negated && !scope->is_vague && scope->n_unknown == 0)
		n = spans_blocks(spans_of(scope, dimension, family),
			dimensions[dimension].bits[family], out, n_max);
	if (n <= n_max)
		return n;
	out[0] = (struct span_block){0};
	return 1;
}

static bool has_shape(struct index *index, const struct index_shape *shape)
{
	for (unsigned i = 0; i < index->n_shapes; i++) {
		if (memcmp(&index->shapes[i], shape, sizeof(*shape)) == 0)
			return true;
	}
	if (index->n_shapes == INDEX_SHAPES_MAX)
		return false;
	index->shapes[index->n_shapes++] = *shape;
	return true;
}

static void add_blocks(struct index *index, const struct extent *extent, int family,
	const struct span_block *blocks)
{
	struct index_shape shape = {.family = (uint8_t)family};
	struct index_entry *entry, **bucket;

	for (unsigned d = 0; d < INDEX_DIMENSIONS; d++)
		shape.len[d] = blocks[d].len;
	if (index->n_entries == INDEX_ENTRIES_MAX || !has_shape(index, &shape))
		return;
	index->n_entries++;
	entry = arena_alloc(index->arena, sizeof(*entry));
	if (entry == NULL)
		return;
	entry->key = key_of(&shape, blocks);
	entry->extent = extent;
	bucket = bucket_of(index, &entry->key);
	entry->next = *bucket;
	*bucket = entry;
}

void index_add(struct index *index, const struct extent *extent, int family)
{
	struct span_block blocks[INDEX_DIMENSIONS][INDEX_BLOCKS_MAX];
	unsigned n[INDEX_DIMENSIONS], n_all = 1;

	for (unsigned d = 0; d < INDEX_DIMENSIONS; d++) {
		n[d] = blocks_of(
			match_of(extent, d), d, family, blocks[d], INDEX_BLOCKS_MAX / n_all);
		n_all *= n[d];
	}
	for (unsigned i = 0; i < n_all; i++) { // each with each
		struct span_block chosen[INDEX_DIMENSIONS];
		unsigned rest = i;

		for (unsigned d = 0; d < INDEX_DIMENSIONS; d++) {
			chosen[d] = blocks[d][rest % n[d]];
			rest /= n[d];
		}
		add_blocks(index, extent, family, chosen);
	}
}

// --- finding ---

// Of each dimension a block that the rule has all of: who covers the rule has it in one of its own.
static void choose_blocks(
	const struct extent *extent, int family, struct span_block out[INDEX_DIMENSIONS])
{
	for (unsigned d = 0; d < INDEX_DIMENSIONS; d++) {
		const struct scope_match *match = match_of(extent, d);
		const struct spans *known =
			match->scope != NULL ? spans_of(match->scope, d, family) : NULL;

		out[d] = (struct span_block){0};
		if (known != NULL && known->n > 0 && !match->is_negated)
			out[d] = span_first_block(&known->list[0], dimensions[d].bits[family]);
	}
}

static bool fits(const struct index_shape *shape, int family, const struct span_block *blocks)
{
	if (shape->family != family)
		return false;
	for (unsigned d = 0; d < INDEX_DIMENSIONS; d++) {
		if (shape->len[d] > blocks[d].len)
			return false;
	}
	return true;
}

const struct extent *index_find(struct index *index, const struct extent *inner, int family)
{
	struct span_block blocks[INDEX_DIMENSIONS];

	choose_blocks(inner, family, blocks);
	for (unsigned i = 0; i < index->n_shapes; i++) {
		unsigned n_alike = 0;
		struct key key;

		if (!fits(&index->shapes[i], family, blocks))
			continue;
		key = key_of(&index->shapes[i], blocks);
		for (const struct index_entry *entry = *bucket_of(index, &key);
			entry != NULL && n_alike < INDEX_ALIKE_MAX; entry = entry->next) {
			index->cost++;
			if (memcmp(&entry->key, &key, sizeof(key)) != 0)
				continue;
			n_alike++;
			if (extent_covers(entry->extent, inner, family, &index->cost))
				return entry->extent;
		}
	}
	return NULL;
}
