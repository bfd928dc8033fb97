// SPDX-License-Identifier: BSD-3-Clause
// The life of a packet, top to bottom:
//
//   vlan_rx          frames of a port        the interface of each, its tag off
//   pipeline_rx      frames of an interface  parse, count, find the owner
//   pipeline_owned   handed over, or held    the same without asking for the owner
//   pipeline_host    from the kernel's TAP   to the flow table, then out
//
//   pipeline_flow.c  key -> bucket -> flow line -> translate, TTL, layer 2 -> send
//                    no flow: conntrack_open, the long way, then the same
//   pipeline_plain.c FIB -> TTL, layer 2 -> send
//
// What is not unicast IP to our MAC goes to the host stack under a budget, or is dropped by name.
#include "dataplane/pipeline.h"

#include "dataplane/conntrack.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/firewall.h"
#include "dataplane/fragment.h"
#include "dataplane/hold.h"
#include "dataplane/host.h"
#include "dataplane/hygiene.h"
#include "dataplane/nat_icmp.h"
#include "dataplane/observe.h"
#include "dataplane/owner.h"
#include "dataplane/parse.h"
#include "dataplane/pipeline_forward.h"
#include "dataplane/pipeline_mark.h"
#include "dataplane/pipeline_private.h"
#include "dataplane/vlan.h"
#include "dataplane/ways.h"

// --- finished packets ---

static void send_finished(
	struct worker *w, struct rte_mbuf *m, uint16_t code, const struct ip_addr *dst)
{
	uint16_t i;
	uint8_t iface;

	if (nexthop_is_adjacency(code)) {
		i = code - NEXTHOP_ADJACENCY_BASE;
		iface = w->adjacencies[i].iface;
		if (!worker_knows(w, &w->adjacencies[i])) {
			hold_packet(w, m, iface, &w->adjacencies[i].addr, INTERFACE_NONE,
				HOLD_FINISHED);
			return;
		}
	} else if (nexthop_is_connected(code)) {
		iface = (uint8_t)(code - NEXTHOP_CONNECTED_BASE);
		i = adjacency_find(&w->dp->adjacencies, iface, dst);
		if (i == ADJACENCY_NONE || !worker_knows(w, &w->adjacencies[i])) {
			hold_packet(w, m, iface, dst, INTERFACE_NONE, HOLD_FINISHED);
			return;
		}
	} else {
		worker_drop(w, m, COUNTER_DROP_NO_ROUTE);
		return;
	}
	worker_use_adjacency(w, i);
	adjacency_write_eth(&w->adjacencies[i], packet_eth(m));
	worker_send(w, iface, m);
}

void pipeline_send4(struct worker *w, struct rte_mbuf *m, uint16_t code)
{
	struct ip_addr dst = {.family = IP_V4};

	memcpy(dst.v4, &packet_ip4(m)->dst_addr, 4);
	send_finished(w, m, code, &dst);
}

void pipeline_send6(struct worker *w, struct rte_mbuf *m, uint16_t code)
{
	struct ip_addr dst = {.family = IP_V6};

	memcpy(dst.v6, packet_ip6(m)->dst_addr, 16);
	send_finished(w, m, code, &dst);
}

// --- entry ---

// Frames for the host stack by their kind: ARP, multicast, broadcast. Of IP, hygiene and the
// firewall have a say: the kernel asks for no way back (tap.c).
static void to_host(struct worker *w, struct packet *p)
{
	enum counter reason = (enum counter)p->reason, unsound;

	if (w->snap->tracks && packet_is_ip_for_host(p)) {
		if (!packet_parse_for_host(p)) {
			worker_drop(w, p->m, (enum counter)p->reason);
			return;
		}
		ways_find_one(w, p);
		unsound = hygiene_check(w, p);
		if (unsound != COUNTER_COUNT) {
			worker_drop(w, p->m, unsound);
			return;
		}
		if (!firewall_admits(w, p))
			return;
	}
	host_punt(w, (uint8_t)p->iface, p->m, reason);
}

enum { PREFETCH_AHEAD = 6 };

// `is_rx`: fresh from a port, to be counted, and in one buffer each. `is_shown`: to those who look
// at packets, already.
static __rte_always_inline void run(struct worker *w, uint8_t iface, struct rte_mbuf **pkts,
	unsigned n, uint16_t flags, const bool is_rx, const bool is_shown)
{
	const struct snapshot *snap = w->snap;
	uint64_t own_mac_word = snap->interfaces[iface].mac_word;
	struct packet *list4[BURST], *list6[BURST];
	unsigned n4 = 0, n6 = 0;
	uint64_t bytes = 0;

	flags |= (uint16_t)(iface << FLOW_IFACE_SHIFT);
	if (!is_shown && unlikely(w->observers != NULL))
		observe_arrive(w, iface, pkts, n, is_rx);
	for (unsigned i = 0; i < RTE_MIN(n, (unsigned)PREFETCH_AHEAD); i++)
		rte_prefetch0(rte_pktmbuf_mtod(pkts[i], void *));
	for (unsigned i = 0; i < n; i++) {
		struct packet *p = &w->burst[i];
		struct rte_mbuf *m = pkts[i];
		uint8_t kind;

		if (i + PREFETCH_AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(pkts[i + PREFETCH_AHEAD], void *));
		bytes += m->pkt_len;
		p->m = m;
		p->flags = flags;
		p->iface = iface;
		if (is_rx && unlikely(m->nb_segs != 1))
			kind = packet_refuse(p, COUNTER_DROP_SEGMENTED);
		else
			kind = packet_parse(p, own_mac_word);
		if (likely(kind == PACKET_IP4))
			list4[n4++] = p;
		else if (likely(kind == PACKET_IP6))
			list6[n6++] = p;
		else if (kind == PACKET_HOST)
			to_host(w, p);
		else
			worker_drop(w, m, (enum counter)p->reason);
	}
	if (is_rx) {
		w->interface_counters[iface].rx_packets += n;
		w->interface_counters[iface].rx_bytes += bytes;
		w->rx_packets += n;
	}
	pipeline_mark(PIPELINE_PARSE);
	if (snap->tracks) {
		pipeline_flow4(w, list4, n4);
		pipeline_flow6(w, list6, n6);
		if (w->n_refused > 0)
			worker_free_refused(w);
		return;
	}
	if (n4 > 0)
		pipeline_plain4(w, list4, n4);
	if (n6 > 0)
		pipeline_plain6(w, list6, n6);
}

