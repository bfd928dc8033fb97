// SPDX-License-Identifier: BSD-3-Clause
// Reverse path forwarding (RFC 3704): does the way back to a source lead where its packet came in?
// Asked of a flow's first packet only: an answer on the uplink that its question left by is never
// asked, whatever the routes say. What has no way back by nature, link-local sources and hosts
// without an address yet, is the caller's to let by (hygiene.c). Worker threads.
#pragma once

#include "dataplane/worker.h"

// How the way back (nexthop code) and the interface must agree:
//
//                                 strict     feasible            loose
//   out by that interface         yes        yes                 yes
//   a group, one member is        yes        yes                 yes
//   out by another one            no         if both outside,    yes
//                                            or it is on-link
//   up to the host stack          no         no                  yes
//   unreachable, blackhole, none  no         no                  no
//
// Strict (RFC 3704 2.2) goes by the FIB's best route, as Linux, VPP and Junos with active-paths do;
// the members of an ECMP group are equally good, as for them all.
//
// Feasible (2.3) wants "the alternative paths (if any)" as well. The FIB knows none. Where a router
// of our kind has some it has several uplinks, each with a default route that could lead to any
// source of the internet: so all outside interfaces stand for each other, for sources beyond any of
// them. A source in a subnet of the interface itself counts too, though another way may be better.
// Not seen is a worse route between inside interfaces. For that control would have to hand in with
// each route (struct dp_route) the interfaces of all routes to the same prefix that it did not
// choose, a set of 64 bits that rib.c has at hand, kept beside the nexthop code. RFC 8704's wider
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

// May a packet that goes by this code leave by that interface?
bool reverse_path_leaves_by(const struct worker *w, uint16_t code, uint8_t iface);
