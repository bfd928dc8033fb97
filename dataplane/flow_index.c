// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/flow_index.h"

#include <errno.h>

#include "dataplane/memory.h"

enum {
	BUCKETS_MIN = 16,
	// How far a name is pushed on to make room for another. Two steps see a hundred buckets,
	// and hold at nineteen slots of twenty.
	ROOM_STEPS = 2,
};

static uint64_t bucket_count(uint64_t n_names, unsigned percent)
{
	uint64_t n = (n_names * 100 + BUCKET_SLOTS * percent - 1) / (BUCKET_SLOTS * percent);

	return RTE_MAX(n, (uint64_t)BUCKETS_MIN);
}

uint64_t flow_index_bytes(uint64_t n_names, unsigned percent)
{
	return bucket_count(n_names, percent) * sizeof(struct flow_bucket);
}

int flow_index_init(struct flow_index *index, uint64_t n_names, unsigned percent)
{
	index->n_buckets = (uint32_t)bucket_count(n_names, percent);
	index->bytes = flow_index_bytes(n_names, percent);
	index->buckets = memory_map(index->bytes);
	return index->buckets != NULL ? 0 : -ENOMEM;
}

void flow_index_fini(struct flow_index *index)
{
	memory_unmap(index->buckets, index->bytes);
	index->buckets = NULL;
}

// --- tags and what is away, which other workers read at any time ---

// Behind the rest of its slot.
static void tag_set(struct flow_bucket *bucket, unsigned i, uint16_t tag)
{
	__atomic_store_n(&bucket->tags[i], tag, __ATOMIC_RELEASE);
}

static void count_away(struct flow_bucket *bucket, int n)
{
	__atomic_store_n(&bucket->n_away, (uint16_t)(bucket->n_away + n), __ATOMIC_RELEASE);
}

static void bucket_put(struct flow_bucket *bucket, unsigned i, uint16_t tag, uint8_t more,
	uint32_t slot, bool is_away)
{
	bucket->slots[i] = slot;
	__atomic_store_n(&bucket->more[i], more, __ATOMIC_RELAXED);
	bucket->away = (uint8_t)((bucket->away & ~(1u << i)) | (unsigned)is_away << i);
	tag_set(bucket, i, tag);
}

static int bucket_free(const struct flow_bucket *bucket)
{
	unsigned match = flow_bucket_match(bucket, 0);

	return match != 0 ? __builtin_ctz(match) >> 1 : -1;
}

// --- room ---

// Sends a name to its other bucket. It is in one of them at every moment, and who misses it in both
// sees that something has moved.
static void name_move(struct flow_index *index, struct flow_bucket *from, unsigned i,
	struct flow_bucket *to, unsigned room)
{
	bool was_away = from->away >> i & 1;

	bucket_put(to, room, from->tags[i], from->more[i], from->slots[i], !was_away);
	if (!was_away)
		count_away(from, 1);
	__atomic_store_n(&index->n_moves, index->n_moves + 1, __ATOMIC_RELEASE);
	tag_set(from, i, 0);
	if (was_away)
		count_away(to, -1); // it came home
}

// A place in a full bucket, made free by sending its name to its other bucket, where room is made
// in the same way when there are steps left. -1: all those are full too.
static int make_room(struct flow_index *index, uint32_t b, unsigned steps)
{
	struct flow_bucket *bucket = &index->buckets[b];

	for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
		uint32_t other = flow_bucket_other(index, b, bucket->tags[i]);
		int room;

		if (other == b)
			continue;
		room = bucket_free(&index->buckets[other]);
		if (room < 0 && steps > 1)
			room = make_room(index, other, steps - 1);
		if (room < 0)
			continue;
		name_move(index, bucket, i, &index->buckets[other], (unsigned)room);
		return (int)i;
	}
	return -1;
}

