// SPDX-License-Identifier: BSD-3-Clause
// Which worker owns a packet's flow, for packets that no card has steered: by our side's port
// (drivers/steering.h), else by the remote address. A packet of another's goes to its inbox. What
// ports do not tell, the answers between two inside networks and those of a port forward, is sought
// in the other workers' tables.
#pragma once

#include "dataplane/worker.h"

// The worker for a parsed packet with its key filled. `is_outside` is the side of the
// interface that it came in by; for what the host stack sends, the side it leaves by and true
// for `from_host`.
uint16_t owner_of(const struct packet *p, bool is_outside, bool from_host, uint16_t n_workers);

// True: it is ours. False: it was handed over, or dropped and counted.
bool owner_keep(struct worker *w, struct packet *p);
// A packet whose hash is known and whose flow is not here: true if it was handed over to a worker
// that seems to have it.
bool owner_went_home(struct worker *w, const struct packet *p);
// The other worker that seems to have a flow with a key of that hash; -1: none.
__rte_noinline int owner_elsewhere(const struct worker *w, uint64_t hash);
// For a worker's inbox, in this order, when owner_flush is called. Takes ownership.
void owner_hand_over(
	struct worker *w, uint16_t to, struct rte_mbuf *m, enum inbox_kind kind, uint8_t iface);
// Puts what was handed over to one worker into its inbox.
void owner_flush_to(struct worker *w, uint16_t to);

static inline void owner_flush(struct worker *w)
{
	while (unlikely(w->handover_pending != 0))
		owner_flush_to(w, (uint16_t)__builtin_ctzll(w->handover_pending));
}
