// SPDX-License-Identifier: BSD-3-Clause
// A worker's flow table: hash buckets of one cache line that name directions of flows, a pool of
// flows, the heads of a timer wheel (flow_timer.h), and whose flows they are (flow_shares.h). Both
// directions of a flow are entered under keys of their own. Everything is called by the owning
// worker; control only reads (dataplane_flows). The hash is keyed per process: a sender cannot aim
// at one bucket.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "dataplane/flow.h"
#include "dataplane/flow_cones.h"
#include "dataplane/flow_index.h"
#include "dataplane/flow_shares.h"

enum {
	WHEEL_SLOTS = 16384,		 // seconds; longer timeouts go round again
	FLOW_SLOT_NONE = UINT32_MAX,	 // nothing is known by that hash
	FLOW_SLOT_AWAY = UINT32_MAX - 1, // not in its first bucket, but may be in the other
};

// What a flow may be found under. An endpoint is an address and port of ours with any remote.
enum flow_name {
	FLOW_NAME_ORIGINAL = 0, // the key of direction 0
	FLOW_NAME_REPLY,	// of direction 1
	FLOW_NAME_EXTERNAL,	// the endpoint that answers come to
	FLOW_NAME_INTERNAL,	// the endpoint that it was sent from
	FLOW_NAMES,
};

// What need not be hashed again.
struct flow_names_hashed {
	uint32_t flow;			     // FLOW_NONE: nobody's
	uint64_t hashes[FLOW_NAME_INTERNAL]; // of the names before that one
};

struct flow_table {
	struct flow_index keys;	     // slots: FLOW_NAMES * flow + name
	struct flow_index endpoints; // the same
	struct flow *flows;
	uint32_t capacity;  // flows
	uint32_t n_used;    // live
	uint32_t n_ended;   // ever
	uint32_t n_touched; // flows beyond have never been used, their pages never written
	uint32_t free_head; // by timer_next
	uint64_t seeds[2];
	struct flow_names_hashed ends_now, ends_next; // flow_prefetch_end
	uint32_t wheel[WHEEL_SLOTS];		      // first flow of each slot
	uint32_t wheel_sec;			      // all slots up to this second are done
	struct flow_shares shares;
	struct flow_cones cones;
	uint64_t flows_bytes;
};

// On transparent huge pages. 0 or -ENOMEM.
int flow_table_init(struct flow_table *table, uint32_t capacity, const uint64_t seeds[2]);
void flow_table_fini(struct flow_table *table);
uint64_t flow_table_bytes(uint32_t capacity);

// A free flow, zeroed but for its place, or NULL when the table is full. Not yet findable.
struct flow *flow_alloc(struct flow_table *table);
bool flow_table_is_full(const struct flow_table *table);
// Makes it findable under a name. False when neither bucket has room.
bool flow_enter(struct flow_table *table, struct flow *flow, enum flow_name name);
// The same, of who knows the name's hash: flow_tuple_hash, or flow_endpoint_hash.
bool flow_enter_by(struct flow_table *table, struct flow *flow, enum flow_name name, uint64_t hash);
// Would a flow like this one, of a table with the same seeds, have room here for both directions'
// names? Only looks, also at another thread's table.
bool flow_has_room(const struct flow_table *table, const struct flow *flow);
void flow_leave(struct flow_table *table, struct flow *flow, enum flow_name name);
// Takes both directions, the timer and its host's share out and frees the flow. Endpoint names are
// the caller's.
void flow_remove(struct flow_table *table, struct flow *flow);

// Fetches what that will touch of others: buckets, and the neighbours in its host's list. Its own
// lines are there. It is expected to be the next that ends, or the next but one.
void flow_prefetch_end(struct flow_table *table, const struct flow *flow);

// --- lookup, in the three steps of a burst ---
static inline uint64_t flow_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// One product alone is nearly linear in the half that varies: a scan that counts addresses up, with
// all else the same, lands in few buckets under one seed of two hundred. The second one scatters
// it.
#define FLOW_HASH_FINAL UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t flow_hash4(const struct flow_table *table, const struct flow_key4 *key)
{
	uint64_t words[2];

	__builtin_memcpy(words, key, sizeof(words));
	return flow_mix(flow_mix(words[0] ^ table->seeds[0], words[1] ^ table->seeds[1]),
		       FLOW_HASH_FINAL) &
	       ~FLOW_HASH_IP6;
}

// `addrs`: 32 bytes, source and destination, as in the IPv6 header.
static inline uint64_t flow_hash6(
	const struct flow_table *table, const uint8_t *addrs, uint64_t tail)
{
	uint64_t words[4], a, b;

	__builtin_memcpy(words, addrs, sizeof(words));
	a = flow_mix(words[0] ^ table->seeds[0], words[1] ^ table->seeds[1]);
	b = flow_mix(words[2] ^ table->seeds[1], words[3] ^ table->seeds[0]);
	return flow_mix(flow_mix(a ^ tail, b), FLOW_HASH_FINAL) | FLOW_HASH_IP6;
}

