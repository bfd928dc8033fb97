// SPDX-License-Identifier: BSD-3-Clause
// The layout of a flow: one cache line for each direction, which is all that an established
// packet touches, and a third line for what only the first packets, state changes and timers
// need. A worker's flows are its own: no other thread writes them. Addresses and ports are in
// network order, as they stand in the packet. Times are seconds of the worker's clock.
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <emmintrin.h>

#include <rte_common.h>

enum { FLOW_NONE = UINT32_MAX };

// Key of a direction as its packets arrive. Protocols without ports have zero there; ICMP's queries
// have their identifier in both, and `kind` tells a query from its answer and from others; the rest
// of ICMP has type << 8 | code in both.
struct flow_key4 {
	uint32_t src_be, dst_be;
	uint16_t sport_be, dport_be;
	uint8_t protocol;
	uint8_t kind; // enum flow_key_kind
	uint16_t zero;
};

// Both addresses stand as they do in the IPv6 header, so a packet is compared where it lies.
struct flow_key6 {
	uint8_t src[16], dst[16];
	uint16_t sport_be, dport_be;
	uint8_t protocol;
	uint8_t kind;
};

enum flow_key_kind {
	FLOW_KEY_PLAIN = 0,
	FLOW_KEY_QUERY = 1,   // ICMP echo request; further queries have the odd numbers from 3 on
	FLOW_KEY_ANSWER = 2,  // ICMP echo reply; a query's answer is one more
	FLOW_KEY_DEAD = 0xff, // of a freed flow: no packet's key is equal to it
};

// Of the packets that answer.
static inline uint8_t flow_key_kind_reply(uint8_t kind)
{
	return kind == FLOW_KEY_PLAIN ? kind : (uint8_t)(((kind - 1) ^ 1) + 1);
}

enum flow_dir_flags {
	FLOW_TRANSLATES = 1 << 0, // addresses, ports or both are rewritten
	FLOW_TO_HOST = 1 << 1,	  // up to the TAP of the interface it came in by
	FLOW_FROM_HOST = 1 << 2,  // from a TAP
	FLOW_WATCH = 1 << 3,	  // the next packet changes the state: take the slower way
	FLOW_IS_REPLY = 1 << 4,	  // direction 1 of its flow
	FLOW_IS_IP6 = 1 << 5,
	FLOW_TRANSLATES6 = 1 << 6, // as FLOW_TRANSLATES, where the line has no room for it
	FLOW_HAS_HELPER = 1 << 7,  // every packet is read, helper.h
	FLOW_IS_RELATED = 1 << 8,  // direction 0: a helper expected it
	// The upper bits: the interface that its packets come in by, which a packet's flags have in
	// the same place. Of what the host stack sends, none.
	FLOW_IFACE_SHIFT = 10,
	FLOW_IFACE_MASK = 63 << FLOW_IFACE_SHIFT,
	FLOW_GOES_SLOW = FLOW_TO_HOST | FLOW_FROM_HOST | FLOW_TRANSLATES6 | FLOW_HAS_HELPER,
};

// An IPv6 key leaves no room for what it becomes: that is the opposite direction's key, ends
// exchanged.
struct flow_dir {
	union {
		struct {
			struct flow_key4 key4;
			uint32_t new_src_be, new_dst_be;
			uint16_t new_sport_be, new_dport_be;
			uint16_t l3_diff,
				l4_diff; // RFC 1624: to be added to the checksum's complement
		};
		struct flow_key6 key6;
		struct {
			uint8_t key_bytes[38];
			uint8_t tcp_reach;  // log2: how far from tcp_end a segment may end
			uint8_t tcp_unseen; // bits never set in this side's windows, higher byte
		};
	};
	uint32_t bytes, packets; // carry into flow_state.bytes_high, packets_high
	uint32_t tcp_end;	 // sequence number behind the last byte sent
	uint32_t epoch;		 // of the policy and routes that decided
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
	union {
		uint8_t tcp_seen;  // what each direction has sent so far, tcp_track.h
		uint8_t icmp_type; // of the first packet
	};
	uint8_t flags; // enum flow_state_flags
	uint32_t created_sec;
	uint16_t packets_high[2];
	uint32_t bytes_high[2];
	uint32_t age_next, age_prev;	       // flows of the same host; flow indexes
	uint32_t host;			       // whose share it is of, flow_shares.h
	uint32_t endpoint_next, endpoint_prev; // flows of the same inside endpoint: a ring
	uint32_t mark;
	uint8_t src_mac[6]; // of the first packet: rules may ask again for it
	uint8_t dscp;	    // the same
	union {
		uint8_t tcp_scales; // window scaling, a nibble for each direction
		uint8_t icmp_code;
	};
};

