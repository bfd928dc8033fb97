// SPDX-License-Identifier: BSD-3-Clause
// What fuzz targets know of packets by themselves, without the code they test: an IP packet of
// either family taken apart, and its checksums (RFC 1071) looked at and made.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void put16(uint8_t *to, uint32_t n)
{
	to[0] = (uint8_t)(n >> 8);
	to[1] = (uint8_t)n;
}

static inline uint16_t get16(const uint8_t *from)
{
	return (uint16_t)(from[0] << 8 | from[1]);
}

// An IP packet as whoever receives it sees it.
struct ip_view {
	bool is_ip6;
	bool is_fragment;
	uint8_t protocol;
	uint8_t hops;
	const uint8_t *l3, *src, *dst, *l4;
	uint16_t l4_bytes; // by the header; there may be fewer in a quote
	uint16_t l4_there;
};
// `is_quote`: less than the header says may be there. False: malformed, or more than this knows.
bool ip_view(const uint8_t *l3, size_t bytes, bool is_quote, struct ip_view *view);
// The header's checksum, and that of what it carries if all of it is there, are right.
bool ip_view_is_sound(const struct ip_view *view);
// Gives it right ones, as far as there is a packet to have them.
void ip_mend(uint8_t *l3, size_t bytes, bool is_quote);
