// SPDX-License-Identifier: BSD-3-Clause
#include "drivers/steering.h"

#include <string.h>

// Toeplitz: the hash is the XOR of the 32-bit windows of the key that begin at each set bit of
// the input. One key bit thus puts one input bit into one hash bit, and a key that is zero but for
// six bits makes the low seven bits of the hash a permutation of port ^ (port >> 6).
// The input is source, destination address, source port, destination port: the ports begin at bit
// 64 in IPv4 and at bit 256 in IPv6. For each, the first bit of a pair gives `port`, the second
// `port >> 6`, bits reversed. The middle pair makes a v6 address bit that the IPv4 pair would mix
// in do so for both directions alike, as source and destination lie 128 bits apart.
static const uint16_t inside_bits[] = {98, 104, 242, 248, 290, 296};
static const uint16_t outside_bits[] = {114, 120, 226, 232, 306, 312};

void steering_rss_key(bool is_outside, uint8_t key[STEERING_KEY_BYTES])
{
	const uint16_t *bits = is_outside ? outside_bits : inside_bits;

	memset(key, 0, STEERING_KEY_BYTES);
	for (unsigned i = 0; i < sizeof(inside_bits) / sizeof(inside_bits[0]); i++)
		key[bits[i] / 8] |= (uint8_t)(0x80 >> (bits[i] % 8));
}
