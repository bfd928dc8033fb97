// SPDX-License-Identifier: BSD-3-Clause
// Where packets arrive, leave and end: those who look at them (observers.h) are shown each.
// Called only while w->observers is not NULL. Worker threads.
#pragma once

#include "dataplane/worker.h"

// A turn begins: what ends now has waited, or was made here.
void observe_turn(struct worker *w);
// A burst begins of which nobody knows yet by which interfaces it came in.
void observe_unclaimed(struct worker *w);
// A burst begins that came in by `iface`, or goes out by it from the host stack. `is_rx`: fresh
// from a port; else it is only noted where drops come from.
void observe_arrive(
	struct worker *w, uint8_t iface, struct rte_mbuf *const *pkts, unsigned n, bool is_rx);
// On its way to the port.
void observe_leave(struct worker *w, uint8_t iface, struct rte_mbuf *const *pkts, unsigned n);
// Which did not take them.
void observe_unsent(struct worker *w, uint8_t iface, struct rte_mbuf *const *pkts, unsigned n,
	enum counter reason);
