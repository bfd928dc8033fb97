// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/owner.h"

#include <string.h>

#include "dataplane/dataplane_internal.h"
#include "dataplane/nat_icmp.h"
#include "drivers/steering.h"

static uint16_t owner_by_hash(uint32_t hash, uint16_t n_workers)
{
	return (uint16_t)(((uint64_t)(hash * 0x9e3779b1u) * n_workers) >> 32);
}

static uint32_t address_word(const struct packet *p, bool is_source)
{
	const struct rte_ipv6_hdr *ip;
	uint32_t words[4]; // a copy: in the frame they are aligned to two bytes

	if (p->kind != PACKET_IP6)
		return is_source ? p->key4.src_be : p->key4.dst_be;
	ip = packet_ip6(p->m);
	memcpy(words, is_source ? ip->src_addr : ip->dst_addr, sizeof(words));
	return words[0] ^ words[1] ^ words[2] ^ words[3];
}

static uint16_t key_port(const struct packet *p, bool is_source)
{
	if (p->kind == PACKET_IP6)
		return (uint16_t)(is_source ? p->tail6 : p->tail6 >> 16);
	return is_source ? p->key4.sport_be : p->key4.dport_be;
}

static bool has_ports(const struct packet *p)
{
	uint8_t kind = p->kind == PACKET_IP6 ? (uint8_t)(p->tail6 >> 40) : p->key4.kind;

	return !(p->flags & PACKET_IS_ICMP_ERROR) &&
	       (protocol_has_ports(p->protocol) || kind != FLOW_KEY_PLAIN);
}

uint16_t owner_of(const struct packet *p, bool is_outside, bool from_host, uint16_t n_workers)
{
	// what leaves towards the internet has our port as its source, what comes in from there
	// as its destination; on the inside it is the other way round
	bool ours_is_source = is_outside == from_host;
	uint16_t port_be;

	if (p->flags &
		PACKET_IS_FRAGMENT) // all pieces meet somewhere; the whole goes on from there
		return owner_by_hash(address_word(p, true) ^ address_word(p, false), n_workers);
	if (p->flags & PACKET_IS_ICMP_ERROR)
		port_be = nat_icmp_error_port(p, ours_is_source);
	else
		port_be = key_port(p, ours_is_source);
	// port 0 and identifier 0 are numbers like any other
	if (port_be == 0 && !has_ports(p))
		return owner_by_hash(address_word(p, !ours_is_source), n_workers);
	return steering_worker(steering_bucket(rte_be_to_cpu_16(port_be)), n_workers);
}

// --- packets on their way home ---
//
// A flow may end at its worker, evicted say, while packets of it are on their way there. The next
// one finds no hint of the flow, and if it began one here it would overtake them: it goes after
// them instead, and the flow begins anew there.

// Still in the buffer: further than the other worker gets in any turn of this one, which may be
// interrupted for as long as another thread has its core.
enum { HOME_NOT_YET = 1 << 30 };

static uint32_t home_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

static struct homeward *homeward_of(struct worker *w, uint64_t hash)
{
	return &w->homeward[hash % HOMEWARD_SETS];
}

static uint32_t home_done(const struct worker *w, unsigned to)
{
	return atomic_load_explicit(&w->dp->workers[to].inbox_done, memory_order_acquire);
}

// How far the worker has still to go; none: through with it.
static int32_t home_ahead(const struct worker *w, const struct homeward *set, unsigned way)
{
	return (int32_t)(set->tickets[way] - home_done(w, set->to[way]));
}

static int home_under_way(struct worker *w, uint64_t hash)
{
	const struct homeward *set = homeward_of(w, hash);

	for (unsigned way = 0; way < HOMEWARD_WAYS; way++)
		if (set->tags[way] == home_tag(hash) && home_ahead(w, set, way) > 0)
			return set->to[way];
	return -1;
}

// The flow's own place, or that of the one which is through first.
static unsigned home_place(const struct worker *w, const struct homeward *set, uint64_t hash)
{
	unsigned best = 0;

	for (unsigned way = 0; way < HOMEWARD_WAYS; way++) {
		if (set->tags[way] == home_tag(hash))
			return way;
		if (home_ahead(w, set, way) < home_ahead(w, set, best))
			best = way;
	}
	return best;
}

