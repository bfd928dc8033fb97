// SPDX-License-Identifier: BSD-3-Clause
// GCRA: a packet conforms if the theoretical arrival time (TAT) is no later than now plus the
// tolerance, (burst - 1) increments; then TAT = max(TAT, now) + increment. A refused packet moves
// nothing, so a flood only reads. Time counts in units of 2^-24 ms: increments are rounded down by
// less than one unit, at most one part in 16,000 at a million packets a second, one in 16 million
// at a thousand; nothing else is approximate.
//
// Rates per source share one table: sets of five {tag, TAT}, each set on a cache line, and a set
// for every four sources. A TAT in the past says as much as no entry, so an entry that is over is
// free, and memory never grows. When none is over, the one least full, by the part of its tolerance
// that is used up, makes room. What holds against a flood of random sources, whose sets nobody
// outside can know:
// - With a burst above one, an entry of one packet is the least full: such sources push out each
//   other. A source at its limit goes only when the four others of its set are as full, each of
//   which has taken as many packets.
// - With a burst of one, every source is at its limit from its first packet. Then the one nearest
//   to its next packet goes: new sources for a quarter of the table's places, within one increment,
//   make it forget about one limit in a hundred early; as many as it has places, most of them.
// What is forgotten starts afresh: a source may pass sooner than it should, never later.
//
// A tag has 19 bits of the source's hash, and the set as many as the table is large. By default two
// sources are one to us once in 3 * 10^10 pairs, and nobody outside can know which.
//
// Tag and TAT are two words, written one after the other, and workers race for them only where one
// takes an entry's place. Then a packet may be charged to the wrong source or not at all. A TAT
// that no packet of the rate at hand can have left is not believed: nobody waits for another's.
#include "dataplane/rate.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <emmintrin.h>

#include "cfg/base/addr.h"
#include "dataplane/memory.h"

enum {
	UNITS_PER_MS_SHIFT = 24,
	WAYS = 5,
	SOURCES_PER_SET = 4,
	CELL_BITS = 13,
};

static_assert(1 << CELL_BITS == RATE_CELLS, "a tag ends with its rate's cell");

#define SPAN_MAX     (UINT64_C(1) << 62)
// Between the clocks of two workers. More, and a limit lasts longer; less, and it may be lifted.
#define CLOCKS_APART (UINT64_C(1000) << UNITS_PER_MS_SHIFT)
#define HASH_FINAL   UINT64_C(0x9e3779b97f4a7c15)

struct rate_cell {
	_Atomic uint64_t tat;
	uint64_t increment;
	uint64_t tolerance;
	uint64_t believed; // how far ahead a packet of the rate can have left a TAT
	uint64_t salt;	   // another one for each claim: what a former owner left is nobody's
	// Read for entries in the table whose rate is long gone as well.
	_Atomic uint64_t span;	     // tolerance and one increment: what a full entry is ahead
	_Atomic uint64_t fill_scale; // times what an entry is ahead: how full, of 2^64
	bool is_per_source;
} __attribute__((aligned(64)));

static_assert(sizeof(struct rate_cell) == 64, "one cache line a rate");

struct source_set {
	_Atomic uint32_t tags[WAYS]; // first: the first four are compared at once
	_Atomic uint64_t tats[WAYS];
} __attribute__((aligned(64)));

static_assert(sizeof(struct source_set) == 64, "one cache line a source");

struct rate_table {
	struct rate_cell cells[RATE_CELLS];
	struct source_set *sets;
	uint64_t sets_bytes;
	uint64_t set_mask;
	uint64_t seeds[2];

	// control's
	struct dp_rate claimed[RATE_CELLS];
	uint8_t n_users[RATE_CELLS];
	unsigned n_touched; // cells beyond have never been claimed
	uint64_t next_key;
};

static uint64_t source_sets(uint32_t sources)
{
	uint64_t n = 1;

	while (n * SOURCES_PER_SET < sources)
		n *= 2;
	return n;
}

