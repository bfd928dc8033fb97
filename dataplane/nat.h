// SPDX-License-Identifier: BSD-3-Clause
// Translation: which address and port a new flow takes, and how its packets are rewritten (RFC
// 4787, 5382, 5508). Mappings are endpoint-independent: all flows of one address, port and
// protocol of the inside leave as the same one of the outside, for as long as one of them lives.
// Every flow's reply key is in the same table, so no two flows ever share one. Worker threads.
#pragma once

#include "dataplane/flow_tuple.h"
#include "dataplane/nat_port.h"
#include "dataplane/nat_rules.h"
#include "dataplane/worker.h"

// As what a flow leaves.
struct nat_choice {
	struct nat_reply reply;
	struct flow_endpoint usual; // outside, that its inside endpoint is expected to have
	uint64_t usual_hash;
	struct flow *head; // of its inside endpoint's mapping; NULL: it begins one
	bool is_own;	   // an outside endpoint that nobody holds
	uint32_t n_ended;  // of the table, then: whoever ends may have been the head
};

// For `packet`, a flow's first one behind its destination translation: the outside endpoint that
// its inside endpoint has already, else one of its own (nat_port.h). False: none is free towards
// this remote (COUNTER_DROP_NAT_NO_PORT is the caller's to count), or `source` has no address.
__rte_noinline bool nat_choose(struct worker *w, const struct flow_tuple *packet,
	const struct nat_source *source, struct nat_choice *out);

// Once the flow is entered under both its keys, and before it is removed. Between nat_choose and
// nat_flow_entered other flows may end (evicted), and none may begin.
void nat_flow_entered(struct worker *w, struct flow *flow, const struct nat_source *source,
	const struct nat_choice *choice);
// The same of a copy of a flow that had these names (FLOW_HAS_EXTERNAL, FLOW_HAS_INTERNAL).
void nat_flow_lent(struct worker *w, struct flow *flow, uint8_t names);
void nat_flow_ending(struct worker *w, struct flow *flow);

// A packet that no flow knows: the inside endpoint (`inside`: its address and port) that its
// destination is mapped to, if its mapping lets anybody in (endpoint-independent filtering, RFC
// 4787 REQ-8). Its flow, or NULL; never of the router itself. Destination rules are asked before.
struct flow *nat_find_mapping(
	const struct worker *w, const struct flow_tuple *packet, struct flow_endpoint *inside);
// The same, of whichever worker's mapping: from inside one is also called that another holds.
bool nat_find_called(
	const struct worker *w, const struct flow_tuple *packet, struct flow_endpoint *inside);

// Applies a direction's translation to a packet, checksums by difference (RFC 1624). TTL is left.
void nat_translate(const struct packet *p, const struct flow_dir *dir);
