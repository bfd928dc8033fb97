// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/expect.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rte_spinlock.h>

enum { BUCKET_EXPECTATIONS = 8, BUCKETS = EXPECT_MAX / BUCKET_EXPECTATIONS };

struct bucket {
	_Atomic uint32_t n; // written under the lock; who reads 0 need not take it
	struct expectation list[BUCKET_EXPECTATIONS]; // owner 0: free
};

struct expect_table {
	uint64_t seeds[2];
	rte_spinlock_t lock;
	struct bucket buckets[BUCKETS];
};

struct expect_table *expect_table_new(const uint64_t seeds[2])
{
	struct expect_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	memcpy(table->seeds, seeds, sizeof(table->seeds));
	rte_spinlock_init(&table->lock);
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

static unsigned bucket_of(const struct expect_table *table, const struct ip_addr *src,
	const struct ip_addr *dst, uint16_t dport_be, uint8_t protocol)
{
	uint64_t words[4];
	uint64_t hash;

	memcpy(words, src->bytes, 16);
	memcpy(words + 2, dst->bytes, 16);
	hash = flow_mix(words[0] ^ table->seeds[0], words[1] ^ table->seeds[1]);
	hash ^= flow_mix(words[2] ^ table->seeds[1], words[3] ^ table->seeds[0]) << 1;
	hash = flow_mix(hash ^ ((uint64_t)dport_be << 8 | protocol), FLOW_HASH_FINAL);
	return (unsigned)(hash % BUCKETS);
}

static void let_go(struct bucket *bucket, struct expectation *e)
{
	e->owner = 0;
	atomic_fetch_sub_explicit(&bucket->n, 1, memory_order_relaxed);
}

static void let_go_of_late_ones(struct bucket *bucket, uint32_t now_sec)
{
	for (unsigned i = 0; i < BUCKET_EXPECTATIONS; i++) {
		struct expectation *e = &bucket->list[i];

		if (e->owner != 0 && (int32_t)(now_sec - e->until_sec) >= 0)
			let_go(bucket, e);
	}
}

static bool is_same_flow(const struct expectation *a, const struct expectation *b)
{
	return a->dport_be == b->dport_be && a->protocol == b->protocol &&
	       ip_addr_equal(&a->src, &b->src) && ip_addr_equal(&a->dst, &b->dst);
}

static bool is_same_host(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, a->family == IP_V6 ? 8 : 4) == 0;
}

static unsigned count_of_host(
	struct expect_table *table, const struct ip_addr *host, uint32_t now_sec)
{
	unsigned n = 0;

	for (unsigned b = 0; b < BUCKETS; b++) {
		struct bucket *bucket = &table->buckets[b];

		if (atomic_load_explicit(&bucket->n, memory_order_relaxed) == 0)
			continue;
		let_go_of_late_ones(bucket, now_sec);
		for (unsigned i = 0; i < BUCKET_EXPECTATIONS; i++)
			n += bucket->list[i].owner != 0 && is_same_host(&bucket->list[i].to, host);
	}
	return n;
}

static int add_locked(struct expect_table *table, unsigned b, const struct expectation *expected,
	uint32_t now_sec)
{
	struct bucket *bucket = &table->buckets[b];
	int place = -ENOSPC;

	let_go_of_late_ones(bucket, now_sec);
	for (unsigned i = 0; i < BUCKET_EXPECTATIONS; i++) {
		struct expectation *e = &bucket->list[i];

		if (e->owner == 0) {
			place = (int)(b * BUCKET_EXPECTATIONS + i);
		} else if (is_same_flow(e, expected)) {
			if (e->owner != expected->owner)
				return -EEXIST;
			let_go(bucket, e);
			place = (int)(b * BUCKET_EXPECTATIONS + i);
			break;
		}
	}
	if (place < 0)
		return place;
	if (count_of_host(table, &expected->to, now_sec) >= EXPECT_PER_HOST)
		return -EDQUOT;
	bucket->list[place % BUCKET_EXPECTATIONS] = *expected;
	bucket->list[place % BUCKET_EXPECTATIONS].until_sec = now_sec + EXPECT_SEC;
	atomic_fetch_add_explicit(&bucket->n, 1, memory_order_relaxed);
	return place;
}

int expect_add(struct expect_table *table, const struct expectation *expected, uint32_t now_sec)
{
	unsigned b = bucket_of(
		table, &expected->src, &expected->dst, expected->dport_be, expected->protocol);
	int place;

	rte_spinlock_lock(&table->lock);
	place = add_locked(table, b, expected, now_sec);
	rte_spinlock_unlock(&table->lock);
	return place;
}

void expect_forget(struct expect_table *table, uint16_t place, uint64_t owner)
{
	struct bucket *bucket = &table->buckets[place / BUCKET_EXPECTATIONS];
	struct expectation *e = &bucket->list[place % BUCKET_EXPECTATIONS];

	rte_spinlock_lock(&table->lock);
	if (e->owner == owner)
		let_go(bucket, e);
	rte_spinlock_unlock(&table->lock);
}

static bool find(struct expect_table *table, const struct flow_tuple *packet, uint32_t now_sec,
	bool takes, struct expectation *out)
{
	struct bucket *bucket = &table->buckets[bucket_of(
		table, &packet->src, &packet->dst, packet->dport_be, packet->protocol)];
	struct expectation seen = {
		.src = packet->src,
		.dst = packet->dst,
		.dport_be = packet->dport_be,
		.protocol = packet->protocol,
	};
	bool is_expected = false;

	if (atomic_load_explicit(&bucket->n, memory_order_relaxed) == 0)
		return false;
	rte_spinlock_lock(&table->lock);
	let_go_of_late_ones(bucket, now_sec);
	for (unsigned i = 0; i < BUCKET_EXPECTATIONS && !is_expected; i++) {
		struct expectation *e = &bucket->list[i];

		if (e->owner == 0 || !is_same_flow(e, &seen))
			continue;
		*out = *e;
		if (takes)
			let_go(bucket, e);
		is_expected = true;
	}
	rte_spinlock_unlock(&table->lock);
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
