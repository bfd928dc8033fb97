// SPDX-License-Identifier: BSD-3-Clause
// Rules that decide, to be found by what another one is about: each is kept under the blocks of
// addresses, ports and MAC addresses that it names, so that of 100,000 rules a few are looked at.
// What cannot be told within the bounds below is not found. Part of the checks (cfg/check.h).
// Control thread.
#pragma once

#include "cfg/check_extent.h"

enum {
	INDEX_DIMENSIONS = 4,	// source, destination, port, MAC address
	INDEX_SHAPES_MAX = 128, // combinations of their lengths
	INDEX_BLOCKS_MAX = 64,	// that one rule is kept under; beyond, under fewer and larger ones
	INDEX_ENTRIES_MAX = 1 << 20,
	INDEX_ALIKE_MAX = 64, // rules with the same blocks that are looked at, the latest first
};

struct index_shape {
	uint8_t family;
	uint8_t len[INDEX_DIMENSIONS];
};

struct index_entry;

struct index {
	struct arena *arena;
	struct index_entry **buckets;
	unsigned n_buckets; // a power of 2
	struct index_shape shapes[INDEX_SHAPES_MAX];
	unsigned n_shapes, n_entries;
	uint64_t cost; // entries and ranges looked at so far
};

// Empty, for about `n` rules. False: no memory.
bool index_init(struct index *index, struct arena *arena, unsigned n);

// `extent` must outlive the index.
void index_add(struct index *index, const struct extent *extent, int family);

// One that covers `inner`, or NULL.
const struct extent *index_find(struct index *index, const struct extent *inner, int family);
