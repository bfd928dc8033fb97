// SPDX-License-Identifier: BSD-3-Clause
// Room for a flow that is about to begin: the limit of its host, a full table (flow_shares.h says
// who gives way), and what control is told of either. Worker threads.
#pragma once

#include "dataplane/worker.h"

// A new flow that counts for whoever sends by that interface; `from_host`: for the router itself.
// NULL, with the reason to drop the packet by, when it may not begin.
__rte_noinline struct flow *flow_room_take(struct worker *w, const struct ip_addr *src,
	uint8_t iface, bool from_host, enum counter *refused);
// What that would say of one at this moment; COUNTER_COUNT: there is room. Only looks, also at
// another thread's worker.
enum counter flow_room_refuses(
	const struct worker *w, const struct ip_addr *src, uint8_t iface, bool from_host);
