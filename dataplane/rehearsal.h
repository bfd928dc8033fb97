// SPDX-License-Identifier: BSD-3-Clause
// A worker that only rehearses: control's own, without a thread. It walks packets through the same
// functions as the others, with the routes, neighbours and sets in force, and the policy in force
// or another one, but what it writes is its own: its flow table is empty but for copies that it is
// lent, its events go nowhere, its buffers are never flushed, and rates are looked at and not
// taken. What shares one word with the workers it only reads. Control thread.
#pragma once

#include "dataplane/compiled_policy.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/ruleset.h"

struct rehearsal {
	struct dataplane *dp;
	struct dataplane view; // what the worker takes for the dataplane
	struct worker *w;
	struct snapshot snap; // copies of what is in force, whose parts are shared but for what
	struct compiled_policy policy; // is counted and taken
	struct ruleset rules;
	const struct compiled_policy *of; // the copy; NULL: there is none yet
	struct rules_state counts;
};

// Of the dataplane, made when first asked for. NULL without memory.
struct rehearsal *rehearsal_of(struct dataplane *dp);
void rehearsal_free(struct rehearsal *r); // NULL is fine

// Before each packet: as that worker, up to date, empty. `policy`: NULL for the one in force; who
// names another one calls rehearsal_leave before that ends. False: no memory.
bool rehearsal_begin(struct rehearsal *r, uint16_t index, const struct compiled_policy *policy);
void rehearsal_leave(struct rehearsal *r);
// A copy of another worker's flow as it is at a glance. False: there is none.
bool rehearsal_look(const struct flow *flow, struct flow *copy);
// It has that flow of another worker's now: a copy, as it is at a glance. NULL is fine.
void rehearsal_lend(struct rehearsal *r, const struct flow *flow);
// Of the worker that it stands for: whose outside endpoint the packet calls, if that lets anybody
// in.
void rehearsal_lend_called(struct rehearsal *r, const struct flow_tuple *packet);
// What a helper expects, if it expects this packet.
void rehearsal_lend_expected(struct rehearsal *r, const struct flow_tuple *packet);
// A packet of these bytes, or NULL.
struct rte_mbuf *rehearsal_packet(const uint8_t *frame, uint16_t bytes);
// Takes ownership of `m`. Where it ended is the worker's to show, until rehearsal_clear.
void rehearsal_walk(struct rehearsal *r, uint8_t iface, struct rte_mbuf *m, bool is_from_host);
// So that another packet may walk, with the same lent: what the last one has begun ends, NULL is
// fine.
void rehearsal_undo(struct rehearsal *r, struct flow *begun);
// What it was lent is forgotten, and what that expected.
void rehearsal_forget(struct rehearsal *r);
// All that it has is freed.
void rehearsal_clear(struct rehearsal *r);