uint64_t rate_table_bytes(uint32_t sources)
{
	return sizeof(struct rate_table) + source_sets(sources) * sizeof(struct source_set);
}

struct rate_table *rate_table_new(uint32_t sources, const uint64_t seeds[2])
{
	struct rate_table *table;

	if (sources > RATE_SOURCES_MAX)
		return NULL;
	table = aligned_alloc(_Alignof(struct rate_table), sizeof(*table));
	if (table == NULL)
		return NULL;
	memset(table, 0, sizeof(*table));
	table->set_mask = source_sets(sources) - 1;
	table->sets_bytes = source_sets(sources) * sizeof(struct source_set);
	table->sets = memory_map(table->sets_bytes);
	if (table->sets == NULL) {
		rate_table_free(table);
		return NULL;
	}
	memcpy(table->seeds, seeds, sizeof(table->seeds));
	return table;
}

void rate_table_free(struct rate_table *table)
{
	if (table == NULL)
		return;
	memory_unmap(table->sets, table->sets_bytes);
	free(table);
}

// --- claims ---

static uint64_t increment_of(const struct dp_rate *rate)
{
	return ((uint64_t)rate->per_sec * 1000 << UNITS_PER_MS_SHIFT) / rate->packets;
}

int rate_check(const struct dp_rate *rate, struct error *err)
{
	if (rate->packets == 0 || rate->per_sec == 0 || rate->burst == 0) {
		error_set(err, "%u packets in %u s, burst %u: each is at least 1", rate->packets,
			rate->per_sec, rate->burst);
		return -EINVAL;
	}
	if (rate->per_sec > RATE_PERIOD_MAX_SEC) {
		error_set(err, "a rate over %u s: the longest is %d s", rate->per_sec,
			RATE_PERIOD_MAX_SEC);
		return -EINVAL;
	}
	if (rate->packets > (uint64_t)RATE_PER_SEC_MAX * rate->per_sec) {
		error_set(err, "%u packets in %u s: at most %d a second can be counted",
			rate->packets, rate->per_sec, RATE_PER_SEC_MAX);
		return -EINVAL;
	}
	if (rate->burst > SPAN_MAX / increment_of(rate)) {
		error_set(err, "a burst of %u takes too long to refill at %u packets in %u s",
			rate->burst, rate->packets, rate->per_sec);
		return -EINVAL;
	}
	return 0;
}

static bool is_equal(const struct dp_rate *a, const struct dp_rate *b)
{
	return a->packets == b->packets && a->per_sec == b->per_sec && a->burst == b->burst &&
	       a->is_per_source == b->is_per_source;
}

static void cell_begin(struct rate_table *table, unsigned i, const struct dp_rate *rate)
{
	struct rate_cell *cell = &table->cells[i];
	uint64_t span = increment_of(rate) * rate->burst;

	table->claimed[i] = *rate;
	cell->increment = increment_of(rate);
	cell->tolerance = span - cell->increment;
	cell->is_per_source = rate->is_per_source;
	// one for all has no other to be mistaken for
	cell->believed = rate->is_per_source ? span + CLOCKS_APART : INT64_MAX;
	cell->salt = table->next_key++ << 8 ^ table->seeds[1];
	atomic_store_explicit(&cell->tat, 0, memory_order_relaxed);
	atomic_store_explicit(&cell->span, span, memory_order_relaxed);
	atomic_store_explicit(&cell->fill_scale, UINT64_MAX / span, memory_order_relaxed);
}

// The cell that has kept this rate so far, else the first that nobody uses.
static unsigned cell_for(
	const struct rate_table *table, const struct dp_rate *rate, const bool *is_taken)
{
	unsigned unused = RATE_CELLS;

	for (unsigned i = 0; i < table->n_touched; i++) {
		if (!is_taken[i] && is_equal(&table->claimed[i], rate))
			return i;
		if (unused == RATE_CELLS && table->n_users[i] == 0 && !is_taken[i])
			unused = i;
	}
	return table->n_touched < RATE_CELLS ? table->n_touched : unused;
}

