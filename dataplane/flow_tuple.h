// SPDX-License-Identifier: BSD-3-Clause
// A direction of a flow as one value for both families: what the long way of a first packet works
// with, so that IPv4 and IPv6 share it. The established path never makes one. Ports in network
// order, as in struct flow_dir. Worker threads.
#pragma once

#include "cfg/base/addr.h"
#include "dataplane/flow_table.h"
#include "dataplane/packet.h"

struct flow_tuple {
	struct ip_addr src, dst;
	uint16_t sport_be, dport_be;
	uint8_t protocol;
	uint8_t kind; // enum flow_key_kind
};

// In one store, for addresses are copied whole, and a load waits for smaller ones.
static inline struct ip_addr ip4_addr_of(uint32_t addr_be)
{
	struct ip_addr addr;

	_mm_storeu_si128((__m128i *)addr.bytes, _mm_cvtsi32_si128((int)addr_be));
	addr.family = IP_V4;
	return addr;
}

static inline uint32_t ip4_be_of(const struct ip_addr *addr)
{
	uint32_t addr_be;

	__builtin_memcpy(&addr_be, addr->v4, sizeof(addr_be));
	return addr_be;
}

static inline struct ip_addr ip6_addr_of(const uint8_t bytes[16])
{
	struct ip_addr addr;

	__builtin_memcpy(addr.v6, bytes, sizeof(addr.v6));
	addr.family = IP_V6;
	return addr;
}

// Of a packet with its key filled.
struct flow_tuple flow_tuple_of_packet(const struct packet *p);
// The key of a direction.
struct flow_tuple flow_tuple_of(const struct flow_dir *dir);
// The key of the answers when nothing is translated: both ends exchanged.
struct flow_tuple flow_tuple_reply(const struct flow_tuple *tuple);
bool flow_tuple_equal(const struct flow_tuple *a, const struct flow_tuple *b);
// What a direction's packets become: the answers' key, ends exchanged.
struct flow_tuple flow_tuple_translated(const struct flow_dir *dir);

uint64_t flow_tuple_hash(const struct flow_table *table, const struct flow_tuple *tuple);
struct flow_dir *flow_find(const struct flow_table *table, const struct flow_tuple *tuple);
// The same, of who knows its hash.
struct flow_dir *flow_find_by(
	const struct flow_table *table, const struct flow_tuple *tuple, uint64_t hash);
// Writes both directions: their keys, and what each becomes. FLOW_TRANSLATES and FLOW_IS_IP6 are
// set as they are due.
void flow_fill(
	struct flow *flow, const struct flow_tuple *original, const struct flow_tuple *reply);