static inline void flow_prefetch_bucket(const struct flow_table *table, uint64_t hash)
{
	rte_prefetch0(&table->keys.buckets[flow_bucket_first(&table->keys, hash)]);
}

// The line that a slot speaks of; of an endpoint's, some line of its flow.
static inline struct flow_dir *flow_dir_at(const struct flow_table *table, uint32_t slot)
{
	return &table->flows[slot / FLOW_NAMES].dir[slot & 1];
}

// Ever; while it stands still, no name has been entered.
static inline uint32_t flow_n_begun(const struct flow_table *table)
{
	return table->n_used + table->n_ended;
}

static inline uint32_t flow_index(const struct flow_table *table, const struct flow *flow)
{
	return (uint32_t)(flow - table->flows);
}

static inline struct flow *flow_of(const struct flow_dir *dir)
{
	return (struct flow *)(uintptr_t)(dir - (dir->flags & FLOW_IS_REPLY ? 1 : 0));
}

// The direction that a flow's inside endpoint sends.
static inline unsigned flow_sent_by_endpoint(const struct flow *flow)
{
	return flow->state.flags & FLOW_IS_CALLED ? 1 : 0;
}

// The first slot whose tag matches: likely the one; prefetches its flow line. Or FLOW_SLOT_NONE or
// _AWAY, which are above all others.
static inline uint32_t flow_probe(const struct flow_table *table, uint64_t hash)
{
	const struct flow_bucket *bucket =
		&table->keys.buckets[flow_bucket_first(&table->keys, hash)];
	unsigned match = flow_bucket_match(bucket, flow_tag(hash));
	uint32_t slot;

	if (unlikely(match == 0))
		return bucket->n_away == 0 ? FLOW_SLOT_NONE : FLOW_SLOT_AWAY;
	slot = bucket->slots[__builtin_ctz(match) >> 1];
	rte_prefetch0(flow_dir_at(table, slot));
	return slot;
}

static inline bool flow_key4_equal(const struct flow_key4 *a, const struct flow_key4 *b)
{
	__m128i x = _mm_loadu_si128((const __m128i *)a);
	__m128i y = _mm_loadu_si128((const __m128i *)b);

	return _mm_movemask_epi8(_mm_cmpeq_epi8(x, y)) == 0xffff;
}

// Reads eight bytes behind the addresses: the key is that of a struct flow_dir.
static inline bool flow_key6_equal(const struct flow_key6 *key, const uint8_t *addrs, uint64_t tail)
{
	const __m128i *k = (const __m128i *)key, *a = (const __m128i *)addrs;
	__m128i src = _mm_xor_si128(_mm_loadu_si128(k), _mm_loadu_si128(a));
	__m128i dst = _mm_xor_si128(_mm_loadu_si128(k + 1), _mm_loadu_si128(a + 1));
	uint64_t rest, words[2];

	__builtin_memcpy(&rest, (const uint8_t *)key + 32, sizeof(rest));
	_mm_storeu_si128((__m128i *)words, _mm_or_si128(src, dst));
	return (words[0] | words[1] | ((rest ^ tail) & FLOW_TAIL6_MASK)) == 0;
}

// Every slot of both buckets: for what flow_probe's guess did not settle.
struct flow_dir *flow_find4(
	const struct flow_table *table, const struct flow_key4 *key, uint64_t hash);
struct flow_dir *flow_find6(
	const struct flow_table *table, const uint8_t *addrs, uint64_t tail, uint64_t hash);

// Of a flow: FLOW_NAME_EXTERNAL or FLOW_NAME_INTERNAL.
struct flow_endpoint flow_endpoint_of(const struct flow *flow, enum flow_name name);
bool flow_endpoint_is(
	const struct flow *flow, enum flow_name name, const struct flow_endpoint *endpoint);
uint64_t flow_endpoint_hash(
	const struct flow_table *table, const struct flow_endpoint *endpoint, enum flow_name name);
// Any worker: does one seem to be entered under that name for it? As flow_index_hints.
bool flow_endpoint_hints(
	const struct flow_table *table, const struct flow_endpoint *endpoint, enum flow_name name);
// Fetches the bucket that one of that hash would be in.
static inline void flow_endpoint_prefetch(const struct flow_table *table, uint64_t hash)
{
	rte_prefetch0(&table->endpoints.buckets[flow_bucket_first(&table->endpoints, hash)]);
}
// The flow that was entered under that name for it.
struct flow *flow_find_endpoint(
	const struct flow_table *table, const struct flow_endpoint *endpoint, enum flow_name name);
struct flow *flow_find_endpoint_by(const struct flow_table *table,
	const struct flow_endpoint *endpoint, enum flow_name name, uint64_t hash);
// Of several, one that is accepted: an inside endpoint has more than one outside if it leaves by
// several ways.
typedef bool (*flow_accepts_fn)(const struct flow *flow, const void *ctx);
struct flow *flow_find_endpoint_if(const struct flow_table *table,
	const struct flow_endpoint *endpoint, enum flow_name name, flow_accepts_fn accepts,
	const void *ctx);
