// SPDX-License-Identifier: BSD-3-Clause
// Which of the routes to a prefix the workers get (for the order see rib.h), and bringing them in
// line with it. For rib.c and rib_look.c alone. Control thread.
#pragma once

#include <assert.h>

#include "control/rib.h"
#include "control/rib_table.h"

// What rib_settle was asked of a default route within a batch, all in one.
struct rib_due {
	bool is_due, had_active, is_stale;
};

struct rib {
	struct dataplane *dp;
	struct rib_table table;
	uint64_t links_down; // bit i: interface i
	uint32_t n_refused;
	uint8_t generation;
	bool is_changed;
	bool tells_alternatives;
	bool has_room; // something was removed from the workers since the last retry
	bool is_in_batch;
	struct rib_due due[2]; // of IPv4, of IPv6
};

static_assert(DP_INTERFACES_MAX <= 64, "links_down is one word");

static inline bool rib_is_device(int interface)
{
	return interface >= RIB_DEVICE_BASE;
}

// `first` is the prefix's first node in its bucket, or NULL.
bool rib_has_active(const struct rib_node *first, const struct ip_prefix *prefix);
// The interfaces of ours that any route to the prefix leads to. Who need not tell has none.
uint64_t rib_ways(
	const struct rib *rib, const struct rib_node *first, const struct ip_prefix *prefix);

void rib_set_refused(struct rib *rib, struct rib_node *node, bool is_refused);
// Brings the workers in line with what is now best for the prefix. `had_active`: they have a route
// of it, whether its node still exists or not; `is_stale`: and what they have of it is outdated.
// Within a batch a default route's turn comes at the end.
void rib_settle(struct rib *rib, const struct ip_prefix *prefix, bool had_active, bool is_stale);
// What a batch has put off.
void rib_settle_due(struct rib *rib);
