// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/explain_private.h"

#include "dataplane/conntrack.h"
#include "dataplane/firewall.h"
#include "dataplane/helper.h"
#include "dataplane/hygiene.h"
#include "dataplane/nat.h"
#include "dataplane/parse.h"
#include "dataplane/pipeline_forward.h"
#include "dataplane/rules_why.h"
#include "dataplane/ways.h"

// --- ways ---

static enum dp_explained_way way_of(const struct worker *w, uint16_t code)
{
	switch (code) {
	case NEXTHOP_NONE:
		return DP_WAY_NONE;
	case NEXTHOP_BLACKHOLE:
		return DP_WAY_BLACKHOLE;
	case NEXTHOP_UNREACHABLE:
		return DP_WAY_UNREACHABLE;
	case NEXTHOP_PROHIBIT:
		return DP_WAY_PROHIBIT;
	case NEXTHOP_LOCAL:
		return DP_WAY_LOCAL;
	case NEXTHOP_MULTICAST:
		return DP_WAY_MULTICAST;
	default:
		break;
	}
	if (nexthop_is_group(code)) // all its members go on; which one, the flow decides
		code = w->fib->groups[code - NEXTHOP_GROUP_BASE].codes[0];
	return nexthop_is_connected(code) ? DP_WAY_CONNECTED : DP_WAY_GATEWAY;
}

static int known_interface(uint8_t iface)
{
	return iface < DP_INTERFACES_MAX ? iface : -1;
}

static void explain_way(struct explaining *e, const struct decision *d)
{
	struct worker *w = e->r->w;
	uint16_t code = d->seen->dst.family == IP_V6
				? fib_lookup6(w->fib, d->seen->dst.v6)
				: fib_lookup4(w->fib, ip4_be_of(&d->seen->dst));

	e->out->n_members =
		nexthop_is_group(code) ? w->fib->groups[code - NEXTHOP_GROUP_BASE].n : 1;
	e->out->way = way_of(w, d->code);
	e->out->out_interface = known_interface(d->out_iface);
}

static void explain_way_back(struct explaining *e)
{
	struct worker *w = e->r->w;
	uint16_t code = e->p.way_back;

	e->out->way_back = way_of(w, code);
	if (nexthop_is_group(code))
		code = w->fib->groups[code - NEXTHOP_GROUP_BASE].codes[0];
	e->out->way_back_interface = known_interface(decide_interface(w, code));
}

// --- translations ---

struct nat_misses {
	struct dp_explained_nat *nat;
};

static void nat_missed(void *ctx, uint16_t rule, const char *field, unsigned n_fields)
{
	struct nat_misses *misses = ctx;
	struct dp_miss miss = {rule, field, n_fields};

	rules_why_note(misses->nat->misses, &misses->nat->n_misses, &miss);
}

static void explain_destination(struct explaining *e, const struct question *q, struct decision *d)
{
	const struct nat_rules *nat = e->r->policy.nat;
	struct dp_explained_nat *out = &e->out->destination_nat;
	struct worker *w = e->r->w;
	struct nat_destination to;

	out->nat = -1;
	out->is_expected = q->expected != NULL;
	if (q->expected == NULL &&
		nat_rules_destination(nat, w->snap, w->now_sec, q->original, q->in_iface, &to))
		out->nat = to.rule;
	out->is_called = d->is_dnated && out->nat < 0 && !out->is_expected;
	nat_rules_misses(nat, w->snap, w->now_sec, q->original, q->in_iface, false,
		out->nat < 0 ? (uint16_t)NAT_RULE_NONE : (uint16_t)out->nat, nat_missed,
		&(struct nat_misses){out});
}

static void explain_source(struct explaining *e, const struct decision *d)
{
	struct dp_explained_nat *out = &e->out->source_nat;
	struct worker *w = e->r->w;

	out->nat = d->source.rule == NAT_RULE_NONE ? -1 : d->source.rule;
	out->is_hairpin = d->changes_source && out->nat < 0;
	out->first = d->source.first;
	out->n_addresses = d->changes_source ? d->source.n_addresses : 0;
	out->keeps_port = d->source.keeps_port;
	out->is_random = d->source.is_random;
	nat_rules_misses(e->r->policy.nat, w->snap, w->now_sec, d->seen, d->out_iface, true,
		out->nat < 0 ? (uint16_t)NAT_RULE_NONE : (uint16_t)out->nat, nat_missed,
		&(struct nat_misses){out});
}

// --- rules and sets ---

static void explain_sets(struct explaining *e, const struct flow_tuple *seen)
{
	const struct ruleset *rules = &e->r->rules;
	struct dp_explanation *out = e->out;
	uint32_t now_sec = e->r->w->now_sec;

	for (unsigned i = 0; i < rules->n_sets; i++) {
		if (out->n_source_sets < DP_EXPLAIN_SETS_MAX &&
			ruleset_set_has_address(
				rules, (uint16_t)i, seen->src.family, seen->src.bytes, now_sec))
			out->source_sets[out->n_source_sets++] = (uint16_t)i;
		if (out->n_destination_sets < DP_EXPLAIN_SETS_MAX &&
			ruleset_set_has_address(
				rules, (uint16_t)i, seen->dst.family, seen->dst.bytes, now_sec))
			out->destination_sets[out->n_destination_sets++] = (uint16_t)i;
	}
}

