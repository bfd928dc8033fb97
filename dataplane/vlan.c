// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/vlan.h"

#include "dataplane/observe.h"
#include "dataplane/pipeline.h"

static bool is_of_provider(const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);

	return eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_QINQ);
}

// The interface that the frame is for. INTERFACE_NONE: `reason` says why.
static uint8_t interface_of(const struct snapshot *snap, unsigned receiver, struct rte_mbuf *m,
	enum counter *reason)
{
	uint16_t vlan;
	uint8_t iface;

	if (vlan_is_tagged(m)) {
		if (unlikely(!vlan_has_room(m))) {
			*reason = COUNTER_DROP_SHORT_FRAME;
			return INTERFACE_NONE;
		}
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

// Drops who is for nobody: how many are left, in front, and for whom.
static unsigned find_interfaces(struct worker *w, unsigned receiver, struct rte_mbuf **pkts,
	unsigned n, uint8_t ifaces[BURST])
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(pkts[i], void *));
	for (unsigned i = 0; i < n; i++) {
		enum counter reason = COUNTER_DROP_SHORT_FRAME;
		uint8_t iface = INTERFACE_NONE;

		if (likely(pkts[i]->data_len >= sizeof(struct rte_ether_hdr)))
			iface = interface_of(w->snap, receiver, pkts[i], &reason);
		if (unlikely(iface == INTERFACE_NONE)) {
			worker_drop(w, pkts[i], reason);
			continue;
		}
		ifaces[kept] = iface;
		pkts[kept++] = pkts[i];
	}
	w->rx_packets += n - kept;
	return kept;
}

void vlan_rx(struct worker *w, unsigned receiver, struct rte_mbuf **pkts, unsigned n)
{
	struct rte_mbuf *group[BURST];
	uint8_t ifaces[BURST];

	if (unlikely(w->observers != NULL))
		observe_unclaimed(w);
	n = find_interfaces(w, receiver, pkts, n, ifaces);
	while (n > 0) {
		uint8_t iface = ifaces[0];
		unsigned n_group = 0, rest = 0;

		for (unsigned i = 0; i < n; i++) {
			if (likely(ifaces[i] == iface)) {
				group[n_group++] = pkts[i];
				continue;
			}
			ifaces[rest] = ifaces[i];
			pkts[rest++] = pkts[i];
		}
		pipeline_rx_trunk(w, iface, group, n_group);
		n = rest;
	}
}

void vlan_put_on_all(struct rte_mbuf **pkts, unsigned n, uint32_t tag_be)
{
	for (unsigned i = 0; i < n; i++)
		vlan_put_on(pkts[i], tag_be);
}
