// SPDX-License-Identifier: BSD-3-Clause
// Which of 128 buckets a flow belongs to: a function of our side's port number alone, so that
// both directions of a translated flow meet on one worker. The same function falls out of plain
// Toeplitz RSS with one of two sparse keys (steering.c); steering_test proves that they agree.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { STEERING_BUCKETS = 128, STEERING_KEY_BYTES = 40 };

static inline uint8_t steering_reverse7(uint8_t v)
{
	// reverse eight bits, drop the lowest
	v = (uint8_t)((v & 0xf0) >> 4 | (v & 0x0f) << 4);
	v = (uint8_t)((v & 0xcc) >> 2 | (v & 0x33) << 2);
	v = (uint8_t)((v & 0xaa) >> 1 | (v & 0x55) << 1);
	return v >> 1;
}

// `port` in host byte order: the source port on an inside port, the destination port on an
// outside one.
static inline uint8_t steering_bucket(uint16_t port)
{
	return steering_reverse7(((port >> 6) ^ port) & 127);
}

// The RSS key for a port on that side.
void steering_rss_key(bool is_outside, uint8_t key[STEERING_KEY_BYTES]);

// The worker of a bucket among n_workers; also the queue, where a port has one for each worker.
static inline uint16_t steering_worker(uint8_t bucket, uint16_t n_workers)
{
	return bucket % n_workers;
}
