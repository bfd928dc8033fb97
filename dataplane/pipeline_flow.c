// SPDX-License-Identifier: BSD-3-Clause
// The way of packets that belong to flows. Established ones take the straight one: key, bucket,
// line of the flow, rewrite, send.
#include "dataplane/pipeline_private.h"

#include "dataplane/compiled_policy.h"
#include "dataplane/conntrack.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/decision.h"
#include "dataplane/fragment.h"
#include "dataplane/helper.h"
#include "dataplane/host.h"
#include "dataplane/hygiene.h"
#include "dataplane/nat.h"
#include "dataplane/nat_icmp.h"
#include "dataplane/owner.h"
#include "dataplane/pipeline_forward.h"
#include "dataplane/pipeline_mark.h"
#include "dataplane/tcp_track.h"
#include "dataplane/ways.h"

// What a flood cannot make: a flow that its receiver answered, or an answer to what we began.
static enum punt_reason flow_punt_reason(const struct flow_dir *dir)
{
	enum flow_phase phase = (enum flow_phase)flow_of(dir)->state.state;

	return flow_phase_is_spare(phase) && !(dir->flags & FLOW_IS_REPLY) ? PUNT_REASON_NEW
									   : PUNT_REASON_FLOW;
}

// To or from the host stack: TTL and layer 2 are the kernel's.
static void flow_host(struct worker *w, struct packet *p, struct flow_dir *dir)
{
	if ((dir->flags & FLOW_HAS_HELPER) &&
		!helper_pass(w, p, dir, w->snap->interfaces[p->iface].mtu))
		return;
	flow_count(w, p, dir);
	nat_translate(p, dir);
	if (dir->flags & FLOW_TO_HOST)
		host_punt_as(w, (uint8_t)p->iface, p->m, flow_punt_reason(dir));
	else
		pipeline_send_host(w, (uint8_t)p->iface, p->m);
}

// A flow's packet that cannot take the straight way: no adjacency, not resolved, TTL, size,
// or the host stack at one end.
static void flow_slow(struct worker *w, struct packet *p, struct flow_dir *dir)
{
	struct ip_addr dst;
	uint16_t i;

	if ((dir->flags & FLOW_FROM_HOST) && !(p->flags & PACKET_FROM_HOST)) {
		worker_drop(w, p->m,
			p->kind == PACKET_IP6 ? COUNTER_DROP_IP6_SOURCE
					      : COUNTER_DROP_IP4_SOURCE); // claims our address
		return;
	}
	if ((dir->flags & FLOW_TO_HOST) || conntrack_leaves_as_host_said(dir)) {
		flow_host(w, p, dir);
		return;
	}
	dst = flow_tuple_translated(dir).dst;
	i = pipeline_neighbour(w, p, dir->nexthop, &dst);
	if (i == ADJACENCY_NONE)
		return;
	dir->nexthop = NEXTHOP_ADJACENCY_BASE + i; // the next packet goes straight
	if ((dir->flags & FLOW_HAS_HELPER) && !helper_pass(w, p, dir, w->adjacencies[i].mtu))
		return;
	worker_use_adjacency(w, i);
	flow_count(w, p, dir);
	nat_translate(p, dir);
	pipeline_transmit(w, p, i);
}

// By another interface than the flow's others. An answer may take another uplink than its question;
// else the sender must be one who could begin a flow there. False: it has gone.
static bool may_come_by(struct worker *w, struct packet *p, const struct flow_dir *dir)
{
	const struct interface *usual =
		&w->snap->interfaces[(dir->flags & FLOW_IFACE_MASK) >> FLOW_IFACE_SHIFT];
	enum counter refused;

	if (p->flags & PACKET_FROM_HOST ||
		(usual->is_outside && w->snap->interfaces[p->iface].is_outside))
		return true;
	ways_find_one(w, p);
	refused = hygiene_addresses(w, p);
	if (refused != COUNTER_COUNT)
		worker_drop(w, p->m, refused);
	return refused == COUNTER_COUNT;
}

// Judged under another epoch, or by another interface. NULL: it has gone.
static __rte_noinline struct flow_dir *look_again(
	struct worker *w, struct packet *p, struct flow_dir *dir)
{
	if ((dir->flags ^ p->flags) & FLOW_IFACE_MASK && !may_come_by(w, p, dir))
		return NULL;
	return dir->epoch != w->epoch ? conntrack_review(w, p, dir) : dir;
}

