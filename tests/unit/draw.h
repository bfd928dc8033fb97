// SPDX-License-Identifier: BSD-3-Clause
// Numbers at random, from a seed of one's own: for threads, and for what must be the same however
// much else is drawn.
#pragma once

#include <stdint.h>

static inline uint64_t draw(uint64_t *seed)
{
	uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}
