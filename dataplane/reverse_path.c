// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/reverse_path.h"

// A bit for each interface that the code may lead out by; none for codes that lead nowhere.
static uint64_t interfaces_of(const struct worker *w, uint16_t code)
{
	uint64_t interfaces = 0;

	if (nexthop_is_adjacency(code))
		return UINT64_C(1) << w->adjacencies[code - NEXTHOP_ADJACENCY_BASE].iface;
	if (nexthop_is_connected(code))
		return UINT64_C(1) << (code - NEXTHOP_CONNECTED_BASE);
	if (nexthop_is_group(code)) {
		const struct nexthop_group *group = &w->fib->groups[code - NEXTHOP_GROUP_BASE];

		for (unsigned i = 0; i < group->n; i++) // its members are no groups
			interfaces |= interfaces_of(w, group->codes[i]);
	}
	return interfaces;
}

static_assert(DP_INTERFACES_MAX <= 64, "a set of interfaces is one word");

// The same for worse routes to the same prefix.
static uint64_t alternatives_of(const struct worker *w, uint16_t code)
{
	return nexthop_is_group(code) ? w->fib->groups[code - NEXTHOP_GROUP_BASE].alternatives : 0;
}

static bool is_on_link(const struct interface *iface, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < iface->n_addresses; i++)
		if (ip_prefix_contains(&iface->addresses[i], addr))
			return true;
	return false;
}

static bool is_feasible(
	const struct worker *w, uint8_t iface, const struct ip_addr *src, uint16_t way_back)
{
	const struct interface *interfaces = w->snap->interfaces;
	uint64_t best = interfaces_of(w, way_back);

	if (best == 0)
		return false;
	if ((alternatives_of(w, way_back) >> iface & 1) != 0 || is_on_link(&interfaces[iface], src))
		return true;
	for (; interfaces[iface].is_outside && best != 0; best &= best - 1)
		if (interfaces[__builtin_ctzll(best)].is_outside)
			return true;
	return false;
}

__rte_noinline bool reverse_path_leads_by(const struct worker *w, uint16_t code, uint8_t iface)
{
	return (interfaces_of(w, code) >> iface & 1) != 0;
}

bool reverse_path_accepts(const struct worker *w, enum reverse_path mode, uint8_t iface,
	const struct ip_addr *src, uint16_t way_back)
{
	if (reverse_path_leaves_by(w, way_back, iface))
		return true;
	switch (mode) {
	case REVERSE_PATH_STRICT:
		return false;
	case REVERSE_PATH_FEASIBLE:
		return is_feasible(w, iface, src, way_back);
	case REVERSE_PATH_LOOSE:
		return way_back == NEXTHOP_LOCAL || interfaces_of(w, way_back) != 0;
	}
	return false;
}
