// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/compiled_policy.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/hygiene.h"
#include "dataplane/parse.h"

void snapshot_fill_odd_sources(struct snapshot *snap)
{
	memset(snap->odd_sources4, 0, sizeof(snap->odd_sources4));
	memset(snap->odd_sources6, 0, sizeof(snap->odd_sources6));
	for (uint32_t first = 0; first < 256; first++)
		snap->odd_sources4[0][first] =
			ip4_source_is_bad(first) || first == IP4_LINK_LOCAL_FIRST;
	for (unsigned i = 0; i < DP_INTERFACES_MAX; i++) {
		const struct interface *iface = &snap->interfaces[i];

		for (unsigned k = 0; iface->is_used && k < iface->n_addresses; k++) {
			const struct ip_addr *addr = &iface->addresses[k].addr;

			if (addr->family == IP_V6)
				snap->odd_sources6[source_byte6(addr->v6)] = 1;
			else
				snap->odd_sources4[1][addr->v4[3]] = 1;
		}
	}
}

struct snapshot *snapshot_copy(struct dataplane *dp)
{
	struct snapshot *copy = malloc(sizeof(*copy));

	if (copy != NULL)
		*copy = *atomic_load(&dp->snapshot);
	return copy;
}

static unsigned receiver_of(struct snapshot *snap, const struct interface *iface)
{
	unsigned i = 0;

	while (i < snap->n_receivers && snap->receivers[i].port != iface->port)
		i++;
	if (i == snap->n_receivers)
		snap->receivers[snap->n_receivers++] = (struct receiver){
			.port = iface->port,
			.dpdk_port = iface->dpdk_port,
			.n_rxq = iface->n_rxq,
			.untagged = INTERFACE_NONE,
		};
	return i;
}

static void add_vlan(struct snapshot *snap, unsigned receiver, uint16_t vlan, uint8_t iface)
{
	unsigned i = snapshot_vlan_place(receiver, vlan);

	while (snap->vlans[i] != 0)
		i = (i + 1) % VLAN_SLOTS;
	snap->vlans[i] = snapshot_vlan_key(receiver, vlan) << 8 | iface;
}

static void derive_receivers(struct snapshot *snap)
{
	snap->n_receivers = 0;
	memset(snap->vlans, 0, sizeof(snap->vlans));
	for (unsigned k = 0; k < snap->n_ids; k++) {
		const struct interface *iface = &snap->interfaces[snap->ids[k]];
		unsigned i = receiver_of(snap, iface);
		struct receiver *receiver = &snap->receivers[i];

		receiver->has_tags |= iface->is_tagged;
		if (iface->vlan != 0)
			add_vlan(snap, i, iface->vlan, snap->ids[k]);
		else if (receiver->untagged == INTERFACE_NONE)
			receiver->untagged = snap->ids[k];
	}
}

// What follows from the rest, so that a worker need not work it out.
void snapshot_derive(struct snapshot *snap)
{
	unsigned n_inside = 0, n_outside;

	snap->n_ids = 0;
	snap->tracks = snap->policy->tracks;
	for (unsigned i = 0; i < DP_INTERFACES_MAX; i++) {
		snap->interfaces[i].hygiene = snap->policy->hygiene[i];
		hygiene_derive(&snap->interfaces[i]);
		if (!snap->interfaces[i].is_used)
			continue;
		snap->ids[snap->n_ids++] = (uint8_t)i;
		n_inside += !snap->interfaces[i].is_outside;
	}
	derive_receivers(snap);
	n_outside = snap->n_ids - n_inside;
	snap->may_cross = n_inside > 1 || n_outside > 1 || snap->policy->changes_destinations ||
			  snap->policy->has_helpers;
}

void snapshot_publish(struct dataplane *dp, struct snapshot *snap)
{
	struct snapshot *old;

	snap->serial++;
	snapshot_derive(snap);
	old = atomic_exchange(&dp->snapshot, snap);
	dataplane_next_epoch(dp);
	dataplane_synchronize(dp);
	for (unsigned i = 0; i < dp->options.n_workers; i++) {
		dataplane_worker(dp, i);
		worker_wake(&dp->workers[i]); // its sleep depends on the interfaces there are
	}
	free(old);
}
