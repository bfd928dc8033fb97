// SPDX-License-Identifier: BSD-3-Clause
// What the FIB says of both ends of first packets: where they go, and where their sender is. Looked
// up side by side for all of a burst that have no flow: addresses that nobody has spoken to lie in
// lines of the FIB that no cache has, and waiting for one after the other was half of what a scan
// cost. Worker threads.
#pragma once

#include "dataplane/worker.h"

// Fills `way` and `way_back` of packets of one family, n <= BURST; codes of groups stay such.
void ways_find(const struct worker *w, struct packet *const *list, unsigned n, bool is_ip6);

static inline void ways_find_one(const struct worker *w, struct packet *p)
{
	ways_find(w, &p, 1, p->kind == PACKET_IP6);
}
