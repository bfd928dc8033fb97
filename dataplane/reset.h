// SPDX-License-Identifier: BSD-3-Clause
// TCP resets in the name of the host that a packet was sent to (RFC 9293 3.10.7.1), for what the
// firewall rejects, and of both ends of a flow that somebody ends. The former leave as the packet
// came: to the same neighbour, by the same interface, or up to the host stack. Limited in rate.
// Worker threads.
#pragma once

#include "dataplane/worker.h"

// Drops a packet as `reason` and resets its connection. It is TCP, its headers have been checked
// and nothing has been translated.
__rte_noinline void reset_answer(struct worker *w, struct packet *p, enum counter reason);
// The other end's: `reset` is as the packet's sender would have sent it, to be translated and sent
// by the caller. `seq`: what the other end expects of that sender. False: none, which is counted.
bool reset_onward(struct worker *w, const struct packet *p, uint32_t seq, struct packet *reset);
// As the sender of that direction of the flow would say it to the interface of that MAC: for the
// pipeline, as if it had been received. NULL: over the rate, or no buffer.
struct rte_mbuf *reset_of_flow(
	struct worker *w, const struct flow *flow, unsigned d, const struct rte_ether_addr *mac);
