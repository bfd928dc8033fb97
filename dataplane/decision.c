// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/decision.h"

#include "dataplane/compiled_policy.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/firewall.h"
#include "dataplane/hygiene.h"
#include "dataplane/nat.h"
#include "dataplane/pipeline_forward.h"

uint8_t decide_interface(const struct worker *w, uint16_t code)
{
	if (nexthop_is_adjacency(code))
		return w->adjacencies[code - NEXTHOP_ADJACENCY_BASE].iface;
	if (nexthop_is_connected(code))
		return (uint8_t)(code - NEXTHOP_CONNECTED_BASE);
	return INTERFACE_NONE;
}

// Of a flow's own key, not of the packet at hand: both directions and every packet of a flow must
// be led the same way.
static uint32_t tuple_path_hash(const struct flow_tuple *tuple)
{
	uint64_t words[4] = {0}, ports;

	memcpy(words, tuple->src.bytes, 16);
	memcpy(words + 2, tuple->dst.bytes, 16);
	ports = (uint64_t)tuple->dport_be << 16 | tuple->sport_be;
	return path_hash(words[0] << 32 ^ words[1] ^ flow_mix(words[2], words[3] + 1),
		ports << 8 | tuple->protocol);
}

static uint16_t member_of(const struct worker *w, uint16_t code, const struct flow_tuple *tuple)
{
	return nexthop_is_group(code) ? nexthop_resolve(w->fib, code, tuple_path_hash(tuple))
				      : code;
}

uint16_t decide_way(const struct worker *w, const struct flow_tuple *tuple)
{
	uint16_t code = tuple->dst.family == IP_V6 ? fib_lookup6(w->fib, tuple->dst.v6)
						   : fib_lookup4(w->fib, ip4_be_of(&tuple->dst));

	return member_of(w, code, tuple);
}

uint16_t decide_own_way(const struct worker *w, uint8_t iface, uint8_t family)
{
	return iface >= DP_INTERFACES_MAX
		       ? NEXTHOP_NONE
		       : atomic_load_explicit(
				 &w->dp->reply_ways[iface][family == IP_V6], memory_order_relaxed);
}

uint16_t decide_way_back(
	const struct worker *w, const struct flow *flow, const struct flow_tuple *tuple)
{
	uint8_t in_iface = flow->state.in_iface, out_iface;
	uint16_t code = decide_way(w, tuple);
	uint16_t own = decide_own_way(w, in_iface, tuple->dst.family);

	if (likely(own == NEXTHOP_NONE))
		return code;
	out_iface = decide_interface(w, code);
	if (out_iface == in_iface ||
		decide_own_way(w, out_iface, tuple->dst.family) == NEXTHOP_NONE)
		return code;
	return own;
}

// Of several ways that are equally good a flow keeps the one that it has: whoever joins them, or
// leaves, moves nobody else's flows, whose translation would end.
static uint16_t kept_member(const struct worker *w, const struct flow_tuple *tuple, uint16_t chosen,
	uint8_t known_iface)
{
	uint16_t code = tuple->dst.family == IP_V6 ? fib_lookup6(w->fib, tuple->dst.v6)
						   : fib_lookup4(w->fib, ip4_be_of(&tuple->dst));
	const struct nexthop_group *group;

	if (!nexthop_is_group(code) || decide_interface(w, chosen) == known_iface)
		return chosen;
	group = &w->fib->groups[code - NEXTHOP_GROUP_BASE];
	for (unsigned i = 0; i < group->n; i++)
		if (decide_interface(w, group->codes[i]) == known_iface)
			return group->codes[i];
	return chosen;
}

bool decide_leaks(const struct worker *w, const struct flow_dir *dir, uint16_t code)
{
	const uint16_t others = FLOW_TRANSLATES | FLOW_TO_HOST | FLOW_FROM_HOST;
	uint8_t out_iface = decide_interface(w, code);
	struct flow_tuple tuple;

	if (!(dir->flags & FLOW_IS_REPLY) || (dir->flags & others) || out_iface == INTERFACE_NONE ||
		out_iface == flow_of(dir)->state.in_iface)
		return false;
	tuple = flow_tuple_of(dir);
	return nat_rules_hides(
		w->snap->policy->nat, w->snap, w->now_sec, out_iface, &tuple.src, &tuple.dst);
}

// Its own copy of the tuple, to another destination.
static void change_destination(struct decision *d, const struct ip_addr *dst, uint16_t dport_be)
{
	d->translated = *d->seen;
	d->translated.dst = *dst;
	d->translated.dport_be = dport_be;
	d->seen = &d->translated;
	d->is_dnated = true;
}