static void explain_rules(struct explaining *e, enum dp_hook hook,
	const struct rule_subject *subject, const struct rule_verdict *verdict)
{
	struct worker *w = e->r->w;
	struct rules_now now = {
		.now_ms = w->now_ms,
		.now_sec = w->now_sec,
		.schedules = atomic_load(&e->r->policy.schedules),
	};

	rules_why(&e->r->rules, hook, subject, &now, verdict, &e->out->rules);
}

static enum dp_hook hook_of(const struct question *q, const struct decision *d)
{
	if (q->in_iface == FLOW_IFACE_HOST)
		return DP_HOOK_OUTPUT;
	return d->out_iface == FLOW_IFACE_HOST ? DP_HOOK_INPUT : DP_HOOK_FORWARD;
}

static void explain_decision(struct explaining *e, const struct question *q,
	const struct rule_subject *subject, struct decision *d)
{
	struct dp_explanation *out = e->out;
	bool is_judged = e->r->policy.has_firewall && d->out_iface != INTERFACE_NONE &&
			 d->refused != COUNTER_DROP_NAT_UNSOLICITED &&
			 d->refused != COUNTER_DROP_PRIVATE_OUT;

	out->is_decided = true;
	out->src = d->seen->src;
	out->dst = d->seen->dst;
	out->sport = rte_be_to_cpu_16(d->seen->sport_be);
	out->dport = rte_be_to_cpu_16(d->seen->dport_be);
	explain_destination(e, q, d);
	explain_way(e, d);
	explain_sets(e, d->seen);
	if (is_judged)
		explain_rules(e, hook_of(q, d), subject, &d->verdict);
	if (known_interface(d->out_iface) >= 0 && d->refused != COUNTER_DROP_RULE)
		explain_source(e, d);
}

// --- who is asked ---

bool explain_first(struct explaining *e, struct decision *d)
{
	struct nat_destination expected;
	struct rule_subject subject;
	struct worker *w = e->r->w;
	struct packet *p = &e->p;
	struct question q = {
		.original = &e->original,
		.in_iface = e->ask->is_from_router ? FLOW_IFACE_HOST : (uint8_t)p->iface,
		.known_iface = (uint8_t)p->iface,
	};
	struct dp_counter counter;
	enum counter unsound;

	ways_find_one(w, p);
	q.way = p->way;
	if (!e->ask->is_from_router) {
		unsound = hygiene_check(w, p);
		if (unsound == COUNTER_COUNT && pipeline_source_is_bad(w, p))
			unsound = p->kind == PACKET_IP6 ? COUNTER_DROP_IP6_SOURCE
							: COUNTER_DROP_IP4_SOURCE;
		e->out->is_hygienic = true;
		explain_way_back(e);
		if (unsound != COUNTER_COUNT) {
			stats_describe(unsound, &counter);
			e->out->unsound = counter.name;
			return false;
		}
		if (packet_is_link_talk(p) && p->way == NEXTHOP_LOCAL) {
			explain_group(e);
			return false;
		}
	}
	rehearsal_lend_expected(e->r, &e->original);
	if (helper_expects(w, &e->original, &expected))
		q.expected = &expected;
	firewall_subject_of_packet(w, p, &subject);
	decide(w, &q, &subject, d);
	explain_decision(e, &q, &subject, d);
	return d->refused == COUNTER_COUNT;
}

void explain_flow(struct explaining *e, const struct flow *flow)
{
	struct flow_tuple original = flow_tuple_of(&flow->dir[0]);
	struct question q = {
		.original = &original,
		.in_iface = flow->state.in_iface,
		.known_iface = flow->state.out_iface,
		.way = NEXTHOP_NONE,
	};
	struct rule_subject subject;
	struct decision d;

	firewall_subject_of_flow(flow, &subject);
	decide(e->r->w, &q, &subject, &d);
	explain_decision(e, &q, &subject, &d);
}

void explain_rated(struct explaining *e, const struct flow_dir *dir)
{
	struct rule_subject subject;
	struct rule_verdict verdict;
	struct flow_tuple seen;
	enum dp_hook hook;

	hook = conntrack_judge(e->r->w, &e->p, dir, &seen, &subject, &verdict);
	e->out->rules = (struct dp_explained_rules){0};
	explain_rules(e, hook, &subject, &verdict);
}

void explain_group(struct explaining *e)
{
	struct flow_tuple tuple = flow_tuple_of_packet(&e->p);
	struct rule_verdict verdict;
	struct rule_subject subject;
	struct worker *w = e->r->w;
	enum dp_hook hook;

	if (!e->r->policy.has_firewall)
		return;
	firewall_subject_of_packet(w, &e->p, &subject);
	hook = firewall_subject_route(w, &tuple, (uint8_t)e->p.iface, FLOW_IFACE_HOST, &subject);
	firewall_judge(w, hook, &subject, &verdict);
	explain_rules(e, hook, &subject, &verdict);
}
