// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/cache.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "control/dns/answer.h"
#include "control/hash.h"

enum {
	BUCKETS_MIN = 1024,
	BYTES_PER_BUCKET = 512,
	TTLS_MAX = 512,	    // records of one answer; what has more is not kept
	STALE_TTL_SEC = 30, // RFC 8767 section 4
	MALLOC_BYTES = 16,  // what each takes beside
	ENDING_PART = 10,   // of its time, the last tenth
	ENDING_HITS = 2,    // since it came
	FAILED_SEC = 30,    // RFC 8767 section 5: the failure recheck timer
};

// RFC 8767 section 5: "no more than 30 seconds" for failures; RFC 2308 section 7.1: 5 minutes
enum { FAILURE_SEC = 5 };

struct entry {
	struct entry *next;	     // in its bucket
	struct entry *newer, *older; // in the clock's circle
	uint64_t hash;
	uint32_t came_sec, lives_sec, hits;
	uint32_t failed_sec; // when it had to serve though it was stale; 0: never
	uint16_t type, class, view;
	uint16_t n_ttls, bytes;
	uint8_t flags; // KEY_*
	uint8_t name_bytes;
	bool was_used;
	_Alignas(uint16_t)
		uint8_t data[]; // the offsets of TTLs, then the message; its name is the key's
};

enum { KEY_DO = 1, KEY_CD = 2 };

struct cache {
	struct entry **buckets;
	size_t n_buckets; // a power of two
	struct entry *hand;
	struct cache_limits limits;
	struct cache_counts counts;
	uint64_t seed;
};

static uint8_t key_flags(const struct cache_key *key)
{
	return (uint8_t)((key->is_do ? KEY_DO : 0) | (key->is_cd ? KEY_CD : 0));
}

static uint64_t key_hash(const struct cache *cache, const struct cache_key *key)
{
	uint64_t rest = (uint64_t)key->question.type << 48 | (uint64_t)key->question.class << 32 |
			(uint64_t)key->view << 8 | key_flags(key);

	return hash_mix(dns_name_hash(&key->question.name, cache->seed) ^ rest,
		cache->seed ^ 0xd6e8feb86659fd93u);
}

static const uint16_t *entry_ttls(const struct entry *entry)
{
	return (const uint16_t *)(const void *)entry->data;
}

static const uint8_t *entry_message(const struct entry *entry)
{
	return entry->data + entry->n_ttls * sizeof(uint16_t);
}

static size_t entry_size(const struct entry *entry)
{
	return sizeof(*entry) + entry->n_ttls * sizeof(uint16_t) + entry->bytes + MALLOC_BYTES;
}

static bool is_of(const struct entry *entry, uint64_t hash, const struct cache_key *key)
{
	struct dns_name name;

	if (entry->hash != hash || entry->type != key->question.type ||
		entry->class != key->question.class || entry->view != key->view ||
		entry->flags != key_flags(key) || entry->name_bytes != key->question.name.len)
		return false;
	name.len = entry->name_bytes;
	memcpy(name.bytes, entry_message(entry) + DNS_HEADER_BYTES, name.len);
	return dns_name_equal(&name, &key->question.name);
}

static struct entry **find(struct cache *cache, uint64_t hash, const struct cache_key *key)
{
	struct entry **at = &cache->buckets[hash & (cache->n_buckets - 1)];

	while (*at != NULL && !is_of(*at, hash, key))
		at = &(*at)->next;
	return at;
}

// --- the clock ---

static void remove_at(struct cache *cache, struct entry **at)
{
	struct entry *entry = *at;

	*at = entry->next;
	if (cache->hand == entry)
		cache->hand = entry->older == entry ? NULL : entry->older;
	entry->newer->older = entry->older;
	entry->older->newer = entry->newer;
	cache->counts.bytes -= entry_size(entry);
	cache->counts.entries--;
	free(entry);
}

static void remove_entry(struct cache *cache, struct entry *entry)
{
	struct entry **at = &cache->buckets[entry->hash & (cache->n_buckets - 1)];

	while (*at != entry)
		at = &(*at)->next;
	remove_at(cache, at);
}

static void make_room(struct cache *cache, size_t bytes)
{
	while (cache->hand != NULL && cache->counts.bytes + bytes > cache->limits.bytes) {
		struct entry *entry = cache->hand;

		if (entry->was_used) {
			entry->was_used = false;
			cache->hand = entry->newer;
			continue;
		}
		cache->counts.evicted++;
		cache->hand = entry->newer == entry ? NULL : entry->newer;
		remove_entry(cache, entry);
	}
}

// Behind the hand, where it comes last.
static void put_in_circle(struct cache *cache, struct entry *entry)
{
	if (cache->hand == NULL) {
		entry->newer = entry->older = entry;
		cache->hand = entry;
		return;
	}
	entry->newer = cache->hand;
	entry->older = cache->hand->older;
	entry->older->newer = entry;
	cache->hand->older = entry;
}

// --- answers ---

static enum cache_state state_of(
	const struct cache *cache, const struct entry *entry, uint32_t now_sec)
{
	uint32_t age = now_sec - entry->came_sec;

	if (age >= entry->lives_sec)
		return age - entry->lives_sec < cache->limits.stale_sec ? CACHE_STALE : CACHE_NONE;
	if (entry->hits >= ENDING_HITS &&
		(uint64_t)(entry->lives_sec - age) * ENDING_PART <= entry->lives_sec)
		return CACHE_ENDING;
	return CACHE_FRESH;
}