// To what a helper says, a port forward, the inside of a one-to-one, or an inside endpoint that
// anybody may speak to.
static __rte_noinline void translate_destination(
	struct worker *w, const struct question *q, struct decision *d)
{
	const struct nat_destination *expected = q->expected;
	struct nat_destination to;
	struct flow_endpoint inside;

	if (expected != NULL) {
		if (!ip_addr_equal(&d->seen->dst, &expected->dst) ||
			d->seen->dport_be != expected->dport_be)
			change_destination(d, &expected->dst, expected->dport_be);
	} else if (nat_rules_destination(
			   w->snap->policy->nat, w->snap, w->now_sec, d->seen, q->in_iface, &to)) {
		change_destination(d, &to.dst, to.dport_be);
	} else if (nat_find_called(w, d->seen, &inside)) {
		change_destination(d, &inside.addr, inside.port_be);
		if (d->seen->kind != FLOW_KEY_PLAIN)
			d->translated.sport_be = inside.port_be; // the identifier stands in both
	}
}

// The host stack has chosen its way already, unless its destination is another now.
static void find_way(struct worker *w, const struct question *q, bool is_review, struct decision *d)
{
	if (q->in_iface == FLOW_IFACE_HOST && !d->is_dnated) {
		d->code = NEXTHOP_LOCAL;
		d->out_iface = q->known_iface;
		return;
	}
	d->code = d->is_dnated || q->way == NEXTHOP_NONE ? decide_way(w, d->seen)
							 : member_of(w, q->way, d->seen);
	if (is_review)
		d->code = kept_member(w, d->seen, d->code, q->known_iface);
	d->out_iface = d->code == NEXTHOP_LOCAL ? FLOW_IFACE_HOST : decide_interface(w, d->code);
	if (d->out_iface == INTERFACE_NONE && is_review && q->known_iface != FLOW_IFACE_HOST)
		d->out_iface = q->known_iface; // the rules ask by which, and the way may come back
}

// From one interface to another. False: not at all, whatever the rules say.
static __rte_noinline bool may_pass(struct worker *w, const struct question *q, struct decision *d)
{
	// Nobody reaches past the NAT from outside by knowing an inner address.
	if (!d->is_dnated && q->expected == NULL &&
		nat_rules_hides(w->snap->policy->nat, w->snap, w->now_sec, q->in_iface,
			&d->seen->dst, &d->seen->src)) {
		d->refused = COUNTER_DROP_NAT_UNSOLICITED;
		return false;
	}
	if (hygiene_is_private_out(w, d->out_iface, &d->seen->dst)) {
		d->refused = COUNTER_DROP_PRIVATE_OUT;
		return false;
	}
	return true;
}

void decide(struct worker *w, const struct question *q, struct rule_subject *subject,
	struct decision *d)
{
	const struct compiled_policy *policy = w->snap->policy;
	enum dp_hook hook;

	d->seen = q->original;
	d->refused = COUNTER_COUNT;
	d->is_dnated = d->changes_source = false;
	d->source = (struct nat_source){.is_none = true};
	d->verdict.mark = 0;
	d->verdict.asked_rate = false;
	if (unlikely(policy->changes_destinations || q->expected != NULL))
		translate_destination(w, q, d);
	find_way(w, q, subject->is_review, d);
	if (d->out_iface == INTERFACE_NONE)
		return;
	if (q->in_iface != FLOW_IFACE_HOST && d->out_iface != FLOW_IFACE_HOST && !may_pass(w, q, d))
		return;
	if (policy->has_firewall) {
		subject->is_dnat = d->is_dnated;
		if (q->expected != NULL)
			subject->state = DP_STATE_RELATED;
		hook = firewall_subject_route(w, d->seen, q->in_iface, d->out_iface, subject);
		firewall_judge(w, hook, subject, &d->verdict);
		if (d->verdict.action != DP_ACCEPT) {
			d->refused = COUNTER_DROP_RULE;
			return;
		}
	}
	if (d->out_iface == FLOW_IFACE_HOST)
		return;
	d->changes_source = nat_rules_source(policy->nat, w->snap, w->now_sec, d->seen, q->in_iface,
				    d->out_iface, d->is_dnated, &d->source) &&
			    !d->source.is_none;
	if (d->changes_source && d->source.n_addresses == 0)
		d->refused = COUNTER_DROP_NAT_NO_ADDRESS;
	// The router's own flows hold their ports as if they were translated, so that nobody else's
	// is given one of them; what only passes holds none.
	if (!d->changes_source && q->in_iface != FLOW_IFACE_HOST)
		d->source.is_none = true;
}
