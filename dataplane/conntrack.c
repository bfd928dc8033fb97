// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/conntrack.h"

#include <stdatomic.h>

#include "dataplane/compiled_policy.h"
#include "dataplane/conntrack_private.h"
#include "dataplane/decision.h"
#include "dataplane/firewall.h"
#include "dataplane/flow_room.h"
#include "dataplane/flow_timer.h"
#include "dataplane/helper.h"
#include "dataplane/host.h"
#include "dataplane/hygiene.h"
#include "dataplane/icmp.h"
#include "dataplane/nat.h"
#include "dataplane/owner.h"
#include "dataplane/pipeline.h"
#include "dataplane/pipeline_forward.h"
#include "dataplane/sip_advice.h"
#include "dataplane/tcp_track.h"
#include "dataplane/ways.h"

static uint32_t tcp_timeout_sec(const struct dp_timeouts *timeouts, enum flow_phase phase)
{
	switch (phase) {
	case FLOW_TCP_ESTABLISHED:
	// Until its receiver obeys a reset he keeps the connection, and anybody may send one into
	// the window while the true end rests for hours (RFC 5382 REQ-5). A true one is followed,
	// within a round trip, by the answer to the challenge (RFC 5961 3.2), which ends the flow.
	// If that never comes, the end has gone as one without power has, and the flow rests as
	// long as that one's.
	case FLOW_TCP_CHALLENGED:
		return timeouts->tcp_established;
	case FLOW_TCP_FIN_WAIT:
	case FLOW_TCP_CLOSE_WAIT:
	case FLOW_TCP_LAST_ACK:
		return timeouts->tcp_closing;
	case FLOW_TCP_TIME_WAIT:
	case FLOW_TCP_CLOSED:
		return timeouts->tcp_closed;
	case FLOW_FREE:
	case FLOW_UNREPLIED:
	case FLOW_ASSURED:
	case FLOW_TCP_SYN_SENT2:
	case FLOW_TCP_SYN_RECEIVED:
		break;
	}
	return timeouts->tcp_unreplied;
}

uint32_t conntrack_timeout_sec(const struct dp_timeouts *timeouts, const struct flow_state *state)
{
	switch (state->protocol) {
	case IPPROTO_TCP:
		return tcp_timeout_sec(timeouts, (enum flow_phase)state->state);
	case IPPROTO_UDP:
		return state->state == FLOW_ASSURED ? timeouts->udp_assured
						    : timeouts->udp_unreplied;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return timeouts->icmp;
	default:
		return timeouts->other;
	}
}

static void timer_start(struct worker *w, struct flow *flow)
{
	flow_timer_set(&w->flows, flow,
		w->now_sec + conntrack_timeout_sec(&w->snap->policy->timeouts, &flow->state));
}

void conntrack_end(struct worker *w, struct flow *flow)
{
	helper_flow_ending(w, flow);
	nat_flow_ending(w, flow);
	flow_remove(&w->flows, flow);
}

// Everything about the packet at hand that keeps it from beginning a flow. False: it has gone.
static bool may_begin(struct worker *w, struct packet *p, const struct decision *d)
{
	bool from_host = p->flags & PACKET_FROM_HOST;
	bool is_ip6 = p->kind == PACKET_IP6;

	if (d->refused == COUNTER_DROP_NAT_UNSOLICITED && pipeline_punt_offer(w, p))
		return false;
	if (d->refused == COUNTER_DROP_RULE) {
		firewall_refuse(w, p, &d->verdict);
		return false;
	}
	if (d->refused == COUNTER_DROP_PRIVATE_OUT) {
		pipeline_answer(w, p, ICMP_ERROR_NO_ROUTE, 0, d->refused);
		return false;
	}
	if (d->refused != COUNTER_COUNT) {
		worker_drop(w, p->m, d->refused);
		return false;
	}
	if (d->out_iface == INTERFACE_NONE) {
		pipeline_no_route(w, p, d->code);
		return false;
	}
	if (d->code == NEXTHOP_LOCAL)
		return true;
	if (!from_host && packet_source_is_link_local(p)) {
		if (is_ip6)
			pipeline_answer(w, p, ICMP_ERROR_SCOPE, 0, COUNTER_DROP_IP6_SCOPE);
		else
			worker_drop(w, p->m, COUNTER_DROP_IP4_SOURCE);
		return false;
	}
	if (packet_hops(p) <= 1) { // before it costs a flow
		pipeline_answer(w, p, ICMP_ERROR_TTL, 0, COUNTER_DROP_TTL);
		return false;
	}
	if (!is_ip6 && pipeline_options_are_bad(p)) {
		worker_drop(w, p->m, COUNTER_DROP_IP4_OPTIONS);
		return false;
	}
	return true;
}

