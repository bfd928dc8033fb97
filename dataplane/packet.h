// SPDX-License-Identifier: BSD-3-Clause
// A packet of the burst at hand: the buffer and what the parser found in it. Lives in the
// worker's scratch for one burst. Offsets count bytes from the start of the frame; every offset
// and length here has been checked against the buffer, so later steps do not check again.
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "dataplane/counter.h"
#include "dataplane/flow.h"

enum { L3_OFFSET = RTE_ETHER_HDR_LEN };

enum packet_kind {
	PACKET_DROP = 0, // `reason` says why
	PACKET_IP4,	 // unicast to our MAC, header sound
	PACKET_IP6,
	PACKET_HOST, // for the host stack by its kind alone, `reason` is the punt counter
};

enum packet_flags {
	PACKET_IS_FRAGMENT = 1 << 0,	   // one of several; ports are unknown
	PACKET_IS_LATER_FRAGMENT = 1 << 1, // not the first: carries no layer-4 header
	PACKET_IS_ICMP_ERROR = 1 << 2,
	PACKET_FROM_HOST = 1 << 3,     // read from a TAP: leaves by `iface`, layer 2 is ready
	PACKET_IS_OWNED = 1 << 4,      // this worker owns its flow: no need to ask
	PACKET_IS_STEERED = 1 << 5,    // the same, where TCP and UDP are concerned
	PACKET_IS_TRANSLATED = 1 << 6, // an ICMP error that its flow has been applied to
	PACKET_HAS_ROUTING0 = 1 << 7,  // IPv6 routing header 0; after packet_parse_ip6_chain
	PACKET_IS_ATOMIC = 1 << 8,     // IPv6: whole, though it has a fragment header (RFC 6946)
	PACKET_IS_HOME = 1 << 9,       // its flow is here, or begins here: not sought elsewhere
};

struct packet {
	struct rte_mbuf *m;
	uint8_t kind;	   // enum packet_kind
	uint8_t reason;	   // enum counter
	uint8_t protocol;  // IPPROTO_*; IPv6: behind extension headers after packet_parse_ip6_chain
	uint8_t tcp_flags; // 0 for anything but TCP, as tcp_end; after packet_key4
	uint16_t ip_len;   // whole IP packet, without Ethernet padding
	uint16_t l4_offset; // IPv6: after packet_parse_ip6_chain
	uint16_t flags;	    // enum packet_flags, and `iface` again: FLOW_IFACE_MASK
	uint16_t iface;	    // the interface it came in by, or leaves by if from the host
	uint32_t tcp_end;   // sequence number behind its data, without SYN and FIN; host order
	uint64_t hash;	    // of the flow key
	union {
		struct flow_key4 key4;
		uint64_t tail6; // of an IPv6 key, whose addresses are the header's: flow_tail
	};
	uint16_t way, way_back; // what the FIB says of both ends; after ways_find
	uint8_t tcp_window;	// the higher byte of TCP's window; else anything
} __rte_cache_aligned;

// TCP or UDP: a bit test and no comparisons, for the two come in no order that a branch predictor
// could learn.
static inline bool protocol_has_ports(uint8_t protocol)
{
	const uint64_t bits = UINT64_C(1) << IPPROTO_TCP | UINT64_C(1) << IPPROTO_UDP;

	return protocol < 64 && (bits >> protocol & 1) != 0;
}

static_assert(COUNTER_COUNT <= 256, "a reason fits in a byte");

static inline struct rte_ether_hdr *packet_eth(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
}

static inline struct rte_ipv4_hdr *packet_ip4(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, L3_OFFSET);
}

static inline struct rte_ipv6_hdr *packet_ip6(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod_offset(m, struct rte_ipv6_hdr *, L3_OFFSET);
}

static inline void *packet_l4(const struct packet *p)
{
	return rte_pktmbuf_mtod_offset(p->m, void *, p->l4_offset);
}

// TTL or hop limit.
static inline uint8_t packet_hops(const struct packet *p)
{
	return p->kind == PACKET_IP6 ? packet_ip6(p->m)->hop_limits
				     : packet_ip4(p->m)->time_to_live;
}
