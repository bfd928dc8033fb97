// SPDX-License-Identifier: BSD-3-Clause
// A question's way: may the client ask, is it known here, is it in the cache, has somebody else
// just asked the same; otherwise upstream. Transports bring questions and take answers away. DNS
// thread, with the lock of the statistics.
#pragma once

#include <event2/event.h>
#include <sys/socket.h>

#include "control/dns/answer.h"
#include "control/dns/dns_policy.h"
#include "control/dns/dns_stats.h"
#include "control/dns/set_feed.h"

struct front;

// Where a question came from, and where its answer goes.
struct asker {
	struct ip_addr client;
	bool is_stream;
	struct asked asked;
	uint64_t came_ns;
	// A local answer that goes before what its alias leads to, on the heap, or NULL. With
	// FRONT_WAITS it is the front's.
	uint8_t *alias;
	size_t alias_bytes;
	// Takes the answer that comes later; `bytes` 0: there will be none.
	void (*reply)(const struct asker *asker, const uint8_t *answer, size_t bytes);
	void *transport;
	struct sockaddr_storage peer;
	socklen_t peer_bytes;
	uint8_t local[32]; // the transport's own: the address that was asked
	uint32_t local_bytes;
};

enum front_verdict {
	FRONT_ANSWERED = 0,
	FRONT_DROPPED,
	FRONT_WAITS, // the answer comes by asker->reply
};

// What an asker with an alias gets: its alias, and `n` bytes of answer to what that leads to,
// joined in `out`. 0: there is no room.
size_t answer_join(
	const struct asker *asker, const uint8_t *answer, size_t n, uint8_t *out, size_t room);

// `feed` is borrowed, or NULL. NULL: no memory.
struct front *front_new(struct event_base *base, struct dns_stats *stats, struct set_feed *feed);
void front_free(struct front *front);

// From now on this one's, with that cache: other upstreams may say other things, so nothing of what
// the old ones said stays. Takes both.
void front_set_policy(struct front *front, struct dns_policy *policy, struct cache *cache);
struct dns_policy *front_policy(const struct front *front);

// Fills in asker->asked. With FRONT_ANSWERED, `*out_n` bytes of `out` are the answer.
enum front_verdict front_ask(struct front *front, const uint8_t *bytes, size_t n,
	struct asker *asker, uint64_t now_ms, uint8_t *out, size_t room, size_t *out_n);

void front_look(struct front *front); // every moment: interfaces come and go
void front_cache_counts(const struct front *front, struct cache_counts *out);
unsigned front_waiting(const struct front *front); // questions under way
