// SPDX-License-Identifier: BSD-3-Clause
// The workers' side of a capture: where packets arrive, leave and end, those that its filter keeps
// are copied into a ring of the worker's own, which control empties. Nothing waits: what finds no
// room is lost by name, and a worker without time to spare lets packets go by unseen, by name.
// Called only while w->capture is not NULL. Worker threads.
#pragma once

#include "dataplane/worker.h"

// A turn begins: what ends now has waited, or was made here.
void capture_turn(struct worker *w);
// A burst begins that came in by `iface`, or goes out by it from the host stack. `is_rx`: fresh
// from a port; else it is only noted where drops come from.
void capture_arrive(
	struct worker *w, uint8_t iface, struct rte_mbuf *const *pkts, unsigned n, bool is_rx);
// On its way to the port.
void capture_leave(struct worker *w, uint8_t iface, struct rte_mbuf *const *pkts, unsigned n);
// Which did not take them.
void capture_unsent(struct worker *w, uint8_t iface, struct rte_mbuf *const *pkts, unsigned n,
	enum counter reason);