struct flow {
	struct flow_dir dir[2];
	struct flow_state state;
} __rte_cache_aligned;

static inline uint32_t flow_last_seen_sec(const struct flow *flow)
{
	uint32_t there = flow->dir[0].last_seen_sec, back = flow->dir[1].last_seen_sec;

	return (int32_t)(back - there) > 0 ? back : there;
}

static_assert(sizeof(struct flow_key4) == 16, "two words");
static_assert(sizeof(struct flow_key6) == 38, "what an IPv6 key leaves of five words is TCP's");
static_assert(
	offsetof(struct flow_dir, tcp_reach) == sizeof(struct flow_key6), "behind either key");
static_assert(sizeof(struct flow_dir) == 64, "one cache line a direction");
static_assert(sizeof(struct flow_state) == 64, "one cache line of state");
static_assert(sizeof(struct flow) == 192, "three cache lines a flow");

// What of a key is not addresses, as one word.
static inline uint64_t flow_tail(
	uint16_t sport_be, uint16_t dport_be, uint8_t protocol, uint8_t kind)
{
	return sport_be | (uint64_t)dport_be << 16 | (uint64_t)protocol << 32 |
	       (uint64_t)kind << 40;
}

// In one store: it is hashed and compared in words, and a load waits for smaller ones.
static inline struct flow_key4 flow_key4_make(uint32_t src_be, uint32_t dst_be, uint16_t sport_be,
	uint16_t dport_be, uint8_t protocol, uint8_t kind)
{
	uint64_t addresses = src_be | (uint64_t)dst_be << 32;
	struct flow_key4 key;

	_mm_storeu_si128((__m128i *)&key,
		_mm_set_epi64x((int64_t)flow_tail(sport_be, dport_be, protocol, kind),
			(int64_t)addresses));
	return key;
}

#define FLOW_TAIL6_MASK UINT64_C(0x0000ffffffffffff)

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "flow_tail is the key's last bytes");
static_assert(offsetof(struct flow_key6, sport_be) == 32, "right behind the addresses");

enum { FLOW_IFACE_HOST = 0xfe }; // no interface id, nor INTERFACE_NONE

enum flow_state_flags {
	FLOW_WAS_PICKED_UP = 1 << 0, // TCP that began before we saw it: no window is known
	FLOW_IS_DNATED = 1 << 1,     // its destination was translated
	FLOW_HAS_EXTERNAL = 1 << 2, // speaks for its inside endpoint: entered under the outside one
	FLOW_HAS_INTERNAL = 1 << 3, // and under the inside one
	FLOW_IS_RATED = 1 << 4,	    // ICMP that rules limit: each query is asked about
	FLOW_IS_MAPPED = 1 << 5,    // in the ring of its inside endpoint
	FLOW_IS_CALLED = 1 << 6,    // by somebody outside: the inside endpoint answers in it
	FLOW_IS_FULL_CONE = 1 << 7, // whoever sends to the outside endpoint is let in
};

// What is known of a flow's life. TCP's are what its ends can be seen to be in from between them
// (RFC 9293 3.3.2); tcp_track.c has the table.
enum flow_phase {
	FLOW_FREE = 0,
	FLOW_UNREPLIED,	       // nobody has answered; TCP: SYN from one side
	FLOW_ASSURED,	       // both directions seen; never TCP
	FLOW_TCP_SYN_SENT2,    // SYN from both sides, none acknowledged: simultaneous open
	FLOW_TCP_SYN_RECEIVED, // one SYN acknowledged
	FLOW_TCP_ESTABLISHED,  // both
	FLOW_TCP_CHALLENGED,   // a reset that its receiver will ask about: true, or a forgery
	FLOW_TCP_FIN_WAIT,     // FIN from one side
	FLOW_TCP_CLOSE_WAIT,   // the same, acknowledged: half closed
	FLOW_TCP_LAST_ACK,     // FIN from both sides
	FLOW_TCP_TIME_WAIT,    // both acknowledged
	FLOW_TCP_CLOSED,       // reset
};

enum { FLOW_PHASES = FLOW_TCP_CLOSED + 1 };

// Nobody would miss it in a full table: a handshake that is not done, or a connection that is over.
static inline bool flow_phase_is_spare(enum flow_phase phase)
{
	const uint32_t spare = 1u << FLOW_UNREPLIED | 1u << FLOW_TCP_SYN_SENT2 |
			       1u << FLOW_TCP_SYN_RECEIVED | 1u << FLOW_TCP_TIME_WAIT |
			       1u << FLOW_TCP_CLOSED;

	return (spare >> phase & 1) != 0;
}
