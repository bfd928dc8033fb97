// SPDX-License-Identifier: BSD-3-Clause
// Packets that wait while a neighbour is resolved: a few for each neighbour, some for each sender,
// bounded in all, so that who scans a large subnet cannot take the room of others (RFC 1122
// 2.3.2.2, RFC 4861 7.2.2, RFC 6583 6.1). Worker threads.
#pragma once

#include "dataplane/worker.h"

// How long the kernel asks before it gives up: three times, a second apart.
enum { HOLD_TIMEOUT_MS = 3000, HOLD_ASK_AGAIN_MS = 1000 };

// Takes ownership and asks control for the neighbour. `in_iface` is where the packet came in, for
// the ICMP error if the neighbour never answers; only who is not of this machine gets one.
void hold_packet(struct worker *w, struct rte_mbuf *m, uint8_t iface, const struct ip_addr *addr,
	uint8_t in_iface, enum hold_kind kind);
// Once a millisecond, and at the top of a turn that knows new neighbours: sends what can go, gives
// up what waited too long.
void hold_tick(struct worker *w);
// Those that came in by an interface of these, bits 1 << id, or were to leave by one: it has gone.
void hold_drop_interfaces(struct worker *w, uint64_t ids);
void hold_free_all(struct worker *w);
