// SPDX-License-Identifier: BSD-3-Clause
// The door's interfaces: each change is a new snapshot. Control thread.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/dataplane_internal.h"
#include "dataplane/flow_cut.h"
#include "dataplane/recorder.h"
#include "dataplane/vlan.h"

enum { CUT_WAIT_MS = 2000 }; // many times what a full table takes

static bool interface_exists(const struct dataplane *dp, int id)
{
	return id >= 0 && id < DP_INTERFACES_MAX && dp->snapshot->interfaces[id].is_used;
}

static void interface_fill(
	struct interface *iface, const struct dp_interface *from, unsigned n_workers)
{
	uint8_t start[8] = {0};

	memset(iface, 0, sizeof(*iface));
	snprintf(iface->name, sizeof(iface->name), "%s", from->name);
	iface->is_used = iface->is_up = true;
	iface->is_outside = from->is_outside;
	iface->mtu = from->mtu;
	iface->is_tagged = from->is_tagged;
	if (from->is_tagged) {
		iface->vlan = from->vlan;
		iface->tag_be = vlan_tag_be(from->vlan, from->priority);
	}
	iface->dpdk_port = UINT16_MAX;
	iface->port = from->port;
	if (from->port != NULL) {
		const struct port_info *info = port_info(from->port);

		iface->dpdk_port = info->dpdk_port;
		iface->n_rxq = info->n_rxq;
		iface->n_txq = info->n_txq;
		// bucket and worker agree only where each worker has its queue
		// and the card looks at our side's port, behind no tag
		iface->steers_by_rss = info->steers_by_rss && info->n_rxq == n_workers &&
				       info->is_outside == from->is_outside && !from->is_tagged;
	}
	memcpy(iface->mac.addr_bytes, from->mac.bytes, sizeof(from->mac.bytes));
	memcpy(start, from->mac.bytes, sizeof(from->mac.bytes));
	memcpy(&iface->mac_word, start, sizeof(start));
	iface->mac_word <<= 16;
}

// Neither in use nor still named by flows, for whose end it waits only when nothing else is left.
static int free_id(struct dataplane *dp, uint64_t wanted)
{
	for (unsigned waited_ms = 0; waited_ms < CUT_WAIT_MS; waited_ms++) {
		uint64_t pending = flow_cut_pending(dp);

		for (int id = 0; id < DP_INTERFACES_MAX; id++)
			if (!dp->snapshot->interfaces[id].is_used && (pending >> id & 1) == 0 &&
				(wanted == 0 || (wanted >> id & 1) != 0))
				return id;
		if (pending == 0)
			break;
		usleep(1000);
	}
	return -ENOSPC;
}

// Two of one port would both be meant by a frame.
static bool is_taken(const struct dataplane *dp, const struct dp_interface *iface)
{
	uint16_t vlan = iface->is_tagged ? iface->vlan : 0;

	for (unsigned i = 0; iface->port != NULL && i < dp->snapshot->n_ids; i++) {
		const struct interface *other = &dp->snapshot->interfaces[dp->snapshot->ids[i]];

		if (other->port == iface->port && other->vlan == vlan)
			return true;
	}
	return false;
}

int dataplane_interface_add(struct dataplane *dp, const struct dp_interface *iface)
{
	struct snapshot *snap;
	int id;

	if (is_taken(dp, iface))
		return -EEXIST;
	snap = snapshot_copy(dp);
	if (snap == NULL)
		return -ENOMEM;
	id = free_id(dp, iface->ids);
	if (id < 0) {
		free(snap);
		return id;
	}
	interface_fill(&snap->interfaces[id], iface, dp->options.n_workers);
	if (iface->tap_fd >= 0) {
		int error = host_add_tap(&dp->host, (uint8_t)id, iface->tap_fd);

		if (error != 0) {
			free(snap);
			return error;
		}
	}
	dp->stats_before[id] = stats_of_interface(dp, id);
	recorder_name_interface(dp->recorder, (unsigned)id, iface->name);
	snapshot_publish(dp, snap);
	return id;
}

// A copy in which interface `id` may be changed; NULL and -errno when there is none.
static struct snapshot *snapshot_for_interface(struct dataplane *dp, int id, int *error)
{
	struct snapshot *snap = interface_exists(dp, id) ? snapshot_copy(dp) : NULL;

	if (snap == NULL)
		*error = interface_exists(dp, id) ? -ENOMEM : -ENOENT;
	return snap;
}

int dataplane_interface_remove(struct dataplane *dp, int id)
{
	int error = 0;
	struct snapshot *snap = snapshot_for_interface(dp, id, &error);

	if (snap == NULL)
		return error;
	memset(&snap->interfaces[id], 0, sizeof(snap->interfaces[id]));
	snapshot_fill_odd_sources(snap);
	host_remove_tap(&dp->host, (uint8_t)id);
	snapshot_publish(dp, snap);
	for (uint16_t i = 0; i < ADJACENCIES_MAX; i++) {
		struct adjacency *adj = &dp->adjacencies.entries[i];

		if (adj->is_used && adj->iface == id)
			dataplane_neighbour_delete(dp, id, &adj->addr);
	}
	flow_cut_interface(dp, id);
	return 0;
}

int dataplane_interface_set_link(struct dataplane *dp, int id, bool is_up)
{
	int error = 0;
	struct snapshot *snap = snapshot_for_interface(dp, id, &error);

	if (snap == NULL)
		return error;
	snap->interfaces[id].is_up = is_up;
	snapshot_publish(dp, snap);
	return 0;
}

int dataplane_interface_set_mtu(struct dataplane *dp, int id, uint16_t mtu)
{
	int error = 0;
	struct snapshot *snap = snapshot_for_interface(dp, id, &error);

	if (snap == NULL)
		return error;
	snap->interfaces[id].mtu = mtu;
	for (unsigned i = 0; i < ADJACENCIES_MAX; i++)
		if (dp->adjacencies.entries[i].iface == id)
			dp->adjacencies.entries[i].mtu = mtu;
	snapshot_publish(dp, snap);
	return 0;
}

// The first of each family is the primary one. A link-local address is no answer to anybody
// beyond its link.
static void interface_fill_addresses(
	struct interface *iface, const struct ip_prefix *addresses, unsigned n)
{
	iface->primary4_be = 0;
	iface->has_primary6 = false;
	iface->n_addresses = n;
	memset(iface->primary6, 0, sizeof(iface->primary6));
	for (unsigned i = 0; i < n; i++) {
		const struct ip_addr *addr = &addresses[i].addr;

		iface->addresses[i] = addresses[i];
		if (addr->family == IP_V4 && iface->primary4_be == 0)
			memcpy(&iface->primary4_be, addr->v4, 4);
		if (addr->family == IP_V6 && !iface->has_primary6 && !ip_addr_is_link_local(addr)) {
			memcpy(iface->primary6, addr->v6, 16);
			iface->has_primary6 = true;
		}
	}
}

int dataplane_interface_set_addresses(
	struct dataplane *dp, int id, const struct ip_prefix *addresses, unsigned n)
{
	int error = 0;
	struct snapshot *snap;

	if (n > DP_INTERFACE_ADDRESSES_MAX)
		return -E2BIG;
	snap = snapshot_for_interface(dp, id, &error);
	if (snap == NULL)
		return error;
	interface_fill_addresses(&snap->interfaces[id], addresses, n);
	snapshot_fill_odd_sources(snap);
	snapshot_publish(dp, snap);
	return 0;
}
