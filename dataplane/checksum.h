// SPDX-License-Identifier: BSD-3-Clause
// Internet checksums mended by difference (RFC 1624): sums of ~old + new over 16-bit words as they
// stand in the packet. Any thread.
#pragma once

#include <stdint.h>

static inline uint16_t checksum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

// RFC 1624, equation 3: HC' = ~(~HC + ~m + m'), the last two summed before.
static inline uint16_t checksum_adjust(uint16_t checksum, uint32_t difference)
{
	return (uint16_t)~checksum_fold((uint16_t)~checksum + difference);
}

static inline uint32_t checksum_difference16(uint16_t old, uint16_t new)
{
	return (uint32_t)(uint16_t)~old + new;
}

static inline uint32_t checksum_difference32(uint32_t old, uint32_t new)
{
	return checksum_difference16((uint16_t)old, (uint16_t) new) +
	       checksum_difference16((uint16_t)(old >> 16), (uint16_t)(new >> 16));
}

static inline uint32_t checksum_difference64(uint64_t old, uint64_t new)
{
	uint64_t sum = ~old + new;

	sum += sum < new; // the carry goes round
	sum = (uint32_t)sum + (sum >> 32);
	return (uint32_t)((sum & 0xffff) + (uint16_t)(sum >> 16) + (sum >> 32));
}

// `n_bytes` is even. The sum is folded, so that several may be added.
static inline uint32_t checksum_difference_bytes(
	const uint8_t *old, const uint8_t *new, uint32_t n_bytes)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n_bytes; i += 2) {
		uint16_t a, b;

		__builtin_memcpy(&a, old + i, 2);
		__builtin_memcpy(&b, new + i, 2);
		sum += checksum_difference16(a, b);
	}
	return checksum_fold(sum);
}
