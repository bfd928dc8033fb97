// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_pool.h"

#include <errno.h>
#include <stdlib.h>

enum { WORD_BITS = 64 };

static void add_ranges(struct dhcp4_pool *pool, const struct cfg_element *elements, unsigned n,
	const struct cfg_dhcp_pool *of)
{
	for (unsigned i = 0; i < n; i++) {
		struct dhcp4_range *range = &pool->ranges[pool->n_ranges++];

		range->first = ip4_number(&elements[i].addresses.first);
		range->last = ip4_number(&elements[i].addresses.last);
		range->index = pool->n_addresses;
		range->pool = of;
		pool->n_addresses += range->last - range->first + 1;
	}
}

int dhcp4_pool_init(struct dhcp4_pool *pool, const struct cfg_dhcp_subnet *subnet)
{
	unsigned n = subnet->n_ranges;

	*pool = (struct dhcp4_pool){0};
	for (unsigned i = 0; i < subnet->n_pools; i++)
		n += subnet->pools[i].n_ranges;
	pool->ranges = calloc(n + 1, sizeof(*pool->ranges));
	if (pool->ranges == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < subnet->n_pools; i++)
		add_ranges(pool, subnet->pools[i].ranges, subnet->pools[i].n_ranges,
			&subnet->pools[i]);
	add_ranges(pool, subnet->ranges, subnet->n_ranges, NULL);
	pool->taken = calloc(pool->n_addresses / WORD_BITS + 1, sizeof(*pool->taken));
	if (pool->taken == NULL)
		return -ENOMEM;
	dhcp4_pool_set_taken(pool, ip4_number(&subnet->router), true);
	for (unsigned i = 0; i < subnet->n_reservations; i++)
		dhcp4_pool_set_taken(pool, ip4_number(&subnet->reservations[i].address), true);
	return 0;
}

void dhcp4_pool_fini(struct dhcp4_pool *pool)
{
	free(pool->ranges);
	free(pool->taken);
	*pool = (struct dhcp4_pool){0};
}

const struct dhcp4_range *dhcp4_pool_find(const struct dhcp4_pool *pool, uint32_t address)
{
	for (unsigned i = 0; i < pool->n_ranges; i++)
		if (address >= pool->ranges[i].first && address <= pool->ranges[i].last)
			return &pool->ranges[i];
	return NULL;
}

// Where ranges meet, an address is in several: its bit is the same in all of them.
void dhcp4_pool_set_taken(struct dhcp4_pool *pool, uint32_t address, bool is_taken)
{
	for (unsigned i = 0; i < pool->n_ranges; i++) {
		const struct dhcp4_range *range = &pool->ranges[i];
		uint32_t index = range->index + (address - range->first);
		uint64_t bit = UINT64_C(1) << index % WORD_BITS;

		if (address < range->first || address > range->last)
			continue;
		if (is_taken)
			pool->taken[index / WORD_BITS] |= bit;
		else
			pool->taken[index / WORD_BITS] &= ~bit;
	}
}

// The first free one of [from, end), or end.
static uint32_t scan(const struct dhcp4_pool *pool, uint32_t from, uint32_t end)
{
	while (from < end) {
		uint64_t free_bits = ~pool->taken[from / WORD_BITS] >> from % WORD_BITS;

		if (free_bits != 0) {
			from += (uint32_t)__builtin_ctzll(free_bits);
			return from < end ? from : end;
		}
		from = (from / WORD_BITS + 1) * WORD_BITS;
	}
	return end;
}

bool dhcp4_pool_pick(struct dhcp4_pool *pool, unsigned at, uint32_t hint, uint32_t *address)
{
	const struct dhcp4_range *range = &pool->ranges[at];
	uint32_t n = range->last - range->first + 1, begin = range->index + hint % n;
	uint32_t end = range->index + n, found = scan(pool, begin, end);

	if (found == end) {
		found = scan(pool, range->index, begin);
		if (found == begin)
			return false;
	}
	*address = range->first + (found - range->index);
	return true;
}
