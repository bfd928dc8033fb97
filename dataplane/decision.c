// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/decision.h"

#include "dataplane/compiled_policy.h"
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

uint16_t decide_way(const struct worker *w, const struct flow_tuple *tuple)
{
	uint16_t code = tuple->dst.family == IP_V6 ? fib_lookup6(w->fib, tuple->dst.v6)
						   : fib_lookup4(w->fib, ip4_be_of(&tuple->dst));

	return nexthop_is_group(code) ? nexthop_resolve(w->fib, code, tuple_path_hash(tuple))
				      : code;
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

// To what a helper says, a port forward, the inside of a one-to-one, or an inside endpoint that
// anybody may speak to.
static void translate_destination(struct worker *w, uint8_t in_iface,
	const struct nat_destination *expected, struct decision *d)
{
	struct nat_destination to;
	struct flow_endpoint inside;

	if (expected != NULL) {
		d->is_dnated = !ip_addr_equal(&d->seen.dst, &expected->dst) ||
			       d->seen.dport_be != expected->dport_be;
		d->seen.dst = expected->dst;
		d->seen.dport_be = expected->dport_be;
		return;
	}
	if (nat_rules_destination(
		    w->snap->policy->nat, w->snap, w->now_sec, &d->seen, in_iface, &to)) {
		d->seen.dst = to.dst;
		d->seen.dport_be = to.dport_be;
	} else if (nat_find_called(w, &d->seen, &inside)) {
		d->seen.dst = inside.addr;
		d->seen.dport_be = inside.port_be;
		if (d->seen.kind != FLOW_KEY_PLAIN)
			d->seen.sport_be = inside.port_be; // the identifier stands in both
	} else {
		return;
	}
	d->is_dnated = true;
}

// The host stack has chosen its way already, unless its destination is another now.
static void find_way(
	struct worker *w, uint8_t in_iface, uint8_t known_iface, bool is_review, struct decision *d)
{
	if (in_iface == FLOW_IFACE_HOST && !d->is_dnated) {
		d->code = NEXTHOP_LOCAL;
		d->out_iface = known_iface;
		return;
	}
	d->code = decide_way(w, &d->seen);
	d->out_iface = d->code == NEXTHOP_LOCAL ? FLOW_IFACE_HOST : decide_interface(w, d->code);
	if (d->out_iface == INTERFACE_NONE && is_review && known_iface != FLOW_IFACE_HOST)
		d->out_iface = known_iface; // the rules ask by which, and the way may come back
}

void decide(struct worker *w, const struct flow_tuple *original, uint8_t in_iface,
	uint8_t known_iface, const struct nat_destination *expected, struct rule_subject *subject,
	struct decision *d)
{
	const struct compiled_policy *policy = w->snap->policy;
	enum dp_hook hook;

	*d = (struct decision){.seen = *original, .refused = COUNTER_COUNT};
	translate_destination(w, in_iface, expected, d);
	find_way(w, in_iface, known_iface, subject->is_review, d);
	if (d->out_iface == INTERFACE_NONE)
		return;
	if (in_iface != FLOW_IFACE_HOST && d->out_iface != FLOW_IFACE_HOST) {
		// Nobody reaches past the NAT from outside by knowing an inner address.
		if (!d->is_dnated && expected == NULL &&
			nat_rules_hides(policy->nat, w->snap, w->now_sec, in_iface, &d->seen.dst,
				&d->seen.src)) {
			d->refused = COUNTER_DROP_NAT_UNSOLICITED;
			return;
		}
		if (hygiene_is_private_out(w, d->out_iface, &d->seen.dst)) {
			d->refused = COUNTER_DROP_PRIVATE_OUT;
			return;
		}
	}
	if (policy->has_firewall) {
		subject->is_dnat = d->is_dnated;
		if (expected != NULL)
			subject->state = DP_STATE_RELATED;
		hook = firewall_subject_route(w, &d->seen, in_iface, d->out_iface, subject);
		firewall_judge(w, hook, subject, &d->verdict);
		if (d->verdict.action != DP_ACCEPT) {
			d->refused = COUNTER_DROP_RULE;
			return;
		}
	}
	d->source.is_none = true;
	if (d->out_iface == FLOW_IFACE_HOST)
		return;
	d->changes_source = nat_rules_source(policy->nat, w->snap, w->now_sec, &d->seen, in_iface,
				    d->out_iface, d->is_dnated, &d->source) &&
			    !d->source.is_none;
	if (d->changes_source && d->source.n_addresses == 0)
		d->refused = COUNTER_DROP_NAT_NO_ADDRESS;
	// The router's own flows hold their ports as if they were translated, so that nobody else's
	// is given one of them; what only passes holds none.
	if (!d->changes_source && in_iface != FLOW_IFACE_HOST)
		d->source.is_none = true;
}
