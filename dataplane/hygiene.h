// SPDX-License-Identifier: BSD-3-Clause
// Ingress hygiene: could an honest host behind that interface have sent this packet? (RFC 6890,
// 1122 3.2.1.3, 3704, 5095, 9293). Which checks: enum dp_hygiene in struct interface; all of them
// are about the first packet of a flow, but for two that are worth asking of every one:
// hygiene_tcp_flags_are_odd, and PACKET_HAS_ROUTING0; and hygiene_addresses. Worker threads.
#pragma once

#include "dataplane/policy_hygiene.h"
#include "dataplane/worker.h"

// COUNTER_COUNT: sound. Otherwise the reason to drop it; the packet stays the caller's. It begins a
// flow, or is for a group; its layers are parsed (packet_key4, packet_parse_ip6_upper) and it is as
// it was received, and its ways are found (ways_find). What the host stack sends is sound.
// Leave DP_HYGIENE_TCP_NEW out of an interface's bits where the policy picks connections up. An
// ICMP error that a flow knows belongs to it: it is not asked here.
enum counter hygiene_check(const struct worker *w, const struct packet *p);

// The part of it that is about addresses, for a packet of a flow that came by another interface
// than its others: one that knows the ports of a flow has no right to its sender's address. Its
// ways are found.
enum counter hygiene_addresses(const struct worker *w, const struct packet *p);

// DP_HYGIENE_PRIVATE_OUT of the interface a packet is about to leave by: is it an uplink to the
// internet, where nobody has this destination? Count COUNTER_DROP_PRIVATE_OUT and answer that the
// network is unreachable. `dst` is as it leaves: behind destination NAT.
bool hygiene_is_private_out(const struct worker *w, uint8_t out_iface, const struct ip_addr *dst);

// The part of hygiene_check that needs no more than a TCP packet in one piece. `checks` are bits of
// enum dp_hygiene.
enum counter hygiene_tcp(const struct packet *p, uint16_t checks);

// Why these flags are refused; COUNTER_COUNT: they are not. ECN's two are anybody's.
enum counter hygiene_tcp_flags(uint8_t flags);

// One shift, for the established path. Of TCP's flags only: other packets have none.
static inline bool hygiene_tcp_flags_are_odd(uint8_t flags)
{
	// A bit for each of the 64 sets. In every eight the ones with SYN and FIN (3), SYN and RST
	// (6) or all three (7); and no flag at all (0); and FIN, PSH and URG (41).
	const uint64_t odd = UINT64_C(0xc8c8c8c8c8c8c8c8) | UINT64_C(1) << 0 | UINT64_C(1) << 41;

	return (odd >> (flags & 63) & 1) != 0;
}

// Control: what of its own an interface says about addresses of a kind, for checks to read.
void hygiene_derive(struct interface *iface);

// Is the source of what came by that interface ours, or behind a device of the machine that is no
// port? `way_back` is what the FIB says of it.
bool hygiene_is_own(const struct interface *iface, const struct ip_addr *src, uint16_t way_back);

// Is it the broadcast address of a subnet of ours (RFC 1812 4.2.3.1)?
bool hygiene_is_broadcast4(const struct snapshot *snap, uint32_t addr_be);
