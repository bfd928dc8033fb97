// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/siphash.h"

enum { WORD_BYTES = 8, ROUNDS_EACH = 2, ROUNDS_LAST = 4 };

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

// At most eight bytes, the first the lowest.
static uint64_t word_of(const uint8_t *bytes, size_t n)
{
	uint64_t word = 0;

	for (size_t i = 0; i < n; i++)
		word |= (uint64_t)bytes[i] << 8 * i;
	return word;
}

static void stir(struct state *s, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 = rotate(s->v2, 32);
	}
}

static void take(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	stir(s, ROUNDS_EACH);
	s->v0 ^= word;
}

uint64_t siphash(const uint8_t key[SIPHASH_KEY_BYTES], const void *bytes, size_t n)
{
	uint64_t low = word_of(key, WORD_BYTES), high = word_of(key + WORD_BYTES, WORD_BYTES);
	const uint8_t *at = bytes;
	struct state s = {
		.v0 = low ^ 0x736f6d6570736575,
		.v1 = high ^ 0x646f72616e646f6d,
		.v2 = low ^ 0x6c7967656e657261,
		.v3 = high ^ 0x7465646279746573,
	};
	size_t left = n;

	for (; left >= WORD_BYTES; at += WORD_BYTES, left -= WORD_BYTES)
		take(&s, word_of(at, WORD_BYTES));
	take(&s, word_of(at, left) | (uint64_t)n << 56);
	s.v2 ^= 0xff;
	stir(&s, ROUNDS_LAST);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
