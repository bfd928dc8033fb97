// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/conntrack.h"

#include "dataplane/icmp.h"
#include "dataplane/nat.h"
#include "dataplane/pipeline_forward.h"

enum tcp_seen {
	TCP_SEEN_SYN = 1 << 0, // << direction, as the next two
	TCP_SEEN_FIN = 1 << 2,
};

// Where a flow goes and as whom: what policy and routes say of its first packet.
struct decision {
	uint16_t code;	      // the way out; NEXTHOP_LOCAL: the host stack
	uint8_t out_iface;    // FLOW_IFACE_HOST for the host stack
	uint32_t new_src_be;  // the packet's own where nothing is translated
	enum counter refused; // why not; COUNTER_COUNT: it goes
};

static const struct dp_masquerade *masquerade_for(
	const struct snapshot *snap, uint8_t out_iface, uint32_t src_be)
{
	struct ip_addr src = {.family = IP_V4};

	memcpy(src.v4, &src_be, 4);
	for (unsigned i = 0; i < snap->policy.n_masquerades; i++) {
		const struct dp_masquerade *rule = &snap->policy.masquerades[i];

		if (rule->interface != out_iface)
			continue;
		if (rule->n_sources == 0)
			return rule;
		for (unsigned s = 0; s < rule->n_sources; s++)
			if (ip_prefix_contains(&rule->sources[s], &src))
				return rule;
	}
	return NULL;
}

bool conntrack_is_hidden4(const struct snapshot *snap, uint8_t iface, uint32_t addr_be)
{
	return iface != INTERFACE_NONE && snap->interfaces[iface].is_masqueraded &&
	       masquerade_for(snap, iface, addr_be) != NULL;
}

static uint8_t code_interface(const struct worker *w, uint16_t code)
{
	if (nexthop_is_adjacency(code))
		return w->adjacencies[code - NEXTHOP_ADJACENCY_BASE].iface;
	if (nexthop_is_connected(code))
		return (uint8_t)(code - NEXTHOP_CONNECTED_BASE);
	return INTERFACE_NONE;
}

bool conntrack_would_translate4(const struct worker *w, uint16_t code, uint32_t src_be)
{
	return conntrack_is_hidden4(w->snap, code_interface(w, code), src_be);
}

// Of a flow's own key, not of the packet at hand: both directions and every packet of a flow must
// be led the same way. The first packet's is pipeline_path_hash, as for a router without flows.
static uint32_t key_path_hash(const struct flow_key4 *key)
{
	uint64_t addresses = (uint64_t)key->src_be << 32 | key->dst_be;
	uint64_t ports = (uint64_t)key->dport_be << 16 | key->sport_be;

	return path_hash(addresses, ports << 8 | key->protocol);
}

static struct decision decide4(
	struct worker *w, const struct flow_key4 *key, uint8_t iface, bool from_host)
{
	const struct snapshot *snap = w->snap;
	struct decision d = {.new_src_be = key->src_be, .refused = COUNTER_COUNT};

	if (from_host) {
		d.code = NEXTHOP_LOCAL;
		d.out_iface = iface;
	} else {
		d.code = nexthop_resolve(
			w->fib, fib_lookup4(w->fib, key->dst_be), key_path_hash(key));
		if (d.code == NEXTHOP_LOCAL) {
			d.out_iface = FLOW_IFACE_HOST;
			return d;
		}
		d.out_iface = code_interface(w, d.code);
		if (d.out_iface == INTERFACE_NONE)
			return d;
		// Nobody reaches past the NAT from outside by knowing an inner address.
		if (conntrack_is_hidden4(snap, iface, key->dst_be)) {
			d.refused = COUNTER_DROP_NAT_UNSOLICITED;
			return d;
		}
	}
	if (masquerade_for(snap, d.out_iface, key->src_be) != NULL) {
		d.new_src_be = snap->interfaces[d.out_iface].primary4_be;
		if (d.new_src_be == 0)
			d.refused = COUNTER_DROP_NAT_NO_ADDRESS;
	}
	return d;
}

static bool is_tcp_opening(const struct packet *p)
{
	return (p->tcp_flags & (RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG)) == RTE_TCP_SYN_FLAG;
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
	flow_remove(&w->flows, flow);
	worker_count(w, COUNTER_FLOW_EVICTED);
	return flow_alloc(&w->flows);
}

struct flow_dir *conntrack_open4(struct worker *w, struct packet *p)
{
	bool from_host = p->flags & PACKET_FROM_HOST;
	struct decision d;
	struct flow_key4 reply;
	struct flow *flow;

