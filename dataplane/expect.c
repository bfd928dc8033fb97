// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/expect.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rte_spinlock.h>

enum {
	BUCKET_EXPECTATIONS = 8,
	BUCKETS = EXPECT_MAX / BUCKET_EXPECTATIONS,
	HOST_CELLS = 4096,
};

struct bucket {
	_Atomic uint16_t tags[BUCKET_EXPECTATIONS]; // of hashes; 0: free. Written under the lock
	rte_spinlock_t lock;
	struct expectation list[BUCKET_EXPECTATIONS]; // owner 0: free
};

struct expect_table {
	uint64_t seeds[2];
	_Atomic uint32_t swept_sec;
	_Atomic uint16_t n_outside;
	_Atomic uint16_t n_of_hosts[HOST_CELLS]; // by hash: two may share a cell, and its limit
	struct bucket buckets[BUCKETS];
};

struct expect_table *expect_table_new(const uint64_t seeds[2])
{
	struct expect_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	memcpy(table->seeds, seeds, sizeof(table->seeds));
	for (unsigned i = 0; i < BUCKETS; i++)
		rte_spinlock_init(&table->buckets[i].lock);
	return table;
}

void expect_table_free(struct expect_table *table)
{
	free(table);
}

uint64_t expect_table_bytes(void)
{
	return sizeof(struct expect_table);
}

static uint64_t hash_of(const struct expect_table *table, const struct ip_addr *src,
	const struct ip_addr *dst, uint16_t dport_be, uint8_t protocol)
{
	uint64_t words[4];
	uint64_t hash;

	memcpy(words, src->bytes, 16);
	memcpy(words + 2, dst->bytes, 16);
	hash = flow_mix(words[0] ^ table->seeds[0], words[1] ^ table->seeds[1]);
	hash ^= flow_mix(words[2] ^ table->seeds[1], words[3] ^ table->seeds[0]) << 1;
	return flow_mix(hash ^ ((uint64_t)dport_be << 8 | protocol), FLOW_HASH_FINAL);
}

static uint16_t tag_of(uint64_t hash)
{
	return (uint16_t)(hash >> 48 | 1);
}

// --- how many each may have ---

static _Atomic uint16_t *n_of(struct expect_table *table, const struct expectation *e)
{
	const struct ip_addr *host = &e->control.sent.src;
	uint64_t word = 0;

	if (e->is_from_outside)
		return &table->n_outside;
	memcpy(&word, host->bytes, host->family == IP_V6 ? 8 : 4);
	return &table->n_of_hosts[flow_mix(word ^ table->seeds[0], table->seeds[1]) % HOST_CELLS];
}

static bool claim(struct expect_table *table, const struct expectation *e)
{
	_Atomic uint16_t *n = n_of(table, e);
	uint16_t most = e->is_from_outside ? EXPECT_OUTSIDE : EXPECT_PER_HOST;

	if (atomic_fetch_add_explicit(n, 1, memory_order_relaxed) < most)
		return true;
	atomic_fetch_sub_explicit(n, 1, memory_order_relaxed);
	return false;
}

// --- one bucket, under its lock ---

static void let_go(struct expect_table *table, struct bucket *bucket, struct expectation *e)
{
	atomic_store_explicit(&bucket->tags[e - bucket->list], 0, memory_order_relaxed);
	atomic_fetch_sub_explicit(n_of(table, e), 1, memory_order_relaxed);
	e->owner = 0;
}

static void let_go_of_late_ones(struct expect_table *table, struct bucket *bucket, uint32_t now_sec)
{
	for (unsigned i = 0; i < BUCKET_EXPECTATIONS; i++) {
		struct expectation *e = &bucket->list[i];

		if (e->owner != 0 && (int32_t)(now_sec - e->until_sec) >= 0)
			let_go(table, bucket, e);
	}
}

static bool is_same_flow(const struct expectation *a, const struct expectation *b)
{
	return a->dport_be == b->dport_be && a->protocol == b->protocol &&
	       ip_addr_equal(&a->src, &b->src) && ip_addr_equal(&a->dst, &b->dst);
}