// Judged and followed: one rewrite, and out. Twins by a constant, as forward_burst.
static __rte_always_inline void flow_send(
	struct worker *w, struct packet *p, struct flow_dir *dir, const bool is_ip6)
{
	const struct adjacency *adj;

	adj = &w->adjacencies[(uint16_t)(dir->nexthop - NEXTHOP_ADJACENCY_BASE) % ADJACENCIES_MAX];
	if (unlikely((dir->flags & FLOW_GOES_SLOW) || !nexthop_is_adjacency(dir->nexthop) ||
		     packet_hops(p) <= 1 || p->ip_len > adj->mtu || p->m->nb_segs > 1 ||
		     (!is_ip6 && p->l4_offset != L3_OFFSET + sizeof(struct rte_ipv4_hdr)) ||
		     !worker_knows(w, adj))) {
		flow_slow(w, p, dir);
		return;
	}
	worker_use_adjacency(w, dir->nexthop - NEXTHOP_ADJACENCY_BASE);
	flow_count(w, p, dir);
	if (is_ip6)
		packet_ip6(p->m)->hop_limits--;
	else
		flow_rewrite4(p, dir);
	adjacency_write_eth(adj, packet_eth(p->m));
	worker_send(w, adj->iface, p->m);
}

// The established packet: one flow line, one rewrite.
static __rte_always_inline void flow_forward(
	struct worker *w, struct packet *p, struct flow_dir *dir, const bool is_ip6)
{
	// one branch for both: neither is true of most packets
	if (unlikely((dir->epoch ^ w->epoch) | ((dir->flags ^ p->flags) & FLOW_IFACE_MASK))) {
		dir = look_again(w, p, dir);
		if (dir == NULL)
			return;
	}
	if (unlikely(!tcp_track_follow(p, dir))) {
		dir = conntrack_watch(w, p, dir);
		if (dir == NULL)
			return;
	}
	flow_send(w, p, dir, is_ip6);
}

// Would an error about no flow of ours pass a translation that knows nothing of it?
static bool error_crosses_nat(const struct worker *w, const struct packet *p, uint16_t code)
{
	const struct nat_rules *nat = w->snap->policy->nat;
	struct flow_tuple tuple = flow_tuple_of_packet(p);
	uint8_t out = decide_interface(w, code);

	return nat_rules_hides(
		       nat, w->snap, w->now_sec, (uint8_t)p->iface, &tuple.dst, &tuple.src) ||
	       (out != INTERFACE_NONE &&
		       nat_rules_hides(nat, w->snap, w->now_sec, out, &tuple.src, &tuple.dst));
}

// What nobody is to heed. Source quench is ignored by hosts and routers alike (RFC 6633 3, 4). A
// redirect is about the way out of its own link (RFC 1122 3.2.2.2): another router's is for nobody
// behind this one, and this one's ways are its own (RFC 1812 5.2.7.2).
static enum counter error_refused(uint8_t kind, uint8_t type)
{
	if (kind == PACKET_IP4 && type == ICMP4_SOURCE_QUENCH)
		return COUNTER_DROP_SOURCE_QUENCH;
	if (kind == PACKET_IP4 && type == ICMP4_REDIRECT)
		return COUNTER_DROP_REDIRECT;
	return COUNTER_COUNT;
}

// About no flow that we know: for who may begin one.
static void stray_icmp_error(struct worker *w, struct packet *p)
{
	enum counter refused =
		w->snap->policy->has_firewall ? COUNTER_DROP_ICMP_UNRELATED : hygiene_check(w, p);
	uint16_t code = pipeline_way(w, p);

	if (refused == COUNTER_COUNT && code == NEXTHOP_LOCAL) {
		host_punt_as(w, (uint8_t)p->iface, p->m, PUNT_REASON_NEW);
		return;
	}
	// neither in past the NAT, nor out of it with an inner address
	if (refused == COUNTER_COUNT && error_crosses_nat(w, p, code))
		refused = COUNTER_DROP_ICMP_UNRELATED;
	if (refused != COUNTER_COUNT)
		worker_drop(w, p->m, refused);
	else
		pipeline_plain_slow(w, p, code);
}