	// From a port, no source may be what only a broadcast or we ourselves could have.
	if (!from_host && (ip4_source_is_bad(p->key4.src_be) ||
				  fib_lookup4(w->fib, p->key4.src_be) == NEXTHOP_LOCAL)) {
		worker_drop(w, p->m, COUNTER_DROP_IP4_SOURCE);
		return NULL;
	}
	d = decide4(w, &p->key4, (uint8_t)p->iface, from_host);
	if (d.refused == COUNTER_DROP_NAT_UNSOLICITED && pipeline_punt_offer(w, p))
		return NULL;
	if (d.refused != COUNTER_COUNT) {
		worker_drop(w, p->m, d.refused);
		return NULL;
	}
	if (d.out_iface == INTERFACE_NONE) {
		pipeline_no_route(w, p, d.code);
		return NULL;
	}
	if (d.code != NEXTHOP_LOCAL) {
		if (ip4_is_link_local(p->key4.src_be) && !from_host) {
			worker_drop(w, p->m, COUNTER_DROP_IP4_SOURCE);
			return NULL;
		}
		if (packet_ip4(p->m)->time_to_live <= 1) { // before it costs a flow
			pipeline_answer(w, p, ICMP_ERROR_TTL, 0, COUNTER_DROP_TTL);
			return NULL;
		}
		if (pipeline_options_are_bad(p)) {
			worker_drop(w, p->m, COUNTER_DROP_IP4_OPTIONS);
			return NULL;
		}
	}

	if (d.new_src_be != p->key4.src_be || from_host) {
		if (!nat_choose4(w, &p->key4, d.new_src_be, &reply)) {
			worker_drop(w, p->m, COUNTER_DROP_NAT_NO_PORT);
			return NULL;
		}
	} else {
		// Untranslated, the reply key is what it is. Taken already: an answer to a flow
		// that has ended, or two hosts of one address; it may not have another's flow.
		nat_reply_key4(&p->key4, &reply);
		if (flow_find4(&w->flows, &reply, flow_hash4(&w->flows, &reply)) != NULL) {
			worker_drop(w, p->m, COUNTER_DROP_NAT_NO_PORT);
			return NULL;
		}
	}
	flow = alloc_or_evict(w);
	if (flow == NULL) {
		worker_drop(w, p->m, COUNTER_DROP_FLOW_TABLE_FULL);
		return NULL;
	}
	nat_fill4(flow, &p->key4, &reply);
	flow_set_phase(&w->flows, flow, FLOW_UNREPLIED);
	flow->state.protocol = p->protocol;
	flow->state.in_iface = from_host ? FLOW_IFACE_HOST : (uint8_t)p->iface;
	flow->state.out_iface = d.out_iface;
	flow->state.created_sec = w->now_sec;
	flow->dir[0].nexthop = d.code;
	flow->dir[0].epoch = w->epoch;
	flow->dir[0].last_seen_sec = flow->dir[1].last_seen_sec = w->now_sec;
	flow->dir[1].epoch = w->epoch - 1; // its way is looked up when it is first gone
	flow->dir[1].flags |= FLOW_WATCH;  // the first reply changes the state
	if (from_host) {
		flow->dir[0].flags |= FLOW_FROM_HOST;
		flow->dir[1].flags |= FLOW_TO_HOST;
	} else if (d.code == NEXTHOP_LOCAL) {
		flow->dir[0].flags |= FLOW_TO_HOST;
		flow->dir[1].flags |= FLOW_FROM_HOST;
	}
	if (!flow_enter(&w->flows, flow, 0) || !flow_enter(&w->flows, flow, 1)) {
		flow_remove(&w->flows, flow);
		worker_drop(w, p->m, COUNTER_DROP_FLOW_TABLE_FULL);
		return NULL;
	}
	flow_timer_set(&w->flows, flow, w->now_sec + conntrack_timeout_sec(&flow->state));
	worker_count(w, COUNTER_FLOW_CREATED);
	return &flow->dir[0];
}

struct flow_dir *conntrack_review4(struct worker *w, struct packet *p, struct flow_dir *dir)
{
	struct flow *flow = flow_of(dir);
	const struct flow_key4 *key = &flow->dir[0].key4;
	bool from_host = flow->state.in_iface == FLOW_IFACE_HOST;
	struct decision d = decide4(
		w, key, from_host ? flow->state.out_iface : flow->state.in_iface, from_host);
	bool was_local = flow->state.out_iface == FLOW_IFACE_HOST;

