// SPDX-License-Identifier: BSD-3-Clause
// Neighbours between the kernel, which resolves them by ARP and ND (RFC 826, 4861), and the
// workers, which need their MACs. What may be asked for is decided in neighbour_table.c.
// Control thread.
#pragma once

#include "control/interfaces.h"
#include "control/neighbour_limits.h"
#include "control/neighbour_table.h"

struct neighbours {
	struct neighbour_table *table;
	struct interfaces *interfaces;
	struct netlink *netlink;
	unsigned n_probed; // in this round of neighbours_keep_fresh
	// The kernel has another MAC for it, or none any more (NULL). May be NULL.
	void (*changed)(
		void *ctx, int interface, const struct ip_addr *addr, const struct mac_addr *mac);
	void *changed_ctx;
};

int neighbours_init(struct neighbours *neighbours, struct interfaces *interfaces,
	struct netlink *netlink, const struct neighbour_limits *limits, struct error *err);
void neighbours_fini(struct neighbours *neighbours);

// DP_EVENT_NEIGHBOUR_WANTED.
void neighbours_want(
	struct neighbours *neighbours, int interface, const struct ip_addr *addr, uint64_t now_ms);
// Asks it whether it is there, also when it is known; neighbour.confirmed_ms is then when it said
// so.
void neighbours_probe(struct neighbours *neighbours, int interface, const struct ip_addr *addr);
// Every second: ends questions without an answer.
void neighbours_expire(struct neighbours *neighbours, uint64_t now_ms);
// Every 5 s: has the kernel probe those stale ones that traffic uses. The others are left to its
// own ageing.
void neighbours_keep_fresh(struct neighbours *neighbours);

// Has the kernel forget it: who sends there next asks for it anew. 0, or -1.
int neighbours_forget(
	const struct neighbours *neighbours, int interface, const struct ip_addr *addr);

// For netlink: RTM_NEWNEIGH and RTM_DELNEIGH.
struct netlink_handler neighbours_handler(struct neighbours *neighbours);