// ICMP errors travel with the flow of the packet they quote.
static void flow_icmp_error(struct worker *w, struct packet *p)
{
	const uint8_t *icmp = packet_l4(p);
	enum counter refused = error_refused(p->kind, icmp[0]);
	struct flow_dir *dir = NULL;
	uint16_t code;
	int found;

	if (refused != COUNTER_COUNT) {
		worker_drop(w, p->m, refused);
		return;
	}
	ways_find_one(w, p);
	if (pipeline_source_is_bad(w, p)) {
		worker_drop(w, p->m,
			p->kind == PACKET_IP6 ? COUNTER_DROP_IP6_SOURCE : COUNTER_DROP_IP4_SOURCE);
		return;
	}
	found = nat_icmp_error(w, p, &dir);
	if (found < 0) {
		worker_drop(w, p->m, (enum counter)p->reason);
		return;
	}
	if (found == 0) {
		if (!owner_went_home(w, p))
			stray_icmp_error(w, p);
		return;
	}
	if (dir->flags & FLOW_TO_HOST) {
		host_punt_as(w, (uint8_t)p->iface, p->m,
			icmp_tells_mtu(p->kind == PACKET_IP6, icmp[0], icmp[1]) ? PUNT_REASON_MTU
										: PUNT_REASON_NEW);
		return;
	}
	p->flags |= PACKET_IS_TRANSLATED;
	code = pipeline_way(w, p);
	if (decide_leaks(w, dir, code))
		worker_drop(w, p->m, COUNTER_DROP_REVERSE_PATH);
	else
		pipeline_plain_slow(w, p, code);
}

// Fragments are put together first: without ports nobody knows whose they are. False: it is an
// ordinary packet after all.
static bool flow_odd(struct worker *w, struct packet *p)
{
	struct rte_mbuf *whole;

	if ((p->flags & PACKET_HAS_ROUTING0) &&
		(w->snap->interfaces[p->iface].hygiene & DP_HYGIENE_ROUTING_HEADER)) {
		worker_drop(w, p->m, COUNTER_DROP_ROUTING_HEADER);
		return true;
	}
	if (p->flags & PACKET_IS_FRAGMENT) {
		p->m->port = p->iface;
		whole = p->kind == PACKET_IP6 ? reassembly_add6(w, p->m) : reassembly_add4(w, p->m);
		if (whole != NULL)
			pipeline_reinject(w, (uint8_t)p->iface, whole);
		return true;
	}
	if (p->flags & PACKET_IS_ICMP_ERROR)
		flow_icmp_error(w, p);
	return p->flags & PACKET_IS_ICMP_ERROR;
}

static __rte_always_inline uint64_t packet_hash(
	const struct flow_table *table, const struct packet *p, const bool is_ip6)
{
	return is_ip6 ? flow_hash6(table, packet_ip6(p->m)->src_addr, p->tail6)
		      : flow_hash4(table, &p->key4);
}

static __rte_always_inline bool is_packet_of(
	const struct flow_dir *dir, const struct packet *p, const bool is_ip6)
{
	return is_ip6 ? flow_key6_equal(&dir->key6, packet_ip6(p->m)->src_addr, p->tail6)
		      : flow_key4_equal(&dir->key4, &p->key4);
}

// FLOW_SLOT_NONE and _AWAY of packets whose ways are found; all slots of flows are below.
enum {
	SLOT_NONE_READY = UINT32_MAX - 2,
	SLOT_AWAY_READY = UINT32_MAX - 3,
};

// What takes its time to come, for all that have no flow by what the probe says: from the first of
// them on.
static void look_ahead(
	struct worker *w, struct packet *const *list, uint32_t *slots, unsigned n, bool is_ip6)
{
	struct packet *first[BURST];
	unsigned n_first = 0;

	for (unsigned i = 0; i < n; i++)
		if (slots[i] >= FLOW_SLOT_AWAY) {
			slots[i] = slots[i] == FLOW_SLOT_NONE ? SLOT_NONE_READY : SLOT_AWAY_READY;
			first[n_first++] = list[i];
		}
	conntrack_look_ahead(w, first, n_first, is_ip6);
}

