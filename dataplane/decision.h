// SPDX-License-Identifier: BSD-3-Clause
// What routes and policy say of a flow: asked for its first packet, and again when either has
// changed. Rules may count, log and add to sets; nothing else is changed here. Worker threads.
#pragma once

#include "dataplane/flow_tuple.h"
#include "dataplane/nat_rules.h"
#include "dataplane/rules.h"
#include "dataplane/worker.h"

struct decision {
	struct flow_tuple seen; // behind destination translation: what is routed, and judged
	uint16_t code;		// the way out; NEXTHOP_LOCAL: the host stack
	uint8_t out_iface;	// FLOW_IFACE_HOST for the host stack; INTERFACE_NONE: no way
	bool is_dnated;		// the destination was translated
	bool changes_source;	// by `source`
	struct nat_source source;
	enum counter refused;	     // why it does not go; COUNTER_COUNT: it goes
	struct rule_verdict verdict; // where COUNTER_DROP_RULE: what its sender is told
};

// `in_iface`: where its first packet came in, FLOW_IFACE_HOST from the host stack; `known_iface`:
// by which that sent it; of a flow that is reviewed by which it left, so that one whose route is
// gone for a moment is judged as before and kept, `code` saying why it does not go now. `expected`:
// where it goes to, if a helper knew of it, else NULL. `subject` describes the packet, or the flow.
void decide(struct worker *w, const struct flow_tuple *original, uint8_t in_iface,
	uint8_t known_iface, const struct nat_destination *expected, struct rule_subject *subject,
	struct decision *d);

// The way for a direction of a flow: every packet of it is led the same one.
uint16_t decide_way(const struct worker *w, const struct flow_tuple *tuple);
// The interface that a nexthop code leads out by, or INTERFACE_NONE.
uint8_t decide_interface(const struct worker *w, uint16_t code);
// Would the answers of an untranslated flow show an inner address by that way? Its first packet
// came from inside with a source that belongs out there, so nobody translated it.
bool decide_leaks(const struct worker *w, const struct flow_dir *dir, uint16_t code);
