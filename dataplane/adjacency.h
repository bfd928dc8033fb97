// SPDX-License-Identifier: BSD-3-Clause
// Neighbours as the workers see them: the Ethernet header to write, the interface to leave by.
// Control writes (resolved address, state), workers read; the index from address to adjacency is
// an rte_hash with lock-free readers. An adjacency is there as long as a route's gateway or the
// kernel's neighbour table names it.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_ether.h>
#include <rte_hash.h>
#include <rte_rcu_qsbr.h>

#include "dataplane/dataplane.h"

enum {
	ADJACENCIES_MAX = DP_NEIGHBOURS_MAX,
	ADJACENCY_NONE = 0xffff,
};

struct adjacency {
	union {
		struct rte_ether_hdr eth;
		struct {
			_Atomic uint64_t dst_word; // destination MAC and the source's first two
						   // bytes: replaced in one store
			uint64_t src_word_rest;
		};
	};
	_Atomic uint64_t known_at; // by table.next_known; 0: asked for, no answer yet
	uint16_t mtu;		   // of the interface
	uint8_t iface;
	uint8_t is_used; // control only
	struct ip_addr addr;
	uint32_t n_refs;      // control only: routes that go by it, plus one for a known neighbour
	uint8_t is_neighbour; // control only: the kernel has it
} __rte_cache_aligned;

static_assert(sizeof(struct adjacency) == 64, "one cache line");

struct adjacency_key {
	struct ip_addr addr;
	uint8_t pad;
	uint8_t iface;
	uint8_t pad2;
};

struct adjacency_table {
	struct adjacency *entries; // ADJACENCIES_MAX
	struct rte_hash *index;	   // struct adjacency_key -> entry
	uint16_t *free_list;
	unsigned n_free;
	bool has_rcu;
	// What the next neighbour that answers gets. It counts down, so that 0 is never. A worker
	// reads it at the top of a turn, and in that turn knows only those with more: first goes
	// what waited for the others (hold.c), and nothing overtakes it.
	_Atomic uint64_t next_known;
};

// 0 or -ENOMEM. `rcu` has every worker as a reader; NULL while nobody reads (tests).
int adjacency_table_init(struct adjacency_table *table, struct rte_rcu_qsbr *rcu);
void adjacency_table_fini(struct adjacency_table *table);

// Control thread. Finds or makes one, unresolved; ADJACENCY_NONE when the table is full.
uint16_t adjacency_get(struct adjacency_table *table, uint8_t iface, const struct ip_addr *addr,
	const struct mac_addr *own_mac, uint16_t mtu);
uint16_t adjacency_find(
	const struct adjacency_table *table, uint8_t iface, const struct ip_addr *addr);
void adjacency_resolve(
	struct adjacency_table *table, struct adjacency *adj, const struct mac_addr *mac);
void adjacency_unresolve(struct adjacency *adj);
// Frees it after every worker has passed by. The epoch must have moved on before, so that no flow
// still names it.
void adjacency_remove(struct adjacency_table *table, uint16_t i);

// Workers.
static inline uint64_t adjacency_known_at(const struct adjacency *adj)
{
	return atomic_load_explicit(&adj->known_at, memory_order_acquire);
}

// Writes the 14 bytes of layer 2, as two overlapping words.
static inline void adjacency_write_eth(const struct adjacency *adj, struct rte_ether_hdr *eth)
{
	uint64_t first = atomic_load_explicit(&adj->dst_word, memory_order_relaxed);
	uint64_t last;

	__builtin_memcpy(&last, (const uint8_t *)&adj->eth + 6, sizeof(last));
	__builtin_memcpy(eth, &first, sizeof(first));
	__builtin_memcpy((uint8_t *)eth + 6, &last, sizeof(last));
}
