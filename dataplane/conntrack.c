// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/conntrack.h"

#include "dataplane/decision.h"
#include "dataplane/flow_timer.h"
#include "dataplane/icmp.h"
#include "dataplane/nat.h"
#include "dataplane/pipeline_forward.h"
#include "dataplane/tcp_track.h"

void conntrack_end(struct worker *w, struct flow *flow)
{
	flow_remove(&w->flows, flow);
}

// In a full table who begins takes the place of who was never answered, or has closed: a scan or a
// flood pushes itself out, and what is established stays.
static struct flow *alloc_or_evict(struct worker *w)
{
	struct flow *flow = flow_alloc(&w->flows);

	if (likely(flow != NULL))
		return flow;
	flow = flow_oldest_spare(&w->flows);
	if (flow == NULL)
		return NULL;
	conntrack_end(w, flow);
	worker_count(w, COUNTER_FLOW_EVICTED);
	return flow_alloc(&w->flows);
}

// Everything about the packet at hand that keeps it from beginning a flow. False: it has gone.
static bool may_begin(struct worker *w, struct packet *p, const struct decision *d)
{
	bool from_host = p->flags & PACKET_FROM_HOST;
	bool is_ip6 = p->kind == PACKET_IP6;
	uint8_t hops = is_ip6 ? packet_ip6(p->m)->hop_limits : packet_ip4(p->m)->time_to_live;

	if (d->refused == COUNTER_DROP_NAT_UNSOLICITED && pipeline_punt_offer(w, p))
		return false;
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
	if (hops <= 1) { // before it costs a flow
		pipeline_answer(w, p, ICMP_ERROR_TTL, 0, COUNTER_DROP_TTL);
		return false;
	}
	if (!is_ip6 && pipeline_options_are_bad(p)) {
		worker_drop(w, p->m, COUNTER_DROP_IP4_OPTIONS);
		return false;
	}
	return true;
}

static void flow_begin(
	struct worker *w, struct flow *flow, const struct packet *p, const struct decision *d)
{
	bool from_host = p->flags & PACKET_FROM_HOST;

	flow_set_phase(&w->flows, flow, FLOW_UNREPLIED);
	flow->state.protocol = p->protocol;
	flow->state.in_iface = from_host ? FLOW_IFACE_HOST : (uint8_t)p->iface;
	flow->state.out_iface = d->out_iface;
	flow->state.created_sec = w->now_sec;
	flow->dir[0].nexthop = d->code;
	flow->dir[0].epoch = w->epoch;
	flow->dir[0].last_seen_sec = flow->dir[1].last_seen_sec = w->now_sec;
	flow->dir[1].epoch = w->epoch - 1; // its way is looked up when it is first gone
	flow->dir[0].flags |= FLOW_WATCH;
	flow->dir[1].flags |= FLOW_WATCH; // the first reply changes the state
	if (from_host) {
		flow->dir[0].flags |= FLOW_FROM_HOST;
		flow->dir[1].flags |= FLOW_TO_HOST;
	} else if (d->code == NEXTHOP_LOCAL) {
		flow->dir[0].flags |= FLOW_TO_HOST;
		flow->dir[1].flags |= FLOW_FROM_HOST;
	}
}

struct flow_dir *conntrack_open(struct worker *w, struct packet *p)
{
	bool from_host = p->flags & PACKET_FROM_HOST;
	struct flow_tuple original = flow_tuple_of_packet(p), reply;
	struct decision d;
	struct flow *flow;

	// From a port, no source may be what only a broadcast or we ourselves could have.
	if (!from_host && pipeline_source_is_bad(w, p)) {
		worker_drop(w, p->m,
			p->kind == PACKET_IP6 ? COUNTER_DROP_IP6_SOURCE : COUNTER_DROP_IP4_SOURCE);
		return NULL;
	}
	d = decide(w, &original, (uint8_t)p->iface, from_host);
	if (!may_begin(w, p, &d))
		return NULL;

	if (!ip_addr_equal(&d.src, &original.src) || from_host) {
		if (!nat_choose(w, &original, &d.src, &reply)) {
			worker_drop(w, p->m, COUNTER_DROP_NAT_NO_PORT);
			return NULL;
		}
	} else {
		// Untranslated, the reply key is what it is. Taken already: an answer to a flow
		// that has ended, or two hosts of one address; it may not have another's flow.
		reply = flow_tuple_reply(&original);
		if (flow_find(&w->flows, &reply) != NULL) {
			worker_drop(w, p->m, COUNTER_DROP_NAT_NO_PORT);
			return NULL;
		}
	}
	flow = alloc_or_evict(w);
	if (flow == NULL) {
		worker_drop(w, p->m, COUNTER_DROP_FLOW_TABLE_FULL);
		return NULL;
	}
	flow_fill(flow, &original, &reply);
	flow_begin(w, flow, p, &d);
	if (!flow_enter(&w->flows, flow, FLOW_NAME_ORIGINAL) ||
		!flow_enter(&w->flows, flow, FLOW_NAME_REPLY)) {
		conntrack_end(w, flow);
		worker_drop(w, p->m, COUNTER_DROP_FLOW_TABLE_FULL);
		return NULL;
	}
	flow_timer_set(&w->flows, flow, w->now_sec + conntrack_timeout_sec(&flow->state));
	worker_count(w, COUNTER_FLOW_CREATED);
	return &flow->dir[0];
}

