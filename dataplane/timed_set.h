// SPDX-License-Identifier: BSD-3-Clause
// Addresses and prefixes that are in a set until a deadline: bans, and what rules add. Control
// alone writes, in place; workers read without locks and pass by its RCU. Deadlines are seconds of
// whichever clock the callers agree on, compared at lookup, so an end is exact even if the sweep
// is late. Bounded: a full set refuses.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"

enum { TIMED_SET_CAPACITY_MAX = 1 << 20 };

#define TIMED_SET_FOREVER UINT32_MAX // a deadline that never comes

struct timed_set;
struct rte_rcu_qsbr;

// NULL without memory, or with a capacity of 0 or beyond TIMED_SET_CAPACITY_MAX. `rcu` is the
// caller's and has every reader; NULL while nobody reads (tests).
struct timed_set *timed_set_new(uint32_t capacity, struct rte_rcu_qsbr *rcu);
void timed_set_free(struct timed_set *set); // nobody reads any more; NULL is fine
uint64_t timed_set_bytes(uint32_t capacity);

// --- control thread; host bits of prefixes are ignored ---

// What is there already gets the later of both deadlines. 0; -ENOSPC when full; -EINVAL
// for what is no prefix.
int timed_set_add(struct timed_set *set, const struct ip_prefix *prefix, uint32_t deadline_sec);
// The same, but with this deadline even if it is an earlier one: somebody asked for it.
int timed_set_replace(struct timed_set *set, const struct ip_prefix *prefix, uint32_t deadline_sec);
int timed_set_delete(struct timed_set *set, const struct ip_prefix *prefix); // exactly; -ENOENT

// Frees the places of what has ended. Looks at `budget` entries, going on where the last call
// stopped; returns how many ended.
uint32_t timed_set_expire(struct timed_set *set, uint32_t now_sec, uint32_t budget);

// Walks what is there, ended entries that were not swept yet too. Start with a cursor of 0; false
// at the end. The set may change between calls: what stays is seen once.
bool timed_set_next(const struct timed_set *set, uint32_t *cursor, struct ip_prefix *prefix,
	uint32_t *deadline_sec);
// The same, looking at so many places at most: false at the end too, which timed_set_is_walked
// tells.
bool timed_set_next_of(const struct timed_set *set, uint32_t *cursor, unsigned looks,
	struct ip_prefix *prefix, uint32_t *deadline_sec);
bool timed_set_is_walked(const struct timed_set *set, uint32_t cursor);

uint32_t timed_set_count(const struct timed_set *set); // entries, ended ones too

// The deadline of something that lasts `for_sec` from now on. Beyond the clock's end: for ever.
static inline uint32_t timed_set_deadline(uint32_t now_sec, uint32_t for_sec)
{
	return for_sec < TIMED_SET_FOREVER - now_sec ? now_sec + for_sec : TIMED_SET_FOREVER;
}

// --- workers ---

bool timed_set_has4(const struct timed_set *set, uint32_t addr_be, uint32_t now_sec);
bool timed_set_has6(const struct timed_set *set, const uint8_t addr[16], uint32_t now_sec);
