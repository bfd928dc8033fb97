// SPDX-License-Identifier: BSD-3-Clause
// Hosts that share a flow table, of two networks inside and whoever is outside, and their flows.
#pragma once

#include <string.h>

#include "tests/unit/flow_tables.h"

enum { LAN = 1, WAN = 2, LAN2 = 3 };

static inline struct flow_host_key host4(uint32_t n, uint8_t iface)
{
	struct ip_addr addr = {.family = IP_V4};

	memcpy(addr.v4, &n, sizeof(n));
	return flow_host_key_of(&addr, iface, iface == WAN);
}

static inline struct flow_host_key host6(uint32_t network, uint32_t n, uint8_t iface)
{
	struct ip_addr addr = {.family = IP_V6, .v6 = {0x20, 0x01, 0x0d, 0xb8}};

	memcpy(addr.v6 + 4, &network, sizeof(network));
	memcpy(addr.v6 + 12, &n, sizeof(n));
	return flow_host_key_of(&addr, iface, iface == WAN);
}

static const struct flow_host_key router = {.kind = FLOW_HOST_ROUTER};

static inline uint32_t flows_of(const struct flow_table *table, const struct flow_host_key *key)
{
	uint32_t host = flow_host_find(table, key);

	return host != FLOW_HOST_UNKNOWN ? table->shares.hosts[host].n[FLOW_RANK_ALL] : 0;
}

// A flow as it begins, or NULL: refused.
static inline struct flow *begin(struct flow_table *table, const struct flow_host_key *key)
{
	struct flow *flow = flow_alloc(table);

	if (flow == NULL) {
		struct flow *victim = flow_victim(table, flow_host_find(table, key));

		if (victim == NULL)
			return NULL;
		flow_remove(table, victim);
		flow = flow_alloc(table);
	}
	flow->state.host = flow_host_open(table, key);
	flow_set_phase(table, flow, FLOW_UNREPLIED);
	return flow;
}

static inline void fill(struct flow_table *table, const struct flow_host_key *key, uint32_t n,
	enum flow_phase phase)
{
	for (uint32_t i = 0; i < n; i++) {
		struct flow *flow = begin(table, key);

		assert_non_null(flow);
		flow_set_phase(table, flow, phase);
	}
}
