// SPDX-License-Identifier: BSD-3-Clause
// What routes and policy say of a flow: asked for its first packet, and again when either has
// changed. Nothing here changes anything. Worker threads.
#pragma once

#include "dataplane/flow_tuple.h"
#include "dataplane/worker.h"

struct decision {
	uint16_t code;	      // the way out; NEXTHOP_LOCAL: the host stack
	uint8_t out_iface;    // FLOW_IFACE_HOST for the host stack; INTERFACE_NONE: no way
	struct ip_addr src;   // as which it leaves
	enum counter refused; // why not; COUNTER_COUNT: it goes
};

// `iface`: where its first packet came in, or, from the host, by which it leaves.
struct decision decide(
	const struct worker *w, const struct flow_tuple *original, uint8_t iface, bool from_host);

// The way for a direction of a flow: every packet of it is led the same one.
uint16_t decide_way(const struct worker *w, const struct flow_tuple *tuple);

// Who is outside that interface may not begin anything with this address: its own packets would be
// translated on their way out.
bool decide_is_hidden(const struct snapshot *snap, uint8_t iface, const struct ip_addr *addr);
// Would a packet of this source be translated if it left by that nexthop?
bool decide_would_translate(const struct worker *w, uint16_t code, const struct ip_addr *src);