static int add(struct expect_table *table, struct bucket *bucket, uint16_t tag,
	const struct expectation *expected, uint32_t now_sec)
{
	int place = -ENOSPC;

	let_go_of_late_ones(table, bucket, now_sec);
	for (int i = 0; i < BUCKET_EXPECTATIONS; i++) {
		struct expectation *e = &bucket->list[i];

		if (e->owner == 0) {
			place = i;
		} else if (is_same_flow(e, expected)) {
			if (e->owner != expected->owner)
				return -EEXIST;
			let_go(table, bucket, e);
			place = i;
			break;
		}
	}
	if (place < 0)
		return place;
	if (!claim(table, expected))
		return -EDQUOT;
	bucket->list[place] = *expected;
	bucket->list[place].until_sec = now_sec + EXPECT_SEC;
	atomic_store_explicit(&bucket->tags[place], tag, memory_order_relaxed);
	return place;
}

// --- the table ---

// What is late is let go of where something is looked for; here everywhere, for it may count
// against somebody still. Once a second. False: it was done already.
static bool sweep(struct expect_table *table, uint32_t now_sec)
{
	uint32_t last = atomic_load_explicit(&table->swept_sec, memory_order_relaxed);

	if (last == now_sec || !atomic_compare_exchange_strong(&table->swept_sec, &last, now_sec))
		return false;
	for (unsigned i = 0; i < BUCKETS; i++) {
		rte_spinlock_lock(&table->buckets[i].lock);
		let_go_of_late_ones(table, &table->buckets[i], now_sec);
		rte_spinlock_unlock(&table->buckets[i].lock);
	}
	return true;
}

int expect_add(struct expect_table *table, const struct expectation *expected, uint32_t now_sec)
{
	uint64_t hash = hash_of(
		table, &expected->src, &expected->dst, expected->dport_be, expected->protocol);
	unsigned b = (unsigned)(hash % BUCKETS);
	struct bucket *bucket = &table->buckets[b];
	int place;

	do {
		rte_spinlock_lock(&bucket->lock);
		place = add(table, bucket, tag_of(hash), expected, now_sec);
		rte_spinlock_unlock(&bucket->lock);
	} while (place == -EDQUOT && sweep(table, now_sec));
	return place < 0 ? place : (int)b * BUCKET_EXPECTATIONS + place;
}

void expect_forget(struct expect_table *table, uint16_t place, uint64_t owner)
{
	struct bucket *bucket = &table->buckets[place / BUCKET_EXPECTATIONS];
	struct expectation *e = &bucket->list[place % BUCKET_EXPECTATIONS];

	rte_spinlock_lock(&bucket->lock);
	if (e->owner == owner)
		let_go(table, bucket, e);
	rte_spinlock_unlock(&bucket->lock);
}

static bool has_tag(const struct bucket *bucket, uint16_t tag)
{
	bool has = false;

	for (unsigned i = 0; i < BUCKET_EXPECTATIONS; i++)
		has |= atomic_load_explicit(&bucket->tags[i], memory_order_relaxed) == tag;
	return has;
}

static bool find(struct expect_table *table, const struct flow_tuple *packet, uint32_t now_sec,
	bool takes, struct expectation *out)
{
	uint64_t hash =
		hash_of(table, &packet->src, &packet->dst, packet->dport_be, packet->protocol);
	struct bucket *bucket = &table->buckets[hash % BUCKETS];
	struct expectation seen = {
		.src = packet->src,
		.dst = packet->dst,
		.dport_be = packet->dport_be,
		.protocol = packet->protocol,
	};
	bool is_expected = false;

	if (!has_tag(bucket, tag_of(hash)))
		return false;
	rte_spinlock_lock(&bucket->lock);
	let_go_of_late_ones(table, bucket, now_sec);
	for (unsigned i = 0; i < BUCKET_EXPECTATIONS && !is_expected; i++) {
		struct expectation *e = &bucket->list[i];

		if (e->owner == 0 || !is_same_flow(e, &seen))
			continue;
		*out = *e;
		if (takes)
			let_go(table, bucket, e);
		is_expected = true;
	}
	rte_spinlock_unlock(&bucket->lock);
	return is_expected;
}

bool expect_find(struct expect_table *table, const struct flow_tuple *packet, uint32_t now_sec,
	struct expectation *out)
{
	return find(table, packet, now_sec, false, out);
}

bool expect_take(struct expect_table *table, const struct flow_tuple *packet, uint32_t now_sec,
	struct expectation *out)
{
	return find(table, packet, now_sec, true, out);
}
