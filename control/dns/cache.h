// SPDX-License-Identifier: BSD-3-Clause
// Answers as they came, in front of everything that takes longer: by name, type, class and what of
// DNSSEC was asked for. Bounded in bytes; who has not been asked for longest goes first (a clock's
// hand). TTLs run down while an answer is here. DNS thread.
#pragma once

#include "control/dns/dns_message.h"

struct cache;

struct cache_key {
	struct dns_question question;
	bool is_do, is_cd;
	uint16_t view; // clients that see the same
};

struct cache_limits {
	size_t bytes;
	uint32_t ttl_min_sec, ttl_max_sec, stale_sec;
};

struct cache_counts {
	uint64_t entries, bytes, evicted;
};

struct cache *cache_new(const struct cache_limits *limits); // NULL: no memory
void cache_free(struct cache *cache);
void cache_clear(struct cache *cache);
// `n` entries of it at most. Whether it is empty.
bool cache_clear_some(struct cache *cache, unsigned n);

enum cache_state {
	CACHE_NONE = 0,
	CACHE_FRESH,
	CACHE_ENDING, // fresh, and asked for so often that it is time to ask again
	CACHE_STALE,  // RFC 8767: for when nobody answers
};

// Writes the answer to `out`, its question in the case of the key's, its TTLs as they are now; id
// and flags are those of the upstream. `*n` bytes; CACHE_NONE where it does not fit, too.
enum cache_state cache_get(struct cache *cache, const struct cache_key *key, uint32_t now_sec,
	uint8_t *out, size_t room, size_t *n);
// The same without the answer.
enum cache_state cache_look(struct cache *cache, const struct cache_key *key, uint32_t now_sec);

// What is stale was all that there is. For half a minute nobody waits to see that again: it serves
// at once, beside the question.
void cache_note_failure(struct cache *cache, const struct cache_key *key, uint32_t now_sec);
bool cache_has_failed(struct cache *cache, const struct cache_key *key, uint32_t now_sec);

// Takes a copy without OPT, if it may be kept: RFC 1034 section 5.3.3, RFC 2308 for what is not
// there. Replaces what was there.
void cache_put(struct cache *cache, const struct cache_key *key, const struct dns_message *answer,
	uint32_t now_sec);

void cache_count(const struct cache *cache, struct cache_counts *out);