int rate_claim(struct rate_table *table, const struct dp_rate *rates, unsigned n, uint16_t *cells)
{
	bool is_taken[RATE_CELLS] = {false};

	for (unsigned i = 0; i < n; i++) {
		unsigned cell = cell_for(table, &rates[i], is_taken);

		if (cell == RATE_CELLS) {
			rate_release(table, cells, i);
			return -ENOSPC;
		}
		if (!is_equal(&table->claimed[cell], &rates[i]))
			cell_begin(table, cell, &rates[i]);
		if (cell == table->n_touched)
			table->n_touched++;
		is_taken[cell] = true;
		table->n_users[cell]++;
		cells[i] = (uint16_t)cell;
	}
	return 0;
}

void rate_release(struct rate_table *table, const uint16_t *cells, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		table->n_users[cells[i]]--;
}

// --- workers ---

// How far ahead of now a TAT is: 0 if it has passed, or is another's, or nobody's. One comparison
// says all three, for what has passed is further ahead than any rate counts.
static uint64_t ahead_of(const struct rate_cell *cell, uint64_t tat, uint64_t now)
{
	uint64_t ahead = tat - now;

	return ahead <= cell->believed ? ahead : 0;
}

static bool take(_Atomic uint64_t *word, const struct rate_cell *cell, uint64_t now)
{
	uint64_t tat = atomic_load_explicit(word, memory_order_relaxed), ahead;

	do {
		ahead = ahead_of(cell, tat, now);
		if (ahead > cell->tolerance)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(word, &tat, now + ahead + cell->increment,
		memory_order_relaxed, memory_order_relaxed));
	return true;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t source_hash(const struct rate_table *table, const struct rate_cell *cell,
	uint8_t family, const uint8_t *src)
{
	uint64_t address;
	uint32_t address4;

	// by whole words: a load waits for stores that are narrower
	if (family == IP_V6) {
		memcpy(&address, src, sizeof(address)); // one host has the whole /64
	} else {
		memcpy(&address4, src, sizeof(address4));
		address = address4;
	}
	return mix(mix(address ^ table->seeds[0], cell->salt ^ family), HASH_FINAL);
}

// How full the entry is, of 2^64; over: 0.
static uint64_t fill_of(const struct rate_table *table, uint32_t tag, uint64_t tat, uint64_t now)
{
	const struct rate_cell *cell = &table->cells[tag % RATE_CELLS];
	uint64_t ahead = tat > now ? tat - now : 0;

	if (ahead > atomic_load_explicit(&cell->span, memory_order_relaxed))
		return UINT64_MAX;
	return ahead * atomic_load_explicit(&cell->fill_scale, memory_order_relaxed);
}

struct source_entry {
	unsigned way;
	uint32_t tag;
	uint64_t tat;
};

static struct source_entry entry_at(const struct source_set *set, unsigned way)
{
	return (struct source_entry){
		.way = way,
		.tag = atomic_load_explicit(&set->tags[way], memory_order_relaxed),
		.tat = atomic_load_explicit(&set->tats[way], memory_order_relaxed),
	};
}

static struct source_entry oldest_of(const struct source_set *set)
{
	unsigned oldest = 0;
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t tat = atomic_load_explicit(&set->tats[i], memory_order_relaxed);

		oldest = tat < least ? i : oldest;
		least = tat < least ? tat : least;
	}
	return entry_at(set, oldest);
}

static __attribute__((noinline)) struct source_entry least_full_of(
	const struct rate_table *table, const struct source_set *set, uint64_t now)
{
	struct source_entry found = entry_at(set, 0);
	uint64_t least = fill_of(table, found.tag, found.tat, now);

	for (unsigned i = 1; i < WAYS; i++) {
		struct source_entry entry = entry_at(set, i);
		uint64_t fill = fill_of(table, entry.tag, entry.tat, now);

		if (fill < least || (fill == least && entry.tat < found.tat)) {
			least = fill;
			found = entry;
		}
	}
	return found;
}

