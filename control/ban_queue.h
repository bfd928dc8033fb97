// SPDX-License-Identifier: BSD-3-Clause
// What rules have added to timed sets and the state file does not have yet: bounded, each prefix
// once with its latest end. And the prefixes that somebody has decided about since, so that nothing
// older comes back. Addresses are strangers' choice. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"

enum {
	BAN_QUEUE_MAX = 2048,
	BAN_ASKED_MAX = 2048, // more than clients of the control socket
};

struct ban_note {
	struct ip_prefix prefix; // without host bits
	uint16_t timed;
	bool is_cancelled; // somebody has decided otherwise
	uint32_t for_sec;
	int64_t ends_at;
};

struct ban_queue {
	struct ban_note list[BAN_QUEUE_MAX + BAN_ASKED_MAX];
	unsigned n;
	uint16_t slots[2 * (BAN_QUEUE_MAX + BAN_ASKED_MAX)]; // index + 1, 0: free
	uint64_t seed;
};

void ban_queue_init(struct ban_queue *queue);

// Whether anything is under way for that prefix.
bool ban_queue_knows(struct ban_queue *queue, uint16_t timed, const struct ip_prefix *prefix);
// Whether it is there, and ends no sooner.
bool ban_queue_has(struct ban_queue *queue, const struct ban_note *note);
// False when it is full.
bool ban_queue_put(struct ban_queue *queue, const struct ban_note *note);
// Somebody has decided otherwise about it since; at most BAN_ASKED_MAX until it is cleared.
void ban_queue_cancel(struct ban_queue *queue, uint16_t timed, const struct ip_prefix *prefix);
void ban_queue_clear(struct ban_queue *queue);