// The first packet of a flow, by the long way.
static void begin(struct worker *w, struct packet *p, bool is_ip6)
{
	struct flow_dir *dir = conntrack_open(w, p);

	if (dir != NULL && (dir->flags & FLOW_WATCH) && !tcp_track_begins(p))
		dir = conntrack_watch(w, p, dir);
	if (dir != NULL && is_ip6)
		flow_send(w, p, dir, true);
	else if (dir != NULL)
		flow_send(w, p, dir, false);
}

// Its flow by the whole search, of the first of `list`: unless the probe said that there is none,
// and none has begun since `n_begun`. NULL: it has begun one, or gone elsewhere.
static __rte_noinline struct flow_dir *find_or_begin(struct worker *w, struct packet *const *list,
	uint32_t *slots, unsigned n, uint32_t n_begun, bool is_ip6)
{
	bool was_none = slots[0] == FLOW_SLOT_NONE || slots[0] == SLOT_NONE_READY;
	struct flow_dir *dir = NULL;
	struct packet *p = list[0];

	if (!was_none || flow_n_begun(&w->flows) != n_begun)
		dir = is_ip6 ? flow_find6(&w->flows, packet_ip6(p->m)->src_addr, p->tail6, p->hash)
			     : flow_find4(&w->flows, &p->key4, p->hash);
	if (dir != NULL || (w->snap->may_cross && owner_went_home(w, p)))
		return dir;
	if (slots[0] >= FLOW_SLOT_AWAY)
		look_ahead(w, list, slots, n, is_ip6);
	else if (slots[0] < SLOT_AWAY_READY)
		ways_find_one(w, p);
	begin(w, p, is_ip6);
	return NULL;
}

static __rte_always_inline void flow_burst(
	struct worker *w, struct packet **list, unsigned n, const bool is_ip6)
{
	uint32_t slots[BURST], n_begun;
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		struct packet *p = list[i];

		if (unlikely(is_ip6 ? !packet_key6(p) : !packet_key4(p))) {
			worker_drop(w, p->m, (enum counter)p->reason);
			continue;
		}
		if (unlikely(!(p->flags & PACKET_IS_OWNED) && !owner_keep(w, p)))
			continue;
		if (unlikely(p->flags &
			     (PACKET_IS_FRAGMENT | PACKET_IS_ICMP_ERROR | PACKET_HAS_ROUTING0)) &&
			flow_odd(w, p))
			continue;
		p->hash = packet_hash(&w->flows, p, is_ip6);
		flow_prefetch_bucket(&w->flows, p->hash);
		list[kept++] = p;
	}
	pipeline_mark(PIPELINE_KEY);
	n_begun = flow_n_begun(&w->flows);
	for (unsigned i = 0; i < kept; i++)
		slots[i] = flow_probe(&w->flows, list[i]->hash);
	pipeline_mark(PIPELINE_PROBE);
	for (unsigned i = 0; i < kept; i++) {
		struct packet *p = list[i];
		struct flow_dir *dir = NULL;

		// An earlier packet of this burst may have begun or ended the flow since the
		// probe: a freed line's key is dead, so the full search decides.
		if (likely(slots[i] < SLOT_AWAY_READY))
			dir = flow_dir_at(&w->flows, slots[i]);
		if (unlikely(dir == NULL || !is_packet_of(dir, p, is_ip6))) {
			dir = find_or_begin(w, list + i, slots + i, kept - i, n_begun, is_ip6);
			if (dir == NULL)
				continue;
		}
		flow_forward(w, p, dir, is_ip6);
	}
	pipeline_mark(PIPELINE_FLOW);
}

void pipeline_flow4(struct worker *w, struct packet **list, unsigned n)
{
	flow_burst(w, list, n, false);
}

void pipeline_flow6(struct worker *w, struct packet **list, unsigned n)
{
	flow_burst(w, list, n, true);
}

void pipeline_flow_host(struct worker *w, struct packet *p)
{
	bool is_ip6 = p->kind == PACKET_IP6;
	uint32_t slot = FLOW_SLOT_AWAY;
	struct flow_dir *dir;

	p->hash = packet_hash(&w->flows, p, is_ip6);
	dir = find_or_begin(w, &p, &slot, 1, 0, is_ip6);
	if (dir != NULL && is_ip6)
		flow_forward(w, p, dir, true);
	else if (dir != NULL)
		flow_forward(w, p, dir, false);
}
