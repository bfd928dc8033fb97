// SPDX-License-Identifier: BSD-3-Clause
// The addresses that a subnet may give to whoever asks, each at an index: which have a lease, and
// the next that has none. Numbers of host order. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/dhcp.h"

struct dhcp4_range {
	uint32_t first, last;
	uint32_t index;			  // of the first
	const struct cfg_dhcp_pool *pool; // NULL: of `pool`
};

struct dhcp4_pool {
	struct dhcp4_range *ranges; // the first that has an address counts
	unsigned n_ranges, n_addresses;
	uint64_t *taken; // a bit each: it has a lease, or is nobody's
};

// 0 or -ENOMEM; dhcp4_pool_fini is due either way. The config is borrowed. Reserved addresses and
// the router's own are taken.
int dhcp4_pool_init(struct dhcp4_pool *pool, const struct cfg_dhcp_subnet *subnet);
void dhcp4_pool_fini(struct dhcp4_pool *pool);

// The range that the address is in, or NULL.
const struct dhcp4_range *dhcp4_pool_find(const struct dhcp4_pool *pool, uint32_t address);
// Of an address that is in no range nothing happens.
void dhcp4_pool_set_taken(struct dhcp4_pool *pool, uint32_t address, bool is_taken);

// One of the range that nobody has, from `hint` on: the same client finds the same address when it
// is free. False when there is none.
bool dhcp4_pool_pick(struct dhcp4_pool *pool, unsigned range, uint32_t hint, uint32_t *address);
