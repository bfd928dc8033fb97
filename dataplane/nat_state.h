// SPDX-License-Identifier: BSD-3-Clause
// What translation keeps beside the flows: how many ports each host and each outside address
// holds, and where a search for one has just been in vain. Bounded, without entries: counts are in
// cells that several may share (a count-min sketch), so a count is exact or, rarely, a little too
// high. Zeroed it is inert. Its worker's own.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

enum {
	NAT_COUNT_ROWS = 2,
	NAT_COUNT_COLUMNS = 4096,
	NAT_VAIN_MAX = 16,
	NAT_VAIN_MS = 100, // until a search in vain is tried again
	NAT_INSIDE_PORTS = 1024,
};

struct nat_state {
	uint32_t counts[NAT_COUNT_ROWS][NAT_COUNT_COLUMNS];
	struct {
		uint64_t hash, until_ms;
	} vain[NAT_VAIN_MAX];
	uint64_t vain_until_ms;		     // the latest of all
	uint32_t n_inside[NAT_INSIDE_PORTS]; // names of inside endpoints, by their port
	uint32_t quiet_until_sec[2];	     // of each event, see nat_port.c
};

static inline uint32_t *nat_count_cell(struct nat_state *nat, unsigned row, uint64_t hash)
{
	return &nat->counts[row][(hash >> (32 * row)) % NAT_COUNT_COLUMNS];
}

static inline uint32_t nat_count(struct nat_state *nat, uint64_t hash)
{
	return RTE_MIN(*nat_count_cell(nat, 0, hash), *nat_count_cell(nat, 1, hash));
}

static inline void nat_count_add(struct nat_state *nat, uint64_t hash, int32_t n)
{
	for (unsigned row = 0; row < NAT_COUNT_ROWS; row++)
		*nat_count_cell(nat, row, hash) += (uint32_t)n;
}

// Of those whose port falls on the same.
static inline uint32_t nat_n_inside(const struct nat_state *nat, uint16_t port_be)
{
	return nat->n_inside[port_be % NAT_INSIDE_PORTS];
}

static inline void nat_count_inside(struct nat_state *nat, uint16_t port_be, int n)
{
	nat->n_inside[port_be % NAT_INSIDE_PORTS] += (uint32_t)n;
}

// Has there been any search in vain lately? Mostly not, and that is quick to see.
static inline bool nat_may_be_vain(const struct nat_state *nat, uint64_t now_ms)
{
	return nat->vain_until_ms > now_ms;
}

static inline bool nat_is_vain(const struct nat_state *nat, uint64_t hash, uint64_t now_ms)
{
	return nat->vain[hash % NAT_VAIN_MAX].hash == hash &&
	       nat->vain[hash % NAT_VAIN_MAX].until_ms > now_ms;
}

static inline void nat_set_vain(struct nat_state *nat, uint64_t hash, uint64_t now_ms)
{
	nat->vain[hash % NAT_VAIN_MAX].hash = hash;
	nat->vain[hash % NAT_VAIN_MAX].until_ms = now_ms + NAT_VAIN_MS;
	nat->vain_until_ms = now_ms + NAT_VAIN_MS;
}
