// SPDX-License-Identifier: BSD-3-Clause
// ICMP and ICMPv6 errors the router makes itself (RFC 792, 1122 3.2.2, 1191, 1812 4.3, 4443).
// Never about an ICMP error, a later fragment, a broadcast or multicast (of layer 2 or 3), or a
// source that is no single host; rate-limited, with a budget of its own for what path MTU
// discovery needs. Worker threads.
#pragma once

#include "dataplane/worker.h"

enum icmp_error_kind {
	ICMP_ERROR_TTL = 0,    // time exceeded in transit
	ICMP_ERROR_NO_ROUTE,   // v4: network unreachable, v6: no route
	ICMP_ERROR_HOST,       // v4: host unreachable, v6: address unreachable
	ICMP_ERROR_PORT,       // port unreachable
	ICMP_ERROR_PROHIBITED, // v4: 13, v6: 1: communication administratively prohibited
	ICMP_ERROR_TOO_BIG,    // v4: fragmentation needed, v6: packet too big; `mtu` goes along
	ICMP_ERROR_SCOPE,      // v6 only: beyond scope of source address
};

// Drops `m` as `reason` and answers its source, if the RFCs let it. `in_iface` is where it came
// in: the error's source address is that interface's. The packet is as it was received, its IP
// header checked. `mtu` is for TOO_BIG only.
void icmp_error4(struct worker *w, uint8_t in_iface, struct rte_mbuf *m, enum icmp_error_kind kind,
	uint16_t mtu, enum counter reason);
void icmp_error6(struct worker *w, uint8_t in_iface, struct rte_mbuf *m, enum icmp_error_kind kind,
	uint16_t mtu, enum counter reason);
