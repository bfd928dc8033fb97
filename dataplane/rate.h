// SPDX-License-Identifier: BSD-3-Clause
// Rates that all workers keep together, exactly and without a lock: GCRA as virtual scheduling
// (ITU-T I.371), one word of state, the theoretical arrival time of the next packet. The state
// outlives a policy: control claims cells by content, and who asks for the same rate again goes on
// with what it has. What holds for rates per source is told in rate.c.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/error.h"
#include "dataplane/policy.h"

enum {
	RATE_CELLS = 2 * DP_RATES_MAX, // of the policy in force and of the one to follow
	RATE_SOURCES_DEFAULT = 1 << 18,
	RATE_SOURCES_MAX = 1 << 26,
	RATE_PERIOD_MAX_SEC = 31 * 86400,
	RATE_PER_SEC_MAX = 1000000,
};

struct rate_table;

// One for the life of the dataplane. `sources` that can be known at a time, of all rates together,
// rounded up to a power of two; `seeds` are secret. NULL without memory or beyond RATE_SOURCES_MAX.
struct rate_table *rate_table_new(uint32_t sources, const uint64_t seeds[2]);
void rate_table_free(struct rate_table *table); // NULL is fine
uint64_t rate_table_bytes(uint32_t sources);

// --- control thread ---

// 0, or -EINVAL with the sentence: no packets, no time, no burst, or more than can be counted.
int rate_check(const struct dp_rate *rate, struct error *err);
// A cell for each of `n` sound rates, written to `cells`; equal ones get different cells. -ENOSPC,
// nothing claimed, when more than two policies would hold theirs at a time.
int rate_claim(struct rate_table *table, const struct dp_rate *rates, unsigned n, uint16_t *cells);
// No worker uses them any more. Their state stays until another rate needs the place.
void rate_release(struct rate_table *table, const uint16_t *cells, unsigned n);

// --- workers ---

// Is there room for one more packet now? If so it is taken. `family` and `src` are of the packet's
// source, looked at by rates per source only; `now_ms` is monotonic, below 2^39 (17 years), and
// that of several workers may differ by less than a second.
bool rate_take(struct rate_table *table, uint16_t cell, uint8_t family, const uint8_t *src,
	uint64_t now_ms);
// The same without taking it.
bool rate_has_room(const struct rate_table *table, uint16_t cell, uint8_t family,
	const uint8_t *src, uint64_t now_ms);
// So that rate_take need not wait for memory: for all the sources of a burst, before the first. The
// rate is one per source.
void rate_prefetch(const struct rate_table *table, uint16_t cell, uint8_t family,
	const uint8_t *const *srcs, unsigned n);
