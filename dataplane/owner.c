// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/owner.h"

#include "dataplane/dataplane_internal.h"
#include "dataplane/nat.h"
#include "drivers/steering.h"

static uint16_t owner_by_address(uint32_t addr_be, uint16_t n_workers)
{
	return (uint16_t)(((uint64_t)(addr_be * 0x9e3779b1u) * n_workers) >> 32);
}

static bool has_ports(const struct packet *p)
{
	return !(p->flags & PACKET_IS_ICMP_ERROR) &&
	       (protocol_has_ports(p->protocol) || p->key4.kind != FLOW_KEY_PLAIN);
}

uint16_t owner_of4(const struct packet *p, bool is_outside, bool from_host, uint16_t n_workers)
{
	const struct flow_key4 *key = &p->key4;
	// what leaves towards the internet has our port as its source, what comes in from there
	// as its destination; on the inside it is the other way round
	bool ours_is_source = is_outside == from_host;
	uint16_t port_be;

	if (p->flags &
		PACKET_IS_FRAGMENT) // all pieces meet somewhere; the whole goes on from there
		return owner_by_address(key->src_be ^ key->dst_be, n_workers);
	if (p->flags & PACKET_IS_ICMP_ERROR)
		port_be = nat_icmp_error_port4(p, is_outside);
	else
		port_be = ours_is_source ? key->sport_be : key->dport_be;
	// port 0 and identifier 0 are numbers like any other
	if (port_be == 0 && !has_ports(p))
		return owner_by_address(ours_is_source ? key->dst_be : key->src_be, n_workers);
	return steering_worker(steering_bucket(rte_be_to_cpu_16(port_be)), n_workers);
}

void owner_hand_over(
	struct worker *w, uint16_t to, struct rte_mbuf *m, enum inbox_kind kind, uint8_t iface)
{
	m->packet_type = kind;
	m->port = iface;
	if (rte_ring_mp_enqueue(w->dp->workers[to].inbox, m) != 0) {
		worker_drop(w, m, COUNTER_DROP_HANDOVER_FULL);
		return;
	}
	if (to == w->index)
		return;
	w->handed_over++;
	worker_wake(&w->dp->workers[to]);
}

bool owner_keep4(struct worker *w, struct packet *p)
{
	uint16_t owner;

	if ((p->flags & (PACKET_IS_STEERED | PACKET_IS_FRAGMENT)) == PACKET_IS_STEERED &&
		(p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP))
		return true;
	owner = owner_of4(p, w->snap->interfaces[p->iface].is_outside, false, w->n_workers);
	if (owner == w->index)
		return true;
	owner_hand_over(w, owner, p->m, INBOX_RX, (uint8_t)p->iface);
	return false;
}
