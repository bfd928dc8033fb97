// SPDX-License-Identifier: BSD-3-Clause
// Numbers at random, the same ones each time the test runs.
#pragma once

#include <stdbool.h>
#include <stdint.h>

static inline uint32_t random32(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32);
}

// From 0 to n - 1.
static inline uint32_t random_below(uint32_t n)
{
	return (uint32_t)((uint64_t)random32() * n >> 32);
}

static inline bool one_in(uint32_t n)
{
	return random_below(n) == 0;
}