// What make_room would find.
static bool may_make_room(const struct flow_index *index, uint32_t b, unsigned steps)
{
	const struct flow_bucket *bucket = &index->buckets[b];

	if (bucket_free(bucket) >= 0)
		return true;
	for (unsigned i = 0; i < BUCKET_SLOTS && steps > 0; i++) {
		uint32_t other = flow_bucket_other(index, b, bucket->tags[i]);

		if (other != b && may_make_room(index, other, steps - 1))
			return true;
	}
	return false;
}

bool flow_index_has_room(const struct flow_index *index, uint64_t hash)
{
	uint32_t first = flow_bucket_first(index, hash);

	return may_make_room(index, first, ROOM_STEPS) ||
	       may_make_room(index, flow_bucket_other(index, first, flow_tag(hash)), ROOM_STEPS);
}

// Its first bucket is full.
static __rte_noinline bool put_away(struct flow_index *index, uint64_t hash, uint32_t slot)
{
	uint16_t tag = flow_tag(hash);
	uint32_t first = flow_bucket_first(index, hash);
	uint32_t second = flow_bucket_other(index, first, tag), b = second;
	int i = bucket_free(&index->buckets[second]);

	for (unsigned steps = 1; i < 0 && steps <= ROOM_STEPS; steps++) {
		b = first;
		i = make_room(index, first, steps);
		if (i < 0) {
			b = second;
			i = make_room(index, second, steps);
		}
	}
	if (i < 0)
		return false;
	bucket_put(&index->buckets[b], (unsigned)i, tag, flow_more(hash), slot, b != first);
	if (b != first)
		count_away(&index->buckets[first], 1);
	return true;
}

bool flow_index_put(struct flow_index *index, uint64_t hash, uint32_t slot)
{
	struct flow_bucket *bucket = &index->buckets[flow_bucket_first(index, hash)];
	int i = bucket_free(bucket);

	if (unlikely(i < 0))
		return put_away(index, hash, slot);
	bucket_put(bucket, (unsigned)i, flow_tag(hash), flow_more(hash), slot, false);
	return true;
}

static bool bucket_take(struct flow_bucket *bucket, uint16_t tag, uint32_t slot)
{
	for (unsigned match = flow_bucket_match(bucket, tag); match != 0; match &= match - 1) {
		unsigned i = (unsigned)__builtin_ctz(match) >> 1;

		if (bucket->slots[i] == slot) {
			tag_set(bucket, i, 0);
			return true;
		}
	}
	return false;
}

void flow_index_take(struct flow_index *index, uint64_t hash, uint32_t slot)
{
	uint32_t first = flow_bucket_first(index, hash);
	uint16_t tag = flow_tag(hash);

	if (bucket_take(&index->buckets[first], tag, slot))
		return;
	if (bucket_take(&index->buckets[flow_bucket_other(index, first, tag)], tag, slot))
		count_away(&index->buckets[first], -1);
}

static bool bucket_hints(const struct flow_bucket *bucket, uint64_t hash)
{
	for (unsigned i = 0; i < BUCKET_SLOTS; i++)
		if (__atomic_load_n(&bucket->tags[i], __ATOMIC_ACQUIRE) == flow_tag(hash) &&
			__atomic_load_n(&bucket->more[i], __ATOMIC_RELAXED) == flow_more(hash))
			return true;
	return false;
}

static bool seems_here(const struct flow_index *index, uint64_t hash)
{
	uint32_t first = flow_bucket_first(index, hash);
	const struct flow_bucket *bucket = &index->buckets[first];

	return bucket_hints(bucket, hash) ||
	       (__atomic_load_n(&bucket->n_away, __ATOMIC_ACQUIRE) != 0 &&
		       bucket_hints(
			       &index->buckets[flow_bucket_other(index, first, flow_tag(hash))],
			       hash));
}

bool flow_index_hints(const struct flow_index *index, uint64_t hash)
{
	uint32_t before, now = __atomic_load_n(&index->n_moves, __ATOMIC_ACQUIRE);

	do {
		if (seems_here(index, hash))
			return true;
		before = now;
		now = __atomic_load_n(&index->n_moves, __ATOMIC_ACQUIRE);
	} while (now != before);
	return false;
}
