// SPDX-License-Identifier: BSD-3-Clause
// Questions that are under way: each is asked once, however many wait for it, and what comes goes
// to all of them and into the cache. Where nothing comes, what is stale goes (RFC 8767). Bounded.
// DNS thread, with the lock of the statistics; it takes the lock itself when answers come.
#pragma once

#include "control/dns/front.h"

struct mdns;
struct resolve;

// `mdns` is borrowed. NULL: no memory.
struct resolve *resolve_new(
	struct event_base *base, struct dns_stats *stats, struct set_feed *feed, struct mdns *mdns);
void resolve_free(struct resolve *resolve); // who waits gets nothing
// From now on answers to this policy's questions go into that cache; both are borrowed.
void resolve_set_policy(
	struct resolve *resolve, const struct dns_policy *policy, struct cache *cache);

// Copies the asker. False: there are too many.
bool resolve_ask(struct resolve *resolve, struct dns_policy *policy, const struct cache_key *key,
	const struct asker *asker);
// Asked for the cache alone. False: it is under way, or there are too many.
bool resolve_prefetch(
	struct resolve *resolve, struct dns_policy *policy, const struct cache_key *key);
unsigned resolve_waiting(const struct resolve *resolve);
