// SPDX-License-Identifier: BSD-3-Clause
// What the files of conntrack share.
#pragma once

#include "dataplane/conntrack.h"
#include "dataplane/decision.h"

// The interface that a direction's packets come in by.
static inline void conntrack_note_iface(struct flow_dir *dir, uint8_t iface)
{
	uint16_t bits = iface == FLOW_IFACE_HOST ? 0 : (uint16_t)(iface << FLOW_IFACE_SHIFT);

	dir->flags = (uint16_t)((dir->flags & ~FLOW_IFACE_MASK) | bits);
}

// One ping of many packets is one flow, but "5/s" means its packets.
static inline void conntrack_rate(
	struct flow *flow, const struct rule_subject *subject, const struct decision *d)
{
	flow->state.flags &= (uint8_t)~FLOW_IS_RATED;
	if (!subject->has_icmp || !d->verdict.asked_rate)
		return;
	flow->state.flags |= FLOW_IS_RATED;
	flow->dir[0].flags |= FLOW_WATCH;
}

// In the place of a flow that has just ended: as conntrack_open.
struct flow_dir *conntrack_open_anew(struct worker *w, struct packet *p);
