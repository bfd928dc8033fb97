// SPDX-License-Identifier: BSD-3-Clause
// From the hash of a name to the slots that may mean it: buckets of one cache line, each name in
// one of two. A flow table has two of them: the directions' keys, which every packet asks, have
// room to spare, so that nearly all are in their first bucket; the endpoints, which only first
// packets ask, are packed. Written by the owning worker; others may read tags (flow_index_hints).
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include <emmintrin.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_prefetch.h>

enum { BUCKET_SLOTS = 8 };

// Tag 0 marks a free slot. IPv4's tags are even, IPv6's odd, so a name is only ever compared with
// those of its own family. A name whose first bucket was full is in its second one: `n_away` counts
// them where they are missing, so that a miss ends early when it is zero, `away` has a bit for them
// where they are. Who owns the table asks the name itself, other workers have its hash alone: for
// them `more` has eight further bits of it.
struct flow_bucket {
	uint16_t tags[BUCKET_SLOTS];
	uint32_t slots[BUCKET_SLOTS];
	uint16_t n_away;
	uint8_t away;
	uint8_t more[BUCKET_SLOTS];
	uint8_t zero[5];
} __rte_cache_aligned;

static_assert(sizeof(struct flow_bucket) == 64, "one cache line");

struct flow_index {
	struct flow_bucket *buckets;
	uint32_t n_buckets;
	uint32_t n_moves; // of names from one bucket to the other; goes round
	uint64_t bytes;
};

// For `n_names`, at `percent` of the slots on average when they are all there. 0 or -ENOMEM.
int flow_index_init(struct flow_index *index, uint64_t n_names, unsigned percent);
void flow_index_fini(struct flow_index *index);
uint64_t flow_index_bytes(uint64_t n_names, unsigned percent);

// False when no room can be made.
bool flow_index_put(struct flow_index *index, uint64_t hash, uint32_t slot);
// Would flow_index_put make room? Only looks, also at another thread's.
bool flow_index_has_room(const struct flow_index *index, uint64_t hash);
// Nothing happens when it is not there.
void flow_index_take(struct flow_index *index, uint64_t hash, uint32_t slot);
// Any worker: does something of that hash seem to be here? One stranger in two million seems known,
// and what has just been put may not.
bool flow_index_hints(const struct flow_index *index, uint64_t hash);

// The lowest bit of the tag is the family.
#define FLOW_HASH_IP6 (UINT64_C(1) << 48)

static inline uint16_t flow_tag(uint64_t hash)
{
	uint16_t tag = (uint16_t)(hash >> 48);

	return tag != 0 ? tag : 2;
}

// Of the bits that neither the tag nor the bucket is made of.
static inline uint8_t flow_more(uint64_t hash)
{
	return (uint8_t)(hash >> 40);
}

static inline uint32_t flow_bucket_first(const struct flow_index *index, uint64_t hash)
{
	return (uint32_t)((uint64_t)(uint32_t)hash * index->n_buckets >> 32);
}

// The other bucket is known from one and the tag alone, and is its own inverse: both add up to the
// same modulo the number of buckets.
static inline uint32_t flow_bucket_other(
	const struct flow_index *index, uint32_t bucket, uint16_t tag)
{
	uint32_t n = index->n_buckets;
	uint32_t sum = (uint32_t)((uint64_t)(tag * 0x9e3779b1u) * n >> 32);

	return sum >= bucket ? sum - bucket : sum + n - bucket;
}

static inline unsigned flow_bucket_match(const struct flow_bucket *bucket, uint16_t tag)
{
	__m128i tags = _mm_load_si128((const __m128i *)bucket->tags);
	__m128i equal = _mm_cmpeq_epi16(tags, _mm_set1_epi16((short)tag));

	return (unsigned)_mm_movemask_epi8(equal) & 0x5555; // two bits a slot, keep one
}

// The buckets that a name may be in: from NULL the first, then the other one if anything went
// there and it is another, then NULL.
static inline const struct flow_bucket *flow_index_next(
	const struct flow_index *index, uint64_t hash, const struct flow_bucket *last)
{
	uint32_t first = flow_bucket_first(index, hash), other;

	if (last == NULL)
		return &index->buckets[first];
	if (last != &index->buckets[first] || last->n_away == 0)
		return NULL;
	other = flow_bucket_other(index, first, flow_tag(hash));
	return other != first ? &index->buckets[other] : NULL;
}
