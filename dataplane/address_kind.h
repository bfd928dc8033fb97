// SPDX-License-Identifier: BSD-3-Clause
// What an address may be used for: IANA's special-purpose registries (RFC 6890, RFC 8190; as of
// October 2025), multicast and the limited broadcast address. Pure. Any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>

#include "cfg/base/addr.h"

// The columns are the registries': may a datagram that passes a router have it as its source, as
// its destination; may a router forward to it; is it reachable beyond one administrative domain?
enum address_kind {
	ADDRESS_GLOBAL = 0, // yes yes yes yes: what no registry names, and some that one does
	ADDRESS_PRIVATE,    // yes yes yes no: RFC 1918, 6598, 4193 and their like
	ADDRESS_TEST,	    // laboratories: documentation (no no no no), benchmarking (as private)
	ADDRESS_LINK_LOCAL, // yes yes no no
	ADDRESS_SOURCE,	    // yes no no no: for who reports an error and has no better one
	ADDRESS_NOWHERE,    // no no no no, and the unspecified: never beyond the host or its link
	ADDRESS_GROUP,	    // no yes no no: multicast, limited broadcast
};

enum address_kind address_kind(const struct ip_addr *addr);
enum address_kind address_kind4(uint32_t addr); // host order
enum address_kind address_kind6(const uint8_t addr[16]);

// What neither direction of an IPv4 packet may carry as its source (RFC 1122 3.2.1.3, RFC 6890):
// "this network", loopback, multicast and class E. By the first byte alone.
static inline bool ip4_source_is_bad(uint32_t src_be)
{
	uint8_t first = *(const uint8_t *)&src_be;

	return first == 0 || first == 127 || first >= 224;
}

bool ip6_source_is_bad(const uint8_t src[16]); // multicast, ::, ::1, ::ffff:0:0/96

// RFC 3927 2.7: never forwarded.
enum { IP4_LINK_LOCAL_FIRST = 169 };

static inline bool ip4_is_link_local(uint32_t addr_be)
{
	return (addr_be & RTE_BE32(0xffff0000)) == RTE_BE32(0xa9fe0000);
}

static inline bool ip6_is_link_local(const uint8_t addr[16])
{
	return addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}
