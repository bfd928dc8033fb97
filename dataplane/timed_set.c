// SPDX-License-Identifier: BSD-3-Clause
// A hash of chains over a pool of entries, asked once for each prefix length in use. Why no
// rte_hash: it moves keys about and waits for the readers at every deletion or keeps a queue of its
// own, and ThreadSanitizer sees nothing of what a library does. Here the whole argument is:
//  - An entry is written before a release store makes it the head of its chain.
//  - While it may be reached nothing of it changes but `next` and `deadline_sec`, both atomic.
//  - Taken out, it keeps `next` for who stands on it, and is used again only after all have passed.
// So a reader never sees half an entry, and never misses one that stays. Outsiders choose what gets
// banned: the hash is keyed.
#include "dataplane/timed_set.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_rcu_qsbr.h>

#include "dataplane/flow_table.h"
#include "dataplane/grace.h"
#include "dataplane/memory.h"

enum {
	ENTRY_NONE = 0,	     // so that zeroed memory is an empty set
	ENTRIES_SPARE = 256, // beyond the capacity: that many may wait before one grace period
	LENGTHS_MAX = 128,
	LENGTHS_WORDS = LENGTHS_MAX / 64 + 1,
};

// The first bits of an address, the rest zero; IPv4 has the upper half of `high`.
struct timed_key {
	uint64_t high, low;
	uint8_t family;
	uint8_t len;
};

struct timed_entry {
	uint64_t high, low; // its key
	uint8_t family;
	uint8_t len;
	bool is_used;	       // control only
	_Atomic uint32_t next; // of its chain
	_Atomic uint32_t deadline_sec;
	uint32_t list_next; // control only: free entries, or those that wait for readers to pass
};

static_assert(sizeof(struct timed_entry) == 32, "two on a cache line");

struct timed_family {
	_Atomic uint64_t lengths[LENGTHS_WORDS]; // bits: in use
	uint32_t n_of_length[LENGTHS_MAX + 1];	 // control only
};

struct timed_set {
	struct timed_entry *entries; // the first one is never used
	_Atomic uint32_t *chains;
	uint32_t chain_mask;
	uint64_t seeds[2];
	struct timed_family ip4, ip6;
	// control only
	struct rte_rcu_qsbr *rcu;
	uint32_t capacity;
	uint32_t n_used;
	uint32_t n_touched; // entries beyond have never been used, their pages never written
	uint32_t free_head, waiting_head;
	uint32_t sweep; // where the next timed_set_expire goes on
};

// --- what both sides do ---

static uint64_t first_bits(uint64_t word, unsigned n)
{
	return n >= 64 ? word : word & ~(UINT64_MAX >> n);
}

static struct timed_key key_of(uint8_t family, uint64_t high, uint64_t low, unsigned len)
{
	return (struct timed_key){
		.high = first_bits(high, len),
		.low = len > 64 ? first_bits(low, len - 64) : 0,
		.family = family,
		.len = (uint8_t)len,
	};
}

static struct timed_key key_of_entry(const struct timed_entry *entry)
{
	return (struct timed_key){entry->high, entry->low, entry->family, entry->len};
}

static bool has_key(const struct timed_entry *entry, const struct timed_key *key)
{
	return entry->high == key->high && entry->low == key->low && entry->family == key->family &&
	       entry->len == key->len;
}

static _Atomic uint32_t *chain_of(const struct timed_set *set, const struct timed_key *key)
{
	uint64_t hash = flow_mix(key->high ^ set->seeds[0], key->low ^ set->seeds[1]);

	hash = flow_mix(hash ^ (uint64_t)(key->family << 8 | key->len), FLOW_HASH_FINAL);
	return &set->chains[hash & set->chain_mask];
}

static struct timed_entry *find(const struct timed_set *set, const struct timed_key *key)
{
	uint32_t i = atomic_load_explicit(chain_of(set, key), memory_order_acquire);

	while (i != ENTRY_NONE && !has_key(&set->entries[i], key))
		i = atomic_load_explicit(&set->entries[i].next, memory_order_acquire);
	return i != ENTRY_NONE ? &set->entries[i] : NULL;
}

static bool has_ended(uint32_t deadline_sec, uint32_t now_sec)
{
	return deadline_sec != TIMED_SET_FOREVER && deadline_sec <= now_sec;
}

// --- workers ---

static bool has(const struct timed_set *set, const struct timed_family *family,
	const struct timed_key *addr, uint32_t now_sec)
{
	for (unsigned word = LENGTHS_WORDS; word-- > 0;) {
		uint64_t bits = atomic_load_explicit(&family->lengths[word], memory_order_acquire);

		for (; bits != 0; bits &= bits - 1) {
			unsigned len = 64 * word + (unsigned)__builtin_ctzll(bits);
			struct timed_key key = key_of(addr->family, addr->high, addr->low, len);
			const struct timed_entry *entry = find(set, &key);

			if (entry != NULL && !has_ended(atomic_load_explicit(&entry->deadline_sec,
								memory_order_relaxed),
						     now_sec))
				return true;
		}
	}
	return false;
}

