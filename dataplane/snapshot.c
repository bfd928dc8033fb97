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