// Ports keep apart what workers translate the sources of, and nothing else. Once it is entered
// here: of two that begin at the same moment at least one sees the other's.
static bool is_elsewhere_too(const struct worker *w, const struct nat_reply *reply)
{
	atomic_thread_fence(memory_order_seq_cst);
	return owner_elsewhere(w, reply->hash) >= 0;
}

// The key of the answers. False: no port is free, or somebody else has that key already: an answer
// to a flow that has ended, or two hosts of one address. The host stack's own flows give way to a
// translated one that came first.
static bool choose_reply(
	struct worker *w, struct decision *d, bool from_host, struct nat_choice *choice)
{
	if (d->changes_source || from_host)
		return nat_choose(w, d->seen, &d->source, choice);
	choice->reply.key = flow_tuple_reply(d->seen);
	if (likely(nat_reply_is_free(w, &choice->reply) &&
		    !(d->is_dnated && owner_elsewhere(w, choice->reply.hash) >= 0)))
		return true;
	if (!d->is_dnated || !nat_has_port(d->seen))
		return false;
	// One socket spoke to two that a rule leads to the same place: another port tells them
	// apart. The first may be at another worker, to which its own port there leads.
	d->source = (struct nat_source){
		.first = d->seen->src, .n_addresses = 1, .is_another = true, .rule = NAT_RULE_NONE};
	return nat_choose(w, d->seen, &d->source, choice);
}

static void remember(const struct packet *p, const struct rule_subject *s, struct flow_state *state)
{
	memcpy(state->src_mac, s->mac.bytes, sizeof(state->src_mac));
	state->dscp = s->dscp;
	if (s->has_icmp) {
		state->icmp_type = (uint8_t)(s->icmp >> 8);
		state->icmp_code = (uint8_t)s->icmp;
	}
	if (p->protocol == IPPROTO_TCP && !(p->tcp_flags & RTE_TCP_SYN_FLAG))
		state->flags |= FLOW_WAS_PICKED_UP;
}

static void flow_begin(struct worker *w, struct flow *flow, const struct packet *p,
	const struct rule_subject *subject, const struct decision *d)
{
	bool from_host = p->flags & PACKET_FROM_HOST;

	flow_set_phase(&w->flows, flow, FLOW_UNREPLIED);
	flow->state.protocol = p->protocol;
	flow->state.in_iface = from_host ? FLOW_IFACE_HOST : (uint8_t)p->iface;
	flow->state.out_iface = d->out_iface;
	flow->state.created_sec = w->now_sec;
	conntrack_note_iface(&flow->dir[0], flow->state.in_iface);
	conntrack_note_iface(&flow->dir[1], flow->state.out_iface);
	flow->state.mark = d->verdict.mark;
	if (d->is_dnated)
		flow->state.flags |= FLOW_IS_DNATED;
	conntrack_rate(flow, subject, d);
	remember(p, subject, &flow->state);
	flow->dir[0].nexthop = d->code;
	flow->dir[0].epoch = w->epoch;
	flow->dir[0].last_seen_sec = flow->dir[1].last_seen_sec = w->now_sec;
	flow->dir[1].epoch = w->epoch - 1; // its way is looked up when it is first gone
	flow->dir[1].flags |= FLOW_WATCH;  // the first reply changes the state
	if (p->protocol == IPPROTO_TCP)
		flow->dir[0].flags |= FLOW_WATCH;
	if (tcp_track_begins(p))
		tcp_track_begin(p, flow);
	if (from_host) {
		flow->dir[0].flags |= FLOW_FROM_HOST;
		flow->dir[1].flags |= FLOW_TO_HOST;
	} else if (d->code == NEXTHOP_LOCAL) {
		flow->dir[0].flags |= FLOW_TO_HOST;
		flow->dir[1].flags |= FLOW_FROM_HOST;
	}
}

