// SPDX-License-Identifier: BSD-3-Clause
// What let a control connection begin: remembered for the data connections that it announces, which
// are related only as long as it might begin again. It may be another worker's, and they may
// outlive it, so it is not asked itself. Worker threads.
#pragma once

#include "dataplane/flow_tuple.h"
#include "dataplane/rules.h"

struct worker;

struct helper_control {
	struct flow_tuple sent, seen; // before and behind destination translation
	uint8_t in_iface, out_iface;
	struct rule_subject subject;
};

struct helper_control helper_control_of(const struct flow *flow);
// Would rules, routes and destination translation still let it begin as it did?
bool helper_control_stands(struct worker *w, const struct helper_control *control);
