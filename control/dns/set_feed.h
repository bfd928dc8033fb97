// SPDX-License-Identifier: BSD-3-Clause
// Sets of the firewall that are filled by name: the addresses of an answer are with the workers
// before the answer leaves. The DNS thread asks, the control loop adds, and the DNS thread goes on
// when it has: a set's entry is there for the next packet that a worker looks at, and who asked can
// send one only after the answer. Of names that no set has, nothing waits.
#pragma once

#include <event2/event.h>

#include "cfg/config.h"
#include "control/bans.h"
#include "control/dns/dns_message.h"

enum {
	SET_FEED_NOTES_MAX = 64, // addresses that are taken at a time
	SET_FEED_WAIT_MS = 200,	 // for the control loop, then the answer is dropped
};

struct set_feed;

// Control thread. `bans` is borrowed. NULL without memory.
struct set_feed *set_feed_new(struct event_base *base, struct bans *bans);
void set_feed_free(struct set_feed *feed); // nobody notes any more; NULL is fine
// These are the sets now. 0, or -1 without memory, and nothing has changed.
int set_feed_follow(struct set_feed *feed, const struct config *config);

// DNS thread: whether the answer may leave. `feed` may be NULL.
bool set_feed_note(struct set_feed *feed, const uint8_t *answer, size_t n);
