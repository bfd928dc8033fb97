// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat_prefix.h"

#include <string.h>

enum {
	WORDS = 8,
	WORD_BITS = 16,
	SUBNET_WORD = 3, // RFC 6296 3.4: of a /48 or shorter
	ADJUSTED_BITS = 48,
	LEN_MAX = 112,
};

static uint16_t word_at(const uint8_t *bytes, unsigned word)
{
	return (uint16_t)(bytes[2 * word] << 8 | bytes[2 * word + 1]);
}

static uint16_t ones_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static uint16_t network_sum(const struct ip_prefix *prefix)
{
	struct ip_prefix network = ip_prefix_network(prefix);
	uint32_t sum = 0;

	for (unsigned word = 0; word < WORDS; word++)
		sum += word_at(network.addr.v6, word);
	return ones_fold(sum);
}

bool nat_prefix_fits(const struct ip_prefix *inside, const struct ip_prefix *outside)
{
	return inside->addr.family == IP_V6 && outside->addr.family == IP_V6 &&
	       inside->len == outside->len && inside->len > 0 && inside->len <= LEN_MAX;
}

// RFC 6296 3.4: bits 48 to 63 of a /48 or shorter. 3.5: of a longer one the first word of the
// interface identifier that is not 0xffff, which both ways find, for the result is never 0xffff.
static unsigned adjusted_word(const struct ip_prefix *prefix, const uint8_t addr[16])
{
	unsigned word = (prefix->len + WORD_BITS - 1u) / WORD_BITS;

	if (prefix->len <= ADJUSTED_BITS)
		return word_at(addr, SUBNET_WORD) != 0xffff ? (unsigned)SUBNET_WORD : WORDS;
	if (word <= SUBNET_WORD)
		word = SUBNET_WORD + 1;
	while (word < WORDS && word_at(addr, word) == 0xffff)
		word++;
	return word;
}

bool nat_prefix_map(const struct ip_prefix *from, const struct ip_prefix *to,
	const struct ip_addr *addr, struct ip_addr *out)
{
	struct ip_prefix network = ip_prefix_network(to);
	unsigned word = adjusted_word(from, addr->v6);
	unsigned whole = from->len / 8, rest = from->len % 8;
	uint16_t adjusted;

	if (word == WORDS)
		return false;
	*out = *addr;
	memcpy(out->v6, network.addr.v6, whole);
	if (rest != 0) {
		uint8_t hosts = (uint8_t)(0xff >> rest);

		out->v6[whole] = (uint8_t)(network.addr.v6[whole] | (addr->v6[whole] & hosts));
	}
	adjusted = ones_fold(
		(uint32_t)word_at(addr->v6, word) + network_sum(from) + (uint16_t)~network_sum(to));
	if (adjusted == 0xffff) // 3.4: zero has one form only
		adjusted = 0;
	out->v6[2 * word] = (uint8_t)(adjusted >> 8);
	out->v6[2 * word + 1] = (uint8_t)adjusted;
	return true;
}