// What other workers have put there meanwhile is only waited for as well. A place may have been
// given to a flow of another worker since.
static void home_stamp(struct worker *w, uint16_t to)
{
	struct handover_buffer *buffer = &w->handover[to];
	const struct rte_ring *inbox = w->dp->workers[to].inbox;
	uint32_t position = __atomic_load_n(&inbox->prod.tail, __ATOMIC_RELAXED);

	for (uint16_t i = 0; i < buffer->n_home; i++) {
		struct homeward *set = &w->homeward[buffer->home_places[i] / HOMEWARD_WAYS];
		unsigned way = buffer->home_places[i] % HOMEWARD_WAYS;

		if (set->to[way] == to)
			set->tickets[way] = position;
	}
	buffer->n_home = 0;
}

static void send_home(struct worker *w, uint16_t to, const struct packet *p)
{
	struct handover_buffer *buffer = &w->handover[to];
	struct homeward *set = homeward_of(w, p->hash);
	unsigned way = home_place(w, set, p->hash);

	owner_hand_over(w, to, p->m, p->flags & PACKET_FROM_HOST ? INBOX_HOST_HOME : INBOX_HOME,
		(uint8_t)p->iface);
	set->tags[way] = home_tag(p->hash);
	set->to[way] = (uint8_t)to;
	set->tickets[way] = home_done(w, to) + HOME_NOT_YET;
	buffer->home_places[buffer->n_home++] =
		(uint16_t)((set - w->homeward) * HOMEWARD_WAYS + way);
}

// --- handing over ---

// The ring is shared by all who give, and the wake-up is a system call: once for a burst.
void owner_flush_to(struct worker *w, uint16_t to)
{
	struct handover_buffer *buffer = &w->handover[to];
	struct worker *taker = &w->dp->workers[to];
	unsigned n =
		rte_ring_mp_enqueue_burst(taker->inbox, (void **)buffer->pkts, buffer->n, NULL);

	for (unsigned i = n; i < buffer->n; i++)
		worker_drop(w, buffer->pkts[i], COUNTER_DROP_HANDOVER_FULL);
	if (buffer->n_home > 0)
		home_stamp(w, to);
	buffer->n = 0;
	w->handover_pending &= ~(UINT64_C(1) << to);
	if (to == w->index || n == 0)
		return;
	w->handed_over += n;
	worker_wake(taker);
}

void owner_hand_over(
	struct worker *w, uint16_t to, struct rte_mbuf *m, enum inbox_kind kind, uint8_t iface)
{
	struct handover_buffer *buffer = &w->handover[to];

	m->packet_type = kind;
	m->port = iface;
	if (unlikely(buffer->n == BURST))
		owner_flush_to(w, to);
	buffer->pkts[buffer->n++] = m;
	w->handover_pending |= UINT64_C(1) << to;
}

bool owner_keep(struct worker *w, struct packet *p)
{
	uint16_t owner;

	if ((p->flags & (PACKET_IS_STEERED | PACKET_IS_FRAGMENT)) == PACKET_IS_STEERED &&
		(p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP))
		return true;
	owner = owner_of(p, w->snap->interfaces[p->iface].is_outside, false, w->n_workers);
	if (owner == w->index)
		return true;
	owner_hand_over(w, owner, p->m, INBOX_RX, (uint8_t)p->iface);
	return false;
}

int owner_elsewhere(const struct worker *w, uint64_t hash)
{
	for (uint16_t i = 1; i < w->n_workers; i++) {
		uint16_t to = (uint16_t)((w->index + i) % w->n_workers);

		if (flow_index_hints(&w->dp->workers[to].flows.keys, hash))
			return to;
	}
	return -1;
}

// In this order: what is under way may begin the flow there, and be done before hints are looked
// for.
bool owner_went_home(struct worker *w, const struct packet *p)
{
	int to;

	if (!w->snap->may_cross || (p->flags & PACKET_IS_HOME))
		return false;
	to = home_under_way(w, p->hash);
	if (to < 0)
		to = owner_elsewhere(w, p->hash);
	if (to < 0)
		return false;
	send_home(w, (uint16_t)to, p);
	return true;
}