static struct timed_key key_of4(uint32_t addr_be, unsigned len)
{
	return key_of(IP_V4, (uint64_t)rte_be_to_cpu_32(addr_be) << 32, 0, len);
}

static struct timed_key key_of6(const uint8_t addr[16], unsigned len)
{
	uint64_t words[2];

	memcpy(words, addr, sizeof(words));
	return key_of(IP_V6, rte_be_to_cpu_64(words[0]), rte_be_to_cpu_64(words[1]), len);
}

bool timed_set_has4(const struct timed_set *set, uint32_t addr_be, uint32_t now_sec)
{
	struct timed_key key = key_of4(addr_be, 32);

	return has(set, &set->ip4, &key, now_sec);
}

bool timed_set_has6(const struct timed_set *set, const uint8_t addr[16], uint32_t now_sec)
{
	struct timed_key key = key_of6(addr, 128);

	return has(set, &set->ip6, &key, now_sec);
}

// --- control ---

static bool key_of_prefix(const struct ip_prefix *prefix, struct timed_key *key)
{
	unsigned bits = ip_family_bits(prefix->addr.family);
	uint32_t addr_be;

	if (bits == 0 || prefix->len > bits)
		return false;
	memcpy(&addr_be, prefix->addr.v4, sizeof(addr_be));
	*key = prefix->addr.family == IP_V4 ? key_of4(addr_be, prefix->len)
					    : key_of6(prefix->addr.v6, prefix->len);
	return true;
}

static struct ip_prefix prefix_of_entry(const struct timed_entry *entry)
{
	struct ip_prefix prefix = {.addr.family = entry->family, .len = entry->len};
	uint64_t words[2] = {rte_cpu_to_be_64(entry->high), rte_cpu_to_be_64(entry->low)};

	memcpy(prefix.addr.bytes, words, sizeof(words));
	return prefix;
}

static void count_length(struct timed_set *set, const struct timed_key *key, int change)
{
	struct timed_family *family = key->family == IP_V4 ? &set->ip4 : &set->ip6;
	_Atomic uint64_t *word = &family->lengths[key->len / 64];
	uint64_t bit = UINT64_C(1) << key->len % 64;
	uint64_t bits = atomic_load_explicit(word, memory_order_relaxed);

	family->n_of_length[key->len] += (uint32_t)change;
	bits = family->n_of_length[key->len] > 0 ? bits | bit : bits & ~bit;
	atomic_store_explicit(word, bits, memory_order_release);
}

// Every reader has left what is waiting: it may be written again.
static void reclaim(struct timed_set *set)
{
	if (set->rcu != NULL)
		grace_wait(set->rcu, rte_rcu_qsbr_start(set->rcu));
	set->free_head = set->waiting_head;
	set->waiting_head = ENTRY_NONE;
}

// There is one, as long as the set is not full. Waits once in ENTRIES_SPARE times at most.
static struct timed_entry *take_entry(struct timed_set *set)
{
	struct timed_entry *entry;

	if (set->free_head == ENTRY_NONE && set->n_touched < set->capacity + ENTRIES_SPARE + 1)
		return &set->entries[set->n_touched++];
	if (set->free_head == ENTRY_NONE)
		reclaim(set);
	entry = &set->entries[set->free_head];
	set->free_head = entry->list_next;
	return entry;
}

static void enter(struct timed_set *set, const struct timed_key *key, uint32_t deadline_sec)
{
	_Atomic uint32_t *chain = chain_of(set, key);
	struct timed_entry *entry = take_entry(set);

	entry->high = key->high;
	entry->low = key->low;
	entry->family = key->family;
	entry->len = key->len;
	entry->is_used = true;
	atomic_store_explicit(&entry->deadline_sec, deadline_sec, memory_order_relaxed);
	atomic_store_explicit(&entry->next, atomic_load_explicit(chain, memory_order_relaxed),
		memory_order_relaxed);
	atomic_store_explicit(chain, (uint32_t)(entry - set->entries), memory_order_release);
	count_length(set, key, 1);
	set->n_used++;
}

static void take_out(struct timed_set *set, struct timed_entry *entry)
{
	uint32_t index = (uint32_t)(entry - set->entries);
	struct timed_key key = key_of_entry(entry);
	_Atomic uint32_t *link = chain_of(set, &key);
	uint32_t i;

	while ((i = atomic_load_explicit(link, memory_order_relaxed)) != index)
		link = &set->entries[i].next;
	atomic_store_explicit(link, atomic_load_explicit(&entry->next, memory_order_relaxed),
		memory_order_release);
	count_length(set, &key, -1);
	set->n_used--;
	entry->is_used = false;
	entry->list_next = set->waiting_head;
	set->waiting_head = index;
}

