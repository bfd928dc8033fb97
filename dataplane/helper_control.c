// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/helper_control.h"

#include "dataplane/decision.h"
#include "dataplane/firewall.h"

struct helper_control helper_control_of(const struct flow *flow)
{
	struct flow_tuple to = flow_tuple_translated(&flow->dir[0]);
	struct helper_control control = {
		.sent = flow_tuple_of(&flow->dir[0]),
		.seen = flow_tuple_of(&flow->dir[0]),
		.in_iface = flow->state.in_iface,
		.out_iface = flow->state.out_iface,
	};

	control.seen.dst = to.dst;
	control.seen.dport_be = to.dport_be;
	firewall_subject_of_flow(flow, &control.subject);
	return control;
}

bool helper_control_stands(struct worker *w, const struct helper_control *control)
{
	struct rule_subject subject = control->subject;
	struct decision d;

	decide(w,
		&(struct question){
			.original = &control->sent,
			.in_iface = control->in_iface,
			.known_iface = control->out_iface,
			.way = NEXTHOP_NONE,
		},
		&subject, &d);
	return d.refused == COUNTER_COUNT && flow_tuple_equal(d.seen, &control->seen);
}
