// SPDX-License-Identifier: BSD-3-Clause
// What the parts of explain.c share while one packet is explained. Control thread.
#pragma once

#include "dataplane/decision.h"
#include "dataplane/explain.h"
#include "dataplane/rehearsal.h"

struct explaining {
	struct rehearsal *r;
	const struct dp_explain *ask;
	struct dp_explanation *out;
	struct packet p; // a copy of the packet, parsed; its key is filled where `out->is_ip`
	struct flow_tuple original;
	bool is_keyed;
};

// --- explain_why.c: asked by the same questions as in the walk ---

// What a first packet is asked, up to the policy's decision. False: it is asked no more.
bool explain_first(struct explaining *e, struct decision *d);
// What a live flow is asked when it is judged again.
void explain_flow(struct explaining *e, const struct flow *flow);
// And each of its packets where rules limit them.
void explain_rated(struct explaining *e, const struct flow_dir *dir);
// What goes to the host stack by its kind alone.
void explain_group(struct explaining *e);

// --- explain_fate.c ---

// What has become of the packet that has just walked.
void explain_fate(struct explaining *e);
// It began a flow there: would it have had room at its own worker?
void explain_room(struct explaining *e, const struct flow *begun);