static int add(struct timed_set *set, const struct ip_prefix *prefix, uint32_t deadline_sec,
	bool may_shorten)
{
	struct timed_entry *entry;
	struct timed_key key;

	if (!key_of_prefix(prefix, &key))
		return -EINVAL;
	entry = find(set, &key);
	if (entry != NULL) {
		if (may_shorten || deadline_sec > atomic_load_explicit(&entry->deadline_sec,
							  memory_order_relaxed))
			atomic_store_explicit(
				&entry->deadline_sec, deadline_sec, memory_order_relaxed);
		return 0;
	}
	if (set->n_used == set->capacity)
		return -ENOSPC;
	enter(set, &key, deadline_sec);
	return 0;
}

int timed_set_add(struct timed_set *set, const struct ip_prefix *prefix, uint32_t deadline_sec)
{
	return add(set, prefix, deadline_sec, false);
}

int timed_set_replace(struct timed_set *set, const struct ip_prefix *prefix, uint32_t deadline_sec)
{
	return add(set, prefix, deadline_sec, true);
}

int timed_set_delete(struct timed_set *set, const struct ip_prefix *prefix)
{
	struct timed_entry *entry;
	struct timed_key key;

	if (!key_of_prefix(prefix, &key))
		return -EINVAL;
	entry = find(set, &key);
	if (entry == NULL)
		return -ENOENT;
	take_out(set, entry);
	return 0;
}

uint32_t timed_set_expire(struct timed_set *set, uint32_t now_sec, uint32_t budget)
{
	uint32_t n_ended = 0;

	for (budget = RTE_MIN(budget, set->n_touched - 1); budget > 0; budget--) {
		struct timed_entry *entry;

		if (++set->sweep >= set->n_touched)
			set->sweep = 1;
		entry = &set->entries[set->sweep];
		if (entry->is_used &&
			has_ended(atomic_load_explicit(&entry->deadline_sec, memory_order_relaxed),
				now_sec)) {
			take_out(set, entry);
			n_ended++;
		}
	}
	return n_ended;
}

bool timed_set_next_of(const struct timed_set *set, uint32_t *cursor, unsigned looks,
	struct ip_prefix *prefix, uint32_t *deadline_sec)
{
	while (looks-- > 0 && *cursor + 1 < set->n_touched) {
		const struct timed_entry *entry = &set->entries[++*cursor];

		if (!entry->is_used)
			continue;
		*prefix = prefix_of_entry(entry);
		*deadline_sec = atomic_load_explicit(&entry->deadline_sec, memory_order_relaxed);
		return true;
	}
	return false;
}

bool timed_set_is_walked(const struct timed_set *set, uint32_t cursor)
{
	return cursor + 1 >= set->n_touched;
}

bool timed_set_next(const struct timed_set *set, uint32_t *cursor, struct ip_prefix *prefix,
	uint32_t *deadline_sec)
{
	return timed_set_next_of(set, cursor, UINT32_MAX, prefix, deadline_sec);
}

uint32_t timed_set_count(const struct timed_set *set)
{
	return set->n_used;
}

// --- memory ---

static uint64_t entries_bytes(uint32_t capacity)
{
	return ((uint64_t)capacity + ENTRIES_SPARE + 1) * sizeof(struct timed_entry);
}

static uint64_t chains_bytes(uint32_t capacity)
{
	return (uint64_t)rte_align32pow2(capacity) * sizeof(uint32_t);
}

uint64_t timed_set_bytes(uint32_t capacity)
{
	return sizeof(struct timed_set) + entries_bytes(capacity) + chains_bytes(capacity);
}

struct timed_set *timed_set_new(uint32_t capacity, struct rte_rcu_qsbr *rcu)
{
	struct timed_set *set;

	if (capacity == 0 || capacity > TIMED_SET_CAPACITY_MAX)
		return NULL;
	set = calloc(1, sizeof(*set));
	if (set == NULL)
		return NULL;
	set->rcu = rcu;
	set->capacity = capacity;
	set->n_touched = 1;
	set->chain_mask = rte_align32pow2(capacity) - 1;
	set->entries = memory_new(entries_bytes(capacity));
	set->chains = memory_new(chains_bytes(capacity));
	if (set->entries == NULL || set->chains == NULL ||
		getrandom(set->seeds, sizeof(set->seeds), 0) != sizeof(set->seeds)) {
		timed_set_free(set);
		return NULL;
	}
	return set;
}

void timed_set_free(struct timed_set *set)
{
	if (set == NULL)
		return;
	memory_free(set->entries, entries_bytes(set->capacity));
	memory_free(set->chains, chains_bytes(set->capacity));
	free(set);
}
