// SPDX-License-Identifier: BSD-3-Clause
// Reverse path forwarding (RFC 3704): does the way back to a source lead where its packet came in?
// Asked of a flow's first packet, and of those that come by another interface than its others: an
// answer on the uplink that its question left by is never asked, whatever the routes say. What has
// no way back by nature, link-local sources and hosts without an address yet, is the caller's to
// let by (hygiene.c). Worker threads.
#pragma once

#include "dataplane/worker.h"

// How the way back (nexthop code) and the interface must agree:
//
//                                 strict     feasible            loose
//   out by that interface         yes        yes                 yes
//   a group, one member is        yes        yes                 yes
//   out by another one            no         if a worse route    yes
//                                            is by it, both are
//                                            outside, or it is
//                                            on-link
//   up to the host stack          no         no                  yes
//   unreachable, blackhole, none  no         no                  no
//
// Strict (RFC 3704 2.2) goes by the FIB's best route, as Linux, VPP and Junos with active-paths do;
// the members of an ECMP group are equally good, as for them all.
//
// Feasible (2.3) wants "the alternative paths (if any)" as well: those of all routes to the prefix
// that were not chosen, whatever their metric. Control hands their interfaces in with the best one
// (dp_route.alternatives), and they stand in its group of nexthops; for NEXTHOP_GROUPS_OF_ONE_MAX
// prefixes, beyond which worse routes are not seen. And where a router of our kind has several
// uplinks, each could lead to any source of the internet, whether or not a default route says so at
// the moment: all outside interfaces stand for each other, for sources beyond any of them. A source
// in a subnet of the interface itself counts too, though another way may be better. A shorter
// prefix is no alternative: by that the default route would let every source in. RFC 8704's wider
// sets are made from BGP announcements and serve transit networks.
//
// Loose (2.4): any route, the default one too. Without defaults (2.5) is not offered: a code does
// not tell which prefix it came from, and behind a default route it would refuse the internet.
//
// The host stack's code stands for our own addresses and for networks behind the machine's other
// devices (rib.h): their packets come from a TAP, never from a port.
enum reverse_path {
	REVERSE_PATH_STRICT = 0,
	REVERSE_PATH_FEASIBLE,
	REVERSE_PATH_LOOSE,
};

// `way_back` is what the FIB, or a policy route in its place, says of `src`.
bool reverse_path_accepts(const struct worker *w, enum reverse_path mode, uint8_t iface,
	const struct ip_addr *src, uint16_t way_back);

// The same of any code: groups, and what is connected.
bool reverse_path_leads_by(const struct worker *w, uint16_t code, uint8_t iface);

// May a packet that goes by this code leave by that interface? Most go by a neighbour.
static inline bool reverse_path_leaves_by(const struct worker *w, uint16_t code, uint8_t iface)
{
	if (likely(nexthop_is_adjacency(code)))
		return w->adjacencies[code - NEXTHOP_ADJACENCY_BASE].iface == iface;
	return reverse_path_leads_by(w, code, iface);
}