// What needs no flow: neighbour discovery for the host stack. True: it has gone.
static bool went_to_host(struct worker *w, struct packet *p)
{
	if (!packet_is_link_talk(p) || p->way != NEXTHOP_LOCAL)
		return false;
	if (firewall_admits(w, p))
		host_punt(w, (uint8_t)p->iface, p->m, packet_host_reason(p, false));
	return true;
}

// In one piece with what it calls and is not kept apart: a tenth of a flood's instructions were in
// getting from one step to the next.
__attribute__((flatten)) struct flow_dir *conntrack_open(struct worker *w, struct packet *p)
{
	bool from_host = p->flags & PACKET_FROM_HOST;
	struct flow_tuple original = flow_tuple_of_packet(p);
	struct rule_subject subject;
	struct nat_destination expected;
	enum counter unsound, refused;
	struct nat_choice choice;
	bool is_expected;
	struct decision d;
	struct flow *flow;

	if (!from_host) {
		unsound = hygiene_check(w, p);
		// Whatever is switched off, what only we or nobody could have is not taken.
		if (unsound == COUNTER_COUNT && pipeline_source_is_bad(w, p))
			unsound = p->kind == PACKET_IP6 ? COUNTER_DROP_IP6_SOURCE
							: COUNTER_DROP_IP4_SOURCE;
		if (unsound != COUNTER_COUNT) {
			worker_drop(w, p->m, unsound);
			return NULL;
		}
		if (went_to_host(w, p))
			return NULL;
	}
	firewall_subject_of_packet(w, p, &subject);
	is_expected = w->snap->policy->has_helpers && helper_expects(w, &original, &expected);
	decide(w,
		&(struct question){
			.original = &original,
			.in_iface = from_host ? FLOW_IFACE_HOST : (uint8_t)p->iface,
			.known_iface = (uint8_t)p->iface,
			.way = p->way,
			.expected = is_expected ? &expected : NULL,
		},
		&subject, &d);
	if (!may_begin(w, p, &d))
		return NULL;
	if (!choose_reply(w, &d, from_host, &choice)) {
		worker_drop(w, p->m, COUNTER_DROP_NAT_NO_PORT);
		return NULL;
	}
	flow = flow_room_take(w, &original.src, (uint8_t)p->iface, from_host, &refused);
	if (flow == NULL) {
		worker_drop(w, p->m, refused);
		return NULL;
	}
	flow_fill(flow, &original, &choice.reply.key);
	flow_begin(w, flow, p, &subject, &d);
	if (!flow_enter_by(&w->flows, flow, FLOW_NAME_ORIGINAL, p->hash) ||
		!flow_enter_by(&w->flows, flow, FLOW_NAME_REPLY, choice.reply.hash)) {
		conntrack_end(w, flow);
		worker_drop(w, p->m, COUNTER_DROP_FLOW_TABLE_FULL);
		return NULL;
	}
	if (d.is_dnated && !d.changes_source && is_elsewhere_too(w, &choice.reply)) {
		conntrack_end(w, flow);
		worker_drop(w, p->m, COUNTER_DROP_NAT_NO_PORT);
		return NULL;
	}
	nat_flow_entered(w, flow, &d.source, &choice);
	if (is_expected && !helper_relate(w, flow)) {
		conntrack_end(w, flow);
		worker_drop(w, p->m, COUNTER_DROP_NAT_UNSOLICITED);
		return NULL;
	}
	if (w->snap->policy->has_helpers)
		helper_flow_begun(w, flow, d.seen);
	if (d.changes_source)
		sip_advice_flow_begun(w, flow, d.seen);
	timer_start(w, flow);
	worker_count(w, COUNTER_FLOW_CREATED);
	return &flow->dir[0];
}

