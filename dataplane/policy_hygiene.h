// SPDX-License-Identifier: BSD-3-Clause
// The checks on what comes in, before anything else: bits, a set of them for each interface. Part
// of policy.h; apart, so that who judges packets needs no more of it.
#pragma once

enum dp_hygiene {
	DP_HYGIENE_TCP_FLAGS = 1 << 0, // SYN+FIN, SYN+RST, all, none
	DP_HYGIENE_TCP_MSS = 1 << 1,   // a SYN that announces less than 500 bytes
	DP_HYGIENE_TCP_NEW = 1 << 2,   // a connection that begins without SYN
	DP_HYGIENE_OWN_SOURCE = 1 << 3,
	DP_HYGIENE_MARTIAN = 1 << 4, // RFC 6890
	DP_HYGIENE_LAND = 1 << 5,    // source is destination
	DP_HYGIENE_BROADCAST_SOURCE = 1 << 6,
	DP_HYGIENE_ROUTING_HEADER = 1 << 7, // IPv6 type 0 (RFC 5095)
	DP_HYGIENE_PRIVATE_OUT = 1 << 8,    // private destinations towards the internet: rejected
	DP_HYGIENE_RPF_STRICT = 1 << 9,	    // at most one of these three
	DP_HYGIENE_RPF_FEASIBLE = 1 << 10,
	DP_HYGIENE_RPF_LOOSE = 1 << 11,
};
