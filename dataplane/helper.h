// SPDX-License-Identifier: BSD-3-Clause
// Helpers: protocols that announce another connection in their data, which nobody would let in
// otherwise. Off unless the policy names ports. A flow to one of them has FLOW_HAS_HELPER, and each
// of its packets takes the slow way through here; other flows pay nothing, and no first packet pays
// unless helpers are on. What is remembered of a TCP flow, its session, begins with the end of its
// handshake, so nobody takes one by an invented address. Worker threads.
#pragma once

#include "dataplane/expect.h"
#include "dataplane/nat_rules.h"
#include "dataplane/worker.h"

// Of one worker.
enum {
	HELPER_SESSIONS = 1024,	     // TCP flows that are helped at a time
	HELPER_SESSIONS_SHARE = 128, // of those of one host, or of all callers from outside
	HELPER_RELATED = 1024,	     // announced ones whose control connections are remembered
};

struct helper_sessions;

// Of one worker. NULL without memory.
struct helper_sessions *helper_sessions_new(void);
void helper_sessions_free(struct helper_sessions *sessions); // NULL is fine
uint64_t helper_sessions_bytes(void);

// --- first packets ---

// Was the flow of this packet announced? Then it goes to `to`, if it may begin.
__rte_noinline bool helper_expects(
	struct worker *w, const struct flow_tuple *packet, struct nat_destination *to);
// It begins, and this was the only one. False: another has begun meanwhile.
__rte_noinline bool helper_relate(struct worker *w, struct flow *flow);
// Where a live flow of that index of `owner`'s goes, if it was announced and what announced it
// might begin still, as `w` judges. Where that is not remembered, or its helper is off, it is a
// flow like others from now on.
bool helper_expected(struct worker *w, const struct worker *owner, const struct flow *flow,
	uint32_t index, struct nat_destination *to);
// `seen`: its first packet behind destination translation.
__rte_noinline void helper_flow_begun(
	const struct worker *w, struct flow *flow, const struct flow_tuple *seen);
void helper_flow_ending(struct worker *w, struct flow *flow);

// --- packets of a flow that is helped ---

// What its TCP sender acknowledges, as the other end counts. Network order.
uint32_t helper_ack_be(struct worker *w, const struct flow_dir *dir, uint32_t ack_be);
// The number of a segment that left in that direction, as its sender counts.
uint32_t helper_sent_seq_be(struct worker *w, const struct flow_dir *dir, uint32_t seq_be);
// Right before it is translated and sent in a packet of at most `mtu` bytes: reads it, rewrites it.
// False: it could not be, and was dropped.
bool helper_pass(struct worker *w, struct packet *p, struct flow_dir *dir, uint16_t mtu);
