// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/vlan.h"

#include "dataplane/observe.h"
#include "dataplane/pipeline.h"

static bool is_of_provider(const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);

	return eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_QINQ);
}

// The interface that the frame is for. INTERFACE_NONE: `reason` says why, unless it is short.
static uint8_t interface_of(
	const struct snapshot *snap, unsigned receiver, struct rte_mbuf *m, enum counter *reason)
{
	uint16_t vlan;
	uint8_t iface;

	if (unlikely(m->data_len < sizeof(struct rte_ether_hdr)))
		return INTERFACE_NONE;
	if (vlan_is_tagged(m)) {
		if (unlikely(!vlan_has_room(m)))
			return INTERFACE_NONE;
		vlan = vlan_control(m) & VLAN_ID_MASK;
		if (vlan != 0) {
			*reason = COUNTER_DROP_VLAN_UNKNOWN;
			return snapshot_vlan(snap, receiver, vlan);
		}
	}
	iface = snap->receivers[receiver].untagged;
	*reason = is_of_provider(m) ? COUNTER_DROP_VLAN_NESTED : COUNTER_DROP_VLAN_UNTAGGED;
	return iface;
}

// Type and VLAN as they lie in the frame, without what a tag has besides.
static uint32_t word_of(const struct rte_mbuf *m)
{
	uint32_t word;

	memcpy(&word, rte_pktmbuf_mtod(m, const uint8_t *) + VLAN_TYPE_OFFSET, sizeof(word));
	return word & RTE_BE32(0xffff0000 | VLAN_ID_MASK);
}

// Drops who is for nobody: how many are left, in front, and for whom. Frames of one VLAN come in
// trains: the last one's answer is most often the next one's.
static unsigned find_interfaces(struct worker *w, unsigned receiver, struct rte_mbuf **pkts,
	unsigned n, uint8_t ifaces[BURST])
{
	uint8_t iface = INTERFACE_NONE;
	uint32_t word = 0;
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(pkts[i], void *));
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];

		if (unlikely(!vlan_has_room(m) || iface == INTERFACE_NONE || word_of(m) != word)) {
			enum counter reason = COUNTER_DROP_SHORT_FRAME;

			iface = interface_of(w->snap, receiver, m, &reason);
			if (iface == INTERFACE_NONE) {
				worker_drop(w, m, reason);
				continue;
			}
			word = word_of(m);
		}
		ifaces[kept] = iface;
		pkts[kept++] = m;
	}
	w->rx_packets += n - kept;
	return kept;
}

// Those of the first one's interface together, and then the next: a flow's keep their order.
static unsigned send_up(struct worker *w, struct rte_mbuf **pkts, unsigned n, uint8_t ifaces[BURST])
{
	struct rte_mbuf *group[BURST];
	uint8_t iface = ifaces[0];
	unsigned n_group = 0, rest = 0;

	for (unsigned i = 0; i < n; i++) {
		if (ifaces[i] == iface) {
			group[n_group++] = pkts[i];
			continue;
		}
		ifaces[rest] = ifaces[i];
		pkts[rest++] = pkts[i];
	}
	pipeline_rx_trunk(w, iface, group, n_group);
	return rest;
}

void vlan_rx(struct worker *w, unsigned receiver, struct rte_mbuf **pkts, unsigned n)
{
	uint8_t ifaces[BURST];

	if (unlikely(w->observers != NULL))
		observe_unclaimed(w);
	n = find_interfaces(w, receiver, pkts, n, ifaces);
	while (n > 0) {
		unsigned same = 1;

		while (same < n && ifaces[same] == ifaces[0])
			same++;
		if (likely(same == n)) {
			pipeline_rx_trunk(w, ifaces[0], pkts, n);
			break;
		}
		n = send_up(w, pkts, n, ifaces);
	}
}

void vlan_put_on_all(struct rte_mbuf **pkts, unsigned n, uint32_t tag_be)
{
	for (unsigned i = 0; i < n; i++)
		vlan_put_on(pkts[i], tag_be);
}