static void write_ttls(const struct entry *entry, uint32_t age, uint8_t *out)
{
	const uint16_t *at = entry_ttls(entry);

	for (unsigned i = 0; i < entry->n_ttls; i++) {
		uint32_t ttl = answer_get_ttl(out + at[i]);

		answer_set_ttl(out + at[i],
			age < entry->lives_sec ? (ttl > age ? ttl - age : 0) : STALE_TTL_SEC);
	}
}

enum cache_state cache_get(struct cache *cache, const struct cache_key *key, uint32_t now_sec,
	uint8_t *out, size_t room, size_t *n)
{
	struct entry **at = find(cache, key_hash(cache, key), key), *entry = *at;
	enum cache_state state;

	if (entry == NULL)
		return CACHE_NONE;
	state = state_of(cache, entry, now_sec);
	if (state == CACHE_NONE) {
		remove_at(cache, at);
		return CACHE_NONE;
	}
	if (entry->bytes > room)
		return CACHE_NONE;
	memcpy(out, entry_message(entry), entry->bytes);
	memcpy(out + DNS_HEADER_BYTES, key->question.name.bytes, key->question.name.len);
	write_ttls(entry, now_sec - entry->came_sec, out);
	entry->was_used = true;
	entry->hits++;
	*n = entry->bytes;
	return state;
}

enum cache_state cache_look(struct cache *cache, const struct cache_key *key, uint32_t now_sec)
{
	struct entry *entry = *find(cache, key_hash(cache, key), key);

	return entry == NULL ? CACHE_NONE : state_of(cache, entry, now_sec);
}

void cache_note_failure(struct cache *cache, const struct cache_key *key, uint32_t now_sec)
{
	struct entry *entry = *find(cache, key_hash(cache, key), key);

	if (entry != NULL)
		entry->failed_sec = now_sec;
}

bool cache_has_failed(struct cache *cache, const struct cache_key *key, uint32_t now_sec)
{
	const struct entry *entry = *find(cache, key_hash(cache, key), key);

	return entry != NULL && entry->failed_sec != 0 && now_sec - entry->failed_sec < FAILED_SEC;
}

void cache_put(struct cache *cache, const struct cache_key *key, const struct dns_message *answer,
	uint32_t now_sec)
{
	uint64_t hash = key_hash(cache, key);
	struct entry **old = find(cache, hash, key), *entry;
	uint16_t ttls[TTLS_MAX];
	struct answer_facts facts;
	size_t size;

	if (answer_look(answer, ttls, TTLS_MAX, &facts) != 0 || !facts.may_be_kept)
		return;
	if (facts.ttl_sec < cache->limits.ttl_min_sec)
		facts.ttl_sec = cache->limits.ttl_min_sec;
	if (facts.ttl_sec > cache->limits.ttl_max_sec)
		facts.ttl_sec = cache->limits.ttl_max_sec;
	if (dns_message_rcode(answer) == DNS_SERVFAIL)
		facts.ttl_sec = FAILURE_SEC;
	// RFC 8767 section 4: what is stale is better than a failure
	if (dns_message_rcode(answer) == DNS_SERVFAIL && *old != NULL)
		return;
	if (facts.ttl_sec == 0)
		return;
	if (*old != NULL)
		remove_at(cache, old);
	size = sizeof(*entry) + facts.n_ttls * sizeof(uint16_t) + facts.bytes;
	if (size + MALLOC_BYTES > cache->limits.bytes)
		return;
	make_room(cache, size + MALLOC_BYTES);
	entry = malloc(size);
	if (entry == NULL)
		return;
	*entry = (struct entry){
		.hash = hash,
		.came_sec = now_sec,
		.lives_sec = facts.ttl_sec,
		.type = key->question.type,
		.class = key->question.class,
		.view = key->view,
		.n_ttls = facts.n_ttls,
		.bytes = facts.bytes,
		.flags = key_flags(key),
		.name_bytes = key->question.name.len,
	};
	memcpy(entry->data, ttls, facts.n_ttls * sizeof(uint16_t));
	memcpy(entry->data + facts.n_ttls * sizeof(uint16_t), answer->bytes, facts.bytes);
	answer_finish_copy(entry->data + facts.n_ttls * sizeof(uint16_t), ttls, &facts,
		cache->limits.ttl_max_sec);
	old = &cache->buckets[hash & (cache->n_buckets - 1)];
	entry->next = *old;
	*old = entry;
	put_in_circle(cache, entry);
	cache->counts.entries++;
	cache->counts.bytes += entry_size(entry);
}

// --- the whole ---

struct cache *cache_new(const struct cache_limits *limits)
{
	struct cache *cache = calloc(1, sizeof(*cache));
	size_t wanted = limits->bytes / BYTES_PER_BUCKET;

	if (cache == NULL)
		return NULL;
	cache->n_buckets = BUCKETS_MIN;
	while (cache->n_buckets < wanted)
		cache->n_buckets *= 2;
	cache->buckets = calloc(cache->n_buckets, sizeof(cache->buckets[0]));
	if (cache->buckets == NULL) {
		free(cache);
		return NULL;
	}
	cache->limits = *limits;
	cache->seed = hash_seed();
	return cache;
}

void cache_clear(struct cache *cache)
{
	while (!cache_clear_some(cache, UINT_MAX))
		continue;
}

bool cache_clear_some(struct cache *cache, unsigned n)
{
	for (; cache->hand != NULL && n > 0; n--)
		remove_entry(cache, cache->hand);
	return cache->hand == NULL;
}

void cache_free(struct cache *cache)
{
	if (cache == NULL)
		return;
	cache_clear(cache);
	free(cache->buckets);
	free(cache);
}

void cache_count(const struct cache *cache, struct cache_counts *out)
{
	*out = cache->counts;
}
