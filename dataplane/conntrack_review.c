// SPDX-License-Identifier: BSD-3-Clause
// A flow that was judged under another policy, or other routes, is judged again by its next packet:
// it goes on, waits, or is cut, and who needs to hear of that does.
#include "dataplane/conntrack_private.h"
#include "dataplane/firewall.h"
#include "dataplane/helper.h"
#include "dataplane/host.h"
#include "dataplane/nat.h"
#include "dataplane/nat_port.h"
#include "dataplane/pipeline.h"
#include "dataplane/pipeline_forward.h"
#include "dataplane/reset.h"

// Does it still go from the same to the same, as it began?
static bool is_unchanged(const struct flow *flow, const struct decision *d)
{
	struct flow_tuple now = flow_tuple_translated(&flow->dir[0]);
	bool was_local = flow->state.out_iface == FLOW_IFACE_HOST;

	if (was_local != (d->out_iface == FLOW_IFACE_HOST) ||
		!ip_addr_equal(&now.dst, &d->seen->dst))
		return false;
	// a query's identifier stands in both ports, and its source's may have been changed
	if (now.kind == FLOW_KEY_PLAIN && now.dport_be != d->seen->dport_be)
		return false;
	return d->changes_source ? nat_port_pool_has(&d->source, &now.src)
				 : ip_addr_equal(&now.src, &d->seen->src);
}

// Of a connection that is cut: the way to the other end, as the packet at hand would have gone. By
// the uplink whose address it knows, whichever is used now.
static uint16_t way_onward(
	const struct worker *w, const struct flow_dir *dir, const struct flow_tuple *to)
{
	const struct flow *flow = flow_of(dir);
	uint16_t own;

	if (dir->flags & FLOW_IS_REPLY)
		return decide_way_back(w, flow, to);
	own = decide_own_way(w, flow->state.out_iface, to->dst.family);
	return own != NEXTHOP_NONE ? own : decide_way(w, to);
}

// The sender of the packet at hand is answered, and the other end would wait for him. Sent as his
// next segment would have been.
static void reset_other_end(struct worker *w, const struct packet *p, struct flow_dir *dir)
{
	struct packet reset;
	struct flow_tuple to;
	uint16_t way;

	if (!reset_onward(w, p, dir->tcp_end, &reset) ||
		((dir->flags & FLOW_HAS_HELPER) && !helper_pass(w, &reset, dir, reset.ip_len)))
		return;
	nat_translate(&reset, dir);
	to = flow_tuple_translated(dir);
	way = way_onward(w, dir, &to);
	if (dir->flags & FLOW_TO_HOST)
		host_punt(w, (uint8_t)p->iface, reset.m, COUNTER_PUNT_LOCAL);
	else if (conntrack_leaves_as_host_said(dir))
		pipeline_send_host(w, (uint8_t)p->iface, reset.m);
	else if (decide_leaks(w, dir, way))
		worker_drop(w, reset.m, COUNTER_DROP_REVERSE_PATH);
	else if (p->kind == PACKET_IP6)
		pipeline_send6(w, reset.m, way);
	else
		pipeline_send4(w, reset.m, way);
}

// Of a connection under way: with another translation it is another one, which has not begun.
static bool is_midway(const struct packet *p)
{
	return p->protocol == IPPROTO_TCP && !(p->flags & PACKET_IS_FRAGMENT) &&
	       !(p->tcp_flags & (RTE_TCP_SYN_FLAG | RTE_TCP_RST_FLAG));
}

// What a connection was translated to is ours no more, for all that is known, unless an uplink
// still leads out from it: nobody else's way is for that address.
static bool knows_way_onward(const struct worker *w, const struct flow_dir *dir)
{
	struct flow_tuple from = flow_tuple_of(dir), to = flow_tuple_translated(dir);

	return (dir->flags & (FLOW_IS_REPLY | FLOW_TO_HOST)) || ip_addr_equal(&from.src, &to.src) ||
	       decide_own_way(w, flow_of(dir)->state.out_iface, to.dst.family) != NEXTHOP_NONE;
}

// Is a connection that does not stand to be reset at both ends, now that one of them speaks?
static bool is_told(const struct worker *w, const struct packet *p, const struct flow_dir *dir,
	const struct decision *d)
{
	if (d->refused == COUNTER_DROP_RULE)
		return firewall_resets(p, &d->verdict);
	return d->refused == COUNTER_COUNT && is_midway(p) && knows_way_onward(w, dir);
}

bool conntrack_stands(struct worker *w, const struct flow *flow, const struct flow_tuple *original,
	const struct nat_destination *expected, struct rule_subject *subject, struct decision *d)
{
	firewall_subject_of_flow(flow, subject);
	decide(w,
		&(struct question){
			.original = original,
			.in_iface = flow->state.in_iface,
			.known_iface = flow->state.out_iface,
			.way = NEXTHOP_NONE,
			.expected = expected,
		},
		subject, d);
	return d->refused == COUNTER_COUNT && is_unchanged(flow, d);
}

struct flow_dir *conntrack_review(struct worker *w, struct packet *p, struct flow_dir *dir)
{
	struct flow *flow = flow_of(dir);
	struct flow_tuple original = flow_tuple_of(&flow->dir[0]);
	struct rule_subject subject;
	struct nat_destination expected;
	struct decision d;
	bool is_expected = helper_expected(w, w, flow, flow_index(&w->flows, flow), &expected);

	if (!conntrack_stands(w, flow, &original, is_expected ? &expected : NULL, &subject, &d)) {
		if (conntrack_waits(&d)) {
			worker_drop(w, p->m, d.refused);
			return NULL;
		}
		worker_count(w, COUNTER_FLOW_CUT);
		if (is_told(w, p, dir, &d))
			reset_other_end(w, p, dir);
		conntrack_end(w, flow);
		if (d.refused == COUNTER_COUNT && is_midway(p)) {
			reset_answer(w, p, COUNTER_DROP_TCP_NEW); // or he tries for minutes
			return NULL;
		}
		if (d.refused != COUNTER_DROP_RULE)
			return conntrack_open_anew(w, p);
		firewall_refuse(w, p, &d.verdict);
		return NULL;
	}
	flow->state.out_iface = d.out_iface;
	conntrack_note_iface(&flow->dir[1], d.out_iface);
	flow->state.mark = d.verdict.mark;
	conntrack_rate(flow, &subject, &d);
	if (!(dir->flags & FLOW_IS_REPLY)) {
		dir->nexthop = d.code;
	} else if (!(dir->flags & (FLOW_TO_HOST | FLOW_FROM_HOST))) {
		struct flow_tuple back = flow_tuple_translated(dir);

		dir->nexthop = decide_way_back(w, flow, &back);
		if (decide_leaks(w, dir, dir->nexthop)) {
			worker_drop(w, p->m, COUNTER_DROP_REVERSE_PATH);
			return NULL;
		}
	}
	dir->epoch = w->epoch;
	return dir;
}
