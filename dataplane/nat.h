// SPDX-License-Identifier: BSD-3-Clause
// Translation: which address and port a new flow takes (RFC 4787, 5382, 5508), and how its packets
// are rewritten. The reply key of every flow is entered in the same table, so two flows can never
// share one, nor a translated port collide with one of the router's own. Worker threads.
#pragma once

#include "dataplane/flow_tuple.h"
#include "dataplane/worker.h"

// Chooses the source port for `original` when it leaves as `src`: its own if the reply key is
// free, else one of the same steering bucket, else any of this worker's. Fills `reply`, the key
// of the answers. False: none is free towards this remote.
bool nat_choose(struct worker *w, const struct flow_tuple *original, const struct ip_addr *src,
	struct flow_tuple *reply);

// Applies a direction's translation to a packet, checksums by difference (RFC 1624). TTL is left.
void nat_translate(const struct packet *p, const struct flow_dir *dir);