// The least full makes room; of those that are over, the one longest over.
static __attribute__((noinline)) bool take_new(struct rate_table *table, struct source_set *set,
	uint32_t tag, const struct rate_cell *cell, uint64_t now)
{
	struct source_entry old = oldest_of(set);

	if (old.tat > now)
		old = least_full_of(table, set, now);
	if (!atomic_compare_exchange_strong_explicit(
		    &set->tags[old.way], &old.tag, tag, memory_order_relaxed, memory_order_relaxed))
		return old.tag != tag || take(&set->tats[old.way], cell, now);
	if (atomic_compare_exchange_strong_explicit(&set->tats[old.way], &old.tat,
		    now + cell->increment, memory_order_relaxed, memory_order_relaxed))
		return true;
	// another packet of it was quicker
	return take(&set->tats[old.way], cell, now);
}

static struct source_set *set_of(const struct rate_table *table, uint64_t hash)
{
	return &table->sets[(hash >> 32) & table->set_mask];
}

// The way that has the tag, of several the first, or WAYS. All tags are compared whichever it is: a
// loop that ended at the right one would be mispredicted as often as not. Each of a vector's words
// is read whole, as an atomic load would: ThreadSanitizer does not know that.
__attribute__((no_sanitize("thread"))) static unsigned way_of(
	const struct source_set *set, uint32_t tag)
{
	__m128i tags = _mm_load_si128((const __m128i *)(const void *)set->tags);
	__m128 equal = _mm_castsi128_ps(_mm_cmpeq_epi32(tags, _mm_set1_epi32((int)tag)));
	uint32_t last = atomic_load_explicit(&set->tags[WAYS - 1], memory_order_relaxed);
	unsigned found = (unsigned)_mm_movemask_ps(equal);

	found |= (unsigned)(last == tag) << (WAYS - 1) | 1u << WAYS;
	return (unsigned)__builtin_ctz(found);
}

void rate_prefetch(const struct rate_table *table, uint16_t index, uint8_t family,
	const uint8_t *const *srcs, unsigned n)
{
	const struct rate_cell *cell = &table->cells[index];

	for (unsigned i = 0; i < n; i++)
		__builtin_prefetch(set_of(table, source_hash(table, cell, family, srcs[i])));
}

bool rate_take(struct rate_table *table, uint16_t index, uint8_t family, const uint8_t *src,
	uint64_t now_ms)
{
	struct rate_cell *cell = &table->cells[index];
	uint64_t now = now_ms << UNITS_PER_MS_SHIFT;
	_Atomic uint64_t *tat = &cell->tat;

	if (cell->is_per_source) {
		uint64_t hash = source_hash(table, cell, family, src);
		uint32_t tag = (uint32_t)hash << CELL_BITS | index;
		struct source_set *set = set_of(table, hash);
		unsigned way = way_of(set, tag);

		if (__builtin_expect(way == WAYS, false))
			return take_new(table, set, tag, cell, now);
		tat = &set->tats[way];
	}
	return take(tat, cell, now);
}

bool rate_has_room(const struct rate_table *table, uint16_t index, uint8_t family,
	const uint8_t *src, uint64_t now_ms)
{
	const struct rate_cell *cell = &table->cells[index];
	uint64_t now = now_ms << UNITS_PER_MS_SHIFT;
	const _Atomic uint64_t *tat = &cell->tat;

	if (cell->is_per_source) {
		uint64_t hash = source_hash(table, cell, family, src);
		const struct source_set *set = set_of(table, hash);
		unsigned way = way_of(set, (uint32_t)hash << CELL_BITS | index);

		if (way == WAYS)
			return true;
		tat = &set->tats[way];
	}
	return ahead_of(cell, atomic_load_explicit(tat, memory_order_relaxed), now) <=
	       cell->tolerance;
}
