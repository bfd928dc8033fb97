// SPDX-License-Identifier: BSD-3-Clause
// How often each place in the code may say something: a token bucket for each. What is left out is
// counted and kept until somebody says so. Bounded in places; pure, the clock comes in as
// milliseconds. One thread at a time.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/log.h"

enum {
	LOG_LIMIT_PLACES = 512,
	LOG_LIMIT_BURST = 100,	     // at once: more than there can be ports or interfaces
	LOG_LIMIT_BURST_DEBUG = 500, // who asks for them wants to see them
	LOG_LIMIT_REFILL_MS = 10000, // after which a bucket is full again
	LOG_LIMIT_TELL_MS = 10000,   // how often it is said that some were left out
	LOG_LIMIT_SAMPLE_BYTES = 120,
};

struct log_place {
	uintptr_t key; // 0: free
	enum log_level level;
	enum log_part part;
	uint64_t at_ms;	  // when `tokens` were right
	uint32_t tokens;  // in thousandths
	uint64_t told_ms; // when it last was
	uint64_t n_left_out;
	char object[LOG_OBJECT_BYTES]; // of the first line that was
	char sample[LOG_LIMIT_SAMPLE_BYTES];
};

struct log_limit {
	struct log_place places[LOG_LIMIT_PLACES];
};

// The place that `key` stands for: those that find no room share one. `key` is not 0.
struct log_place *log_limit_place(struct log_limit *limit, uintptr_t key, enum log_level level,
	enum log_part part, uint64_t now_ms);

// Whether a line may be said now. If not, it is counted; the first one's caller fills `object` and
// `sample`: n_left_out is 1 then.
bool log_limit_take(struct log_place *place, uint64_t now_ms);

// The next place, from *i on, of which it is time to say how much was left out; `is_all`: time or
// not. NULL: no more. The caller says it, with log_limit_told.
struct log_place *log_limit_due(struct log_limit *limit, unsigned *i, bool is_all, uint64_t now_ms);
void log_limit_told(struct log_place *place, uint64_t now_ms);