struct flow_dir *conntrack_review(struct worker *w, struct packet *p, struct flow_dir *dir)
{
	struct flow *flow = flow_of(dir);
	bool from_host = flow->state.in_iface == FLOW_IFACE_HOST;
	struct flow_tuple original = flow_tuple_of(&flow->dir[0]);
	struct flow_tuple leaves_as = flow_tuple_translated(&flow->dir[0]);
	struct decision d = decide(
		w, &original, from_host ? flow->state.out_iface : flow->state.in_iface, from_host);
	bool was_local = flow->state.out_iface == FLOW_IFACE_HOST;

	// Still the same flow if it leaves as the same address, to the same side of the house.
	if (d.refused != COUNTER_COUNT || !ip_addr_equal(&d.src, &leaves_as.src) ||
		was_local != (d.out_iface == FLOW_IFACE_HOST)) {
		worker_count(w, COUNTER_FLOW_CUT);
		conntrack_end(w, flow);
		return conntrack_open(w, p);
	}
	flow->state.out_iface = d.out_iface;
	if (!(dir->flags & FLOW_IS_REPLY)) {
		dir->nexthop = d.code;
	} else if (!(dir->flags & (FLOW_TO_HOST | FLOW_FROM_HOST))) {
		struct flow_tuple back = flow_tuple_translated(dir);

		dir->nexthop = decide_way(w, &back);
	}
	dir->epoch = w->epoch;
	return dir;
}

static void enter_phase(struct worker *w, struct flow *flow, enum flow_phase phase)
{
	if (phase == (enum flow_phase)flow->state.state)
		return;
	flow_set_phase(&w->flows, flow, phase);
	flow_timer_set(&w->flows, flow, w->now_sec + conntrack_timeout_sec(&flow->state));
}

static struct flow_dir *watch_tcp(struct worker *w, struct packet *p, struct flow_dir *dir)
{
	struct flow *flow = flow_of(dir);
	enum flow_phase phase;
	enum counter refused;

	if (tcp_track_reopens(p, &flow->state)) {
		conntrack_end(w, flow);
		dir = conntrack_open(w, p);
		if (dir == NULL)
			return NULL;
		flow = flow_of(dir);
	}
	refused = tcp_track_slow(p, dir, true, &phase);
	enter_phase(w, flow, phase);
	if (refused != COUNTER_COUNT) {
		worker_drop(w, p->m, refused);
		return NULL;
	}
	return dir;
}

struct flow_dir *conntrack_watch(struct worker *w, struct packet *p, struct flow_dir *dir)
{
	struct flow *flow = flow_of(dir);

	if (flow->state.protocol == IPPROTO_TCP)
		return watch_tcp(w, p, dir);
	dir->flags &= (uint16_t)~FLOW_WATCH;
	if (dir->flags & FLOW_IS_REPLY)
		enter_phase(w, flow, FLOW_ASSURED);
	return dir;
}

static uint32_t tcp_timeout_sec(enum flow_phase phase)
{
	switch (phase) {
	case FLOW_TCP_ESTABLISHED:
		return TIMEOUT_TCP_ESTABLISHED_SEC;
	case FLOW_TCP_CHALLENGED:
	case FLOW_TCP_FIN_WAIT:
	case FLOW_TCP_CLOSE_WAIT:
	case FLOW_TCP_LAST_ACK:
		return TIMEOUT_TCP_CLOSING_SEC;
	case FLOW_TCP_TIME_WAIT:
	case FLOW_TCP_CLOSED:
		return TIMEOUT_TCP_CLOSED_SEC;
	case FLOW_FREE:
	case FLOW_UNREPLIED:
	case FLOW_ASSURED:
	case FLOW_TCP_SYN_SENT2:
	case FLOW_TCP_SYN_RECEIVED:
		break;
	}
	return TIMEOUT_TCP_UNREPLIED_SEC;
}

uint32_t conntrack_timeout_sec(const struct flow_state *state)
{
	switch (state->protocol) {
	case IPPROTO_TCP:
		return tcp_timeout_sec((enum flow_phase)state->state);
	case IPPROTO_UDP:
		return state->state == FLOW_ASSURED ? TIMEOUT_UDP_ASSURED_SEC
						    : TIMEOUT_UDP_UNREPLIED_SEC;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return TIMEOUT_ICMP_SEC;
	default:
		return TIMEOUT_OTHER_SEC;
	}
}

unsigned conntrack_expire(struct worker *w, unsigned budget)
{
	struct flow *flow;
	unsigned n_ended = 0;

	while ((flow = flow_timer_next(&w->flows, w->now_sec, &budget, conntrack_timeout_sec)) !=
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
