// SPDX-License-Identifier: BSD-3-Clause
// The workers' side of a capture: packets that its filter keeps are copied into a ring of the
// worker's own, which control empties. Nothing waits: what finds no room is lost by name, and a
// worker without time to spare lets packets go by unseen, by name. Worker threads.
#pragma once

#include "dataplane/worker.h"

struct capture;

// A burst begins: what of the time since the last one captures may take, all of them together.
void capture_earn(struct worker *w);
// At most BURST packets, received by `iface` or on their way out by it, now by the observer's
// clock.
void capture_look(struct worker *w, struct capture *capture, enum dp_capture_kind kind,
	uint8_t iface, struct rte_mbuf *const *pkts, unsigned n);
void capture_look_at_drop(struct worker *w, struct capture *capture, uint8_t iface,
	const struct rte_mbuf *m, enum counter reason);
