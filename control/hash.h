// SPDX-License-Identifier: BSD-3-Clause
// A seeded hash for tables keyed by addresses that strangers choose: without the seed nobody can
// pick addresses that share a bucket. Not for the workers, who have their own.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "cfg/base/addr.h"

static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// What of an address counts, padded with zeroes: the union's bytes behind an IPv4 address need not
// be zero, whatever set it.
static inline void hash_address_bytes(const struct ip_addr *addr, uint8_t out[16])
{
	memset(out, 0, 16);
	memcpy(out, addr->bytes, ip_family_bits(addr->family) / 8);
}

// `bytes` is an address padded to 16 bytes, `tag` whatever else belongs to the key.
static inline uint64_t hash_address(uint64_t seed, const uint8_t bytes[16], uint32_t tag)
{
	uint64_t half[2];

	memcpy(half, bytes, sizeof(half));
	return hash_mix(hash_mix(half[0] ^ seed, half[1] ^ 0x9e3779b97f4a7c15u) ^ tag,
		seed ^ 0xd6e8feb86659fd93u);
}

// Of any bytes, eight at a time.
static inline uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint64_t hash = hash_mix(seed ^ len, 0x9e3779b97f4a7c15u);

	for (; len > 0; at += 8) {
		size_t n = len < 8 ? len : 8;
		uint64_t word = 0;

		memcpy(&word, at, n);
		hash = hash_mix(hash ^ word, 0xd6e8feb86659fd93u) ^ word;
		len -= n;
	}
	return hash;
}

static inline uint64_t hash_seed(void)
{
	uint64_t seed = 0;

	// The pool is ready long before a router starts; a short read would cost only the secrecy.
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		seed ^= (uint64_t)(uintptr_t)&seed;
	return seed | 1;
}