	// Still the same flow if it leaves as the same address, to the same side of the house.
	if (d.refused != COUNTER_COUNT || d.new_src_be != flow->dir[0].new_src_be ||
		was_local != (d.out_iface == FLOW_IFACE_HOST)) {
		worker_count(w, COUNTER_FLOW_CUT);
		flow_remove(&w->flows, flow);
		return conntrack_open4(w, p);
	}
	flow->state.out_iface = d.out_iface;
	if (!(dir->flags & FLOW_IS_REPLY))
		dir->nexthop = d.code;
	else if (!(dir->flags & (FLOW_TO_HOST | FLOW_FROM_HOST)))
		dir->nexthop = nexthop_resolve(
			w->fib, fib_lookup4(w->fib, dir->new_dst_be), key_path_hash(&dir->key4));
	dir->epoch = w->epoch;
	return dir;
}

static enum flow_phase tcp_phase(const struct flow_state *state, bool is_reply, uint8_t tcp_flags)
{
	uint8_t both_fin = TCP_SEEN_FIN | TCP_SEEN_FIN << 1;

	if (tcp_flags & RTE_TCP_RST_FLAG)
		return FLOW_TCP_CLOSED;
	if ((state->tcp_seen & both_fin) == both_fin)
		return FLOW_TCP_CLOSED;
	if (!is_reply && state->state == FLOW_UNREPLIED)
		return FLOW_UNREPLIED; // a FIN of its own makes it no more worth keeping
	if (state->tcp_seen & both_fin)
		return FLOW_TCP_CLOSING;
	if (is_reply && state->state == FLOW_UNREPLIED)
		return FLOW_ASSURED;
	return (enum flow_phase)state->state;
}

void conntrack_watch(struct worker *w, const struct packet *p, struct flow_dir *dir)
{
	struct flow *flow = flow_of(dir);
	struct flow_state *state = &flow->state;
	bool is_reply = dir->flags & FLOW_IS_REPLY;
	enum flow_phase was = (enum flow_phase)state->state, phase = was;

	dir->flags &= (uint16_t)~FLOW_WATCH;
	if (state->protocol == IPPROTO_TCP) {
		if (p->tcp_flags & RTE_TCP_SYN_FLAG)
			state->tcp_seen |= TCP_SEEN_SYN << is_reply;
		if (p->tcp_flags & RTE_TCP_FIN_FLAG)
			state->tcp_seen |= TCP_SEEN_FIN << is_reply;
		if (is_tcp_opening(p) && was == FLOW_TCP_CLOSED) { // the ports are used again
			state->tcp_seen = TCP_SEEN_SYN << is_reply;
			phase = FLOW_UNREPLIED;
			flow->dir[is_reply ? 0 : 1].flags |= FLOW_WATCH;
		} else {
			phase = tcp_phase(state, is_reply, p->tcp_flags);
		}
	} else if (is_reply && was == FLOW_UNREPLIED) {
		phase = FLOW_ASSURED;
	}
	if (phase == was)
		return;
	flow_set_phase(&w->flows, flow, phase);
	flow_timer_set(&w->flows, flow, w->now_sec + conntrack_timeout_sec(state));
}

uint32_t conntrack_timeout_sec(const struct flow_state *state)
{
	switch (state->protocol) {
	case IPPROTO_TCP:
		switch ((enum flow_phase)state->state) {
		case FLOW_ASSURED:
			return TIMEOUT_TCP_ESTABLISHED_SEC;
		case FLOW_TCP_CLOSING:
			return TIMEOUT_TCP_CLOSING_SEC;
		case FLOW_TCP_CLOSED:
			return TIMEOUT_TCP_CLOSED_SEC;
		case FLOW_FREE:
		case FLOW_UNREPLIED:
			return TIMEOUT_TCP_UNREPLIED_SEC;
		}
		return TIMEOUT_TCP_UNREPLIED_SEC;
	case IPPROTO_UDP:
		return state->state == FLOW_ASSURED ? TIMEOUT_UDP_ASSURED_SEC
						    : TIMEOUT_UDP_UNREPLIED_SEC;
	case IPPROTO_ICMP:
		return TIMEOUT_ICMP_SEC;
	default:
		return TIMEOUT_OTHER_SEC;
	}
}

const char *conntrack_phase_name(const struct flow_state *state)
{
	bool is_tcp = state->protocol == IPPROTO_TCP;

	switch ((enum flow_phase)state->state) {
	case FLOW_UNREPLIED:
		return is_tcp ? "syn_sent" : "unreplied";
	case FLOW_ASSURED:
		return is_tcp ? "established" : "assured";
	case FLOW_TCP_CLOSING:
		return "closing";
	case FLOW_TCP_CLOSED:
		return "closed";
	case FLOW_FREE:
		break;
	}
	return "free";
}