struct flow_dir *conntrack_open_anew(struct worker *w, struct packet *p)
{
	ways_find_one(w, p);
	return conntrack_open(w, p);
}

static void enter_phase(struct worker *w, struct flow *flow, enum flow_phase phase)
{
	if (phase == (enum flow_phase)flow->state.state)
		return;
	flow_set_phase(&w->flows, flow, phase);
	timer_start(w, flow);
}

// RFC 5382 REQ-4: "A NAT MUST NOT respond to an unsolicited inbound SYN packet for at least 6
// seconds", for a host inside may be about to open the same connection. Where the address is shared
// with hosts inside and no firewall says who may call, the router's own host answers for it: what
// it listens on it does, and its refusals stay here, for good (REQ-4 a). The flow must not stand in
// the way of the one that a host opens, so it ends.
static bool is_refusal_of_unsolicited(
	const struct worker *w, const struct packet *p, const struct flow_dir *dir)
{
	const struct flow_state *state = &flow_of(dir)->state;

	return (p->flags & PACKET_FROM_HOST) && (p->tcp_flags & RTE_TCP_RST_FLAG) &&
	       (dir->flags & FLOW_IS_REPLY) && state->state == FLOW_UNREPLIED &&
	       !(state->flags & FLOW_IS_DNATED) && !w->snap->policy->has_firewall &&
	       state->in_iface < DP_INTERFACES_MAX &&
	       w->snap->interfaces[state->in_iface].is_outside &&
	       nat_rules_share(w->snap->policy->nat, state->in_iface,
		       p->kind == PACKET_IP6 ? IP_V6 : IP_V4);
}

// Each direction is followed by the numbers of its own sender, so what the other one acknowledges
// is seen by those meanwhile.
static enum counter track_tcp(
	struct worker *w, const struct packet *p, struct flow_dir *dir, enum flow_phase *phase)
{
	struct rte_tcp_hdr *tcp = packet_l4(p);
	uint32_t ack_be = tcp->recv_ack;
	enum counter refused;

	if (dir->flags & FLOW_HAS_HELPER)
		tcp->recv_ack = helper_ack_be(w, dir, ack_be);
	refused = tcp_track_slow(p, dir, w->snap->policy->picks_up, phase);
	tcp->recv_ack = ack_be;
	return refused;
}

static struct flow_dir *watch_tcp(struct worker *w, struct packet *p, struct flow_dir *dir)
{
	struct flow *flow = flow_of(dir);
	enum flow_phase phase;
	enum counter refused;

	if (hygiene_tcp_flags_are_odd(p->tcp_flags) && !(p->flags & PACKET_FROM_HOST) &&
		(w->snap->interfaces[p->iface].hygiene & DP_HYGIENE_TCP_FLAGS)) {
		worker_drop(w, p->m, hygiene_tcp_flags(p->tcp_flags));
		return NULL;
	}
	if (tcp_track_reopens(p, &flow->state)) {
		conntrack_end(w, flow);
		dir = conntrack_open_anew(w, p);
		if (dir == NULL)
			return NULL;
		flow = flow_of(dir);
	}
	if (is_refusal_of_unsolicited(w, p, dir)) {
		conntrack_end(w, flow);
		worker_drop(w, p->m, COUNTER_DROP_NAT_UNSOLICITED);
		return NULL;
	}
	refused = track_tcp(w, p, dir, &phase);
	enter_phase(w, flow, phase);
	if (refused != COUNTER_COUNT) {
		worker_drop(w, p->m, refused);
		return NULL;
	}
	return dir;
}

