// SPDX-License-Identifier: BSD-3-Clause
// The layout of a flow: one cache line for each direction, which is all that an established
// packet touches, and a third line for what only the first packets, state changes and timers
// need. A worker's flows are its own: no other thread writes them. Addresses and ports are in
// network order, as they stand in the packet. Times are seconds of the worker's clock.
#pragma once

#include <assert.h>
#include <stdint.h>

#include <rte_common.h>

enum { FLOW_NONE = UINT32_MAX };

// Key of a direction as its packets arrive. Protocols without ports have zero there; ICMP echo
// has its identifier in both, and `kind` tells the query from its answer.
struct flow_key4 {
	uint32_t src_be, dst_be;
	uint16_t sport_be, dport_be;
	uint8_t protocol;
	uint8_t kind; // enum flow_key_kind
	uint16_t zero;
};

struct flow_key6 {
	uint8_t src[16], dst[16];
	uint16_t sport_be, dport_be;
	uint8_t protocol;
	uint8_t kind;
	uint16_t zero;
};

enum flow_key_kind {
	FLOW_KEY_PLAIN = 0,
	FLOW_KEY_QUERY = 1,   // ICMP echo request
	FLOW_KEY_ANSWER = 2,  // ICMP echo reply
	FLOW_KEY_DEAD = 0xff, // of a freed flow: no packet's key is equal to it
};

enum flow_dir_flags {
	FLOW_TRANSLATES = 1 << 0, // addresses, ports or both are rewritten
	FLOW_TO_HOST = 1 << 1,	  // up to the TAP of the interface it came in by
	FLOW_FROM_HOST = 1 << 2,  // from a TAP: layer 2 and TTL are the kernel's
	FLOW_WATCH = 1 << 3,	  // the next packet changes the state: take the slower way
	FLOW_IS_REPLY = 1 << 4,	  // direction 1 of its flow
};

struct flow_dir {
	union {
		struct {
			struct flow_key4 key4;
			uint32_t new_src_be, new_dst_be;
			uint16_t new_sport_be, new_dport_be;
			uint16_t l3_diff,
				l4_diff; // RFC 1624: to be added to the checksum's complement
			uint32_t spare[2];
		};
		struct flow_key6 key6;
	};
	uint64_t bytes;
	uint32_t packets; // carries into flow_state.packets_high
	uint32_t epoch;	  // of the policy and routes that decided
	uint32_t last_seen_sec;
	uint16_t nexthop; // nexthop code, see fib.h
	uint16_t flags;	  // enum flow_dir_flags
};

struct flow_state {
	uint32_t timer_next, timer_prev; // flow indexes in the same wheel slot; next also links the
					 // free list
	uint16_t timer_slot;
	uint8_t state; // enum flow_phase
	uint8_t protocol;
	uint8_t in_iface, out_iface; // FLOW_IFACE_HOST: the router itself
	uint8_t tcp_seen;	     // SYN and FIN by direction, flow_tcp.c
	uint8_t reserved8;
	uint32_t created_sec;
	uint32_t packets_high[2];
	uint32_t age_next, age_prev; // flows that may go, oldest first; flow indexes
	uint8_t reserved[28];
};

struct flow {
	struct flow_dir dir[2];
	struct flow_state state;
} __rte_cache_aligned;

static_assert(sizeof(struct flow_key4) == 16, "two words");
static_assert(sizeof(struct flow_key6) == 40, "five words");
static_assert(sizeof(struct flow_dir) == 64, "one cache line a direction");
static_assert(sizeof(struct flow_state) == 64, "one cache line of state");
static_assert(sizeof(struct flow) == 192, "three cache lines a flow");

enum { FLOW_IFACE_HOST = 0xfe }; // no interface id, nor INTERFACE_NONE

enum flow_phase {
	FLOW_FREE = 0,
	FLOW_UNREPLIED,	  // one direction only so far
	FLOW_ASSURED,	  // both directions seen; TCP: handshake done
	FLOW_TCP_CLOSING, // FIN from one side
	FLOW_TCP_CLOSED,  // FIN from both sides, or RST
};