static uint16_t rx_flags(const struct worker *w, uint8_t iface)
{
	if (w->n_workers == 1)
		return PACKET_IS_OWNED;
	return w->snap->interfaces[iface].steers_by_rss ? PACKET_IS_STEERED : 0;
}

void pipeline_rx(struct worker *w, uint8_t iface, struct rte_mbuf **pkts, unsigned n)
{
	run(w, iface, pkts, n, rx_flags(w, iface), true, false);
}

// They are shown as they came. One without a tag here may have lain on another queue than those
// with one.
void pipeline_rx_trunk(struct worker *w, uint8_t iface, struct rte_mbuf **pkts, unsigned n)
{
	uint16_t flags = rx_flags(w, iface);

	if (unlikely(w->observers != NULL))
		observe_arrive(w, iface, pkts, n, true);
	for (unsigned i = 0; i < n; i++) {
		if (likely(vlan_is_tagged(pkts[i]))) {
			vlan_take_off(pkts[i]);
			flags &= (uint16_t)~PACKET_IS_STEERED;
		}
	}
	run(w, iface, pkts, n, flags, true, true);
}

void pipeline_owned(
	struct worker *w, uint8_t iface, struct rte_mbuf **pkts, unsigned n, bool is_home)
{
	run(w, iface, pkts, n, is_home ? PACKET_IS_OWNED | PACKET_IS_HOME : PACKET_IS_OWNED, false,
		false);
}

void pipeline_whole(struct worker *w, uint8_t iface, struct rte_mbuf *m)
{
	run(w, iface, &m, 1, w->n_workers == 1 ? PACKET_IS_OWNED : 0, false, false);
}

// The kernel's own fragments: the whole goes to the owner of its flow.
static void host_fragment(struct worker *w, uint8_t iface, struct rte_mbuf *m)
{
	struct packet whole = {.m = reassembly_add_host(w, m), .iface = iface};

	if (whole.m == NULL)
		return;
	if (!packet_parse_from_host(&whole)) {
		worker_drop(w, whole.m, (enum counter)whole.reason);
		return;
	}
	owner_hand_over(w,
		owner_of(&whole, w->snap->interfaces[iface].is_outside, true, w->n_workers),
		whole.m, INBOX_HOST, iface);
}

// The kernel's own ICMP error needs no flow, for it carries our address; but what it quotes may
// have come by a translation, of which its sender knows nothing.
static void host_error(struct worker *w, struct packet *p)
{
	struct flow_dir *dir = NULL;
	int found = nat_icmp_error(w, p, &dir);

	if (found < 0) {
		worker_drop(w, p->m, (enum counter)p->reason);
	} else if (found > 0 && !conntrack_leaves_as_host_said(dir)) {
		p->flags |= PACKET_IS_TRANSLATED;
		pipeline_plain_slow(w, p, pipeline_way(w, p));
	} else if (found > 0 || !owner_went_home(w, p)) {
		pipeline_send_host(w, (uint8_t)p->iface, p->m);
	}
}

void pipeline_host(
	struct worker *w, uint8_t iface, struct rte_mbuf **pkts, unsigned n, bool is_home)
{
	if (unlikely(w->observers != NULL))
		observe_arrive(w, iface, pkts, n, false);
	for (unsigned i = 0; i < n; i++) {
		struct packet *p = &w->burst[i];

		if (!is_home && pkts[i]->nb_segs == 1) // else it was, or its pieces were
			worker_count(w, COUNTER_HOST_SENT);
		p->m = pkts[i];
		p->iface = iface;
		p->flags = PACKET_FROM_HOST | PACKET_IS_OWNED | (is_home ? PACKET_IS_HOME : 0);
		if (w->snap->tracks && !packet_parse_from_host(p) && p->kind == PACKET_DROP) {
			worker_drop(w, p->m, (enum counter)p->reason);
			continue;
		}
		if (w->snap->tracks && p->kind != PACKET_HOST && p->flags & PACKET_IS_FRAGMENT) {
			host_fragment(w, iface, p->m);
			continue;
		}
		// neighbour discovery needs no flow: it carries our address
		if (!w->snap->tracks || p->kind == PACKET_HOST || packet_is_link_talk(p)) {
			pipeline_send_host(w, iface, p->m);
			continue;
		}
		if (p->flags & PACKET_IS_ICMP_ERROR) {
			host_error(w, p);
			continue;
		}
		pipeline_flow_host(w, p);
	}
	if (w->n_refused > 0)
		worker_free_refused(w);
}