enum dp_hook conntrack_judge(struct worker *w, const struct packet *p, const struct flow_dir *dir,
	struct flow_tuple *seen, struct rule_subject *subject, struct rule_verdict *verdict)
{
	const struct flow_state *state = &flow_of(dir)->state;
	struct flow_tuple to = flow_tuple_translated(dir);
	enum dp_hook hook;

	*seen = flow_tuple_of(dir);
	seen->dst = to.dst;
	firewall_subject_of_packet(w, p, subject);
	subject->is_dnat = state->flags & FLOW_IS_DNATED;
	hook = firewall_subject_route(w, seen, state->in_iface, state->out_iface, subject);
	firewall_judge(w, hook, subject, verdict);
	return hook;
}

// False: it is over the rate, and has gone.
static bool is_within_rate(struct worker *w, struct packet *p, struct flow_dir *dir)
{
	struct flow_tuple seen;
	struct rule_subject subject;
	struct rule_verdict verdict;

	if (dir->packets == 0) // the first one has just been asked about
		return true;
	conntrack_judge(w, p, dir, &seen, &subject, &verdict);
	if (verdict.action == DP_ACCEPT)
		return true;
	firewall_refuse(w, p, &verdict);
	return false;
}

struct flow_dir *conntrack_watch(struct worker *w, struct packet *p, struct flow_dir *dir)
{
	struct flow *flow = flow_of(dir);

	if (flow->state.protocol == IPPROTO_TCP)
		return watch_tcp(w, p, dir);
	if ((flow->state.flags & FLOW_IS_RATED) && !(dir->flags & FLOW_IS_REPLY))
		return is_within_rate(w, p, dir) ? dir : NULL;
	dir->flags &= (uint16_t)~FLOW_WATCH;
	if (dir->flags & FLOW_IS_REPLY)
		enter_phase(w, flow, FLOW_ASSURED);
	return dir;
}

static uint32_t timeout_of(const struct flow_state *state, const void *timeouts)
{
	return conntrack_timeout_sec(timeouts, state);
}

unsigned conntrack_expire(struct worker *w, unsigned budget)
{
	const struct dp_timeouts *timeouts = &w->snap->policy->timeouts;
	struct flow *flow;
	unsigned n_ended = 0;

	while ((flow = flow_timer_next(&w->flows, w->now_sec, &budget, timeout_of, timeouts)) !=
		NULL) {
		conntrack_end(w, flow);
		n_ended++;
	}
	w->counters[COUNTER_FLOW_EXPIRED] += n_ended;
	return n_ended;
}

const char *conntrack_phase_name(const struct flow_state *state)
{
	static const char *const names[FLOW_PHASES] = {
		[FLOW_FREE] = "free",
		[FLOW_UNREPLIED] = "unreplied",
		[FLOW_ASSURED] = "assured",
		[FLOW_TCP_SYN_SENT2] = "syn_sent2",
		[FLOW_TCP_SYN_RECEIVED] = "syn_received",
		[FLOW_TCP_ESTABLISHED] = "established",
		[FLOW_TCP_CHALLENGED] = "challenged",
		[FLOW_TCP_FIN_WAIT] = "fin_wait",
		[FLOW_TCP_CLOSE_WAIT] = "close_wait",
		[FLOW_TCP_LAST_ACK] = "last_ack",
		[FLOW_TCP_TIME_WAIT] = "time_wait",
		[FLOW_TCP_CLOSED] = "closed",
	};

	if (state->protocol == IPPROTO_TCP && state->state == FLOW_UNREPLIED)
		return "syn_sent";
	return names[state->state];
}
