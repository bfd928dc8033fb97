// SPDX-License-Identifier: BSD-3-Clause
// What routes and policy say of a flow: asked for its first packet, and again when either has
// changed. Rules may count, log and add to sets; nothing else is changed here. Worker threads.
#pragma once

#include "dataplane/flow_tuple.h"
#include "dataplane/nat_rules.h"
#include "dataplane/rules.h"
#include "dataplane/worker.h"

struct question {
	const struct flow_tuple *original;
	uint8_t in_iface; // where its first packet came in; FLOW_IFACE_HOST: from the host stack
	// By which that sent it; of a flow that is reviewed by which it left, so that one whose
	// route is gone for a moment is judged as before and kept, `code` saying why it does not go
	// now.
	uint8_t known_iface;
	uint16_t way; // what the FIB says of original->dst; NEXTHOP_NONE: it has not been asked
	const struct nat_destination *expected; // where it goes, if a helper knew of it; or NULL
};

struct decision {
	const struct flow_tuple *seen; // behind destination translation: what is routed, and judged
	struct flow_tuple translated;  // what that is, if `is_dnated`; else the question's own
	uint16_t code;		       // the way out; NEXTHOP_LOCAL: the host stack
	uint8_t out_iface;	       // FLOW_IFACE_HOST for the host stack; INTERFACE_NONE: no way
	bool is_dnated;		       // the destination was translated
	bool changes_source;	       // by `source`
	struct nat_source source;
	enum counter refused;	     // why it does not go; COUNTER_COUNT: it goes
	struct rule_verdict verdict; // where COUNTER_DROP_RULE: what its sender is told
};

// `subject` describes the packet, or the flow; its ends and its way are filled in.
void decide(struct worker *w, const struct question *q, struct rule_subject *subject,
	struct decision *d);
// The way for a direction of a flow: every packet of it is led the same one.
uint16_t decide_way(const struct worker *w, const struct flow_tuple *tuple);
// The interface that a nexthop code leads out by, or INTERFACE_NONE.
uint8_t decide_interface(const struct worker *w, uint16_t code);
// What dataplane_reply_way_set said of an interface; NEXTHOP_NONE: nothing.
uint16_t decide_own_way(const struct worker *w, uint8_t iface, uint8_t family);

// The way of a flow's answers: `tuple` is theirs, as they leave. What came in by an uplink goes
// back by it, whichever is the better one now.
uint16_t decide_way_back(
	const struct worker *w, const struct flow *flow, const struct flow_tuple *tuple);

// Would the answers of an untranslated flow show an inner address by that way? Its first packet
// came from inside with a source that belongs out there, so nobody translated it.
bool decide_leaks(const struct worker *w, const struct flow_dir *dir, uint16_t code);
