// SPDX-License-Identifier: BSD-3-Clause
// Longest-prefix match for both families, on rte_fib and rte_fib6, and the nexthop codes they
// give. A code is 15 bits and says all that a worker needs: nothing stands between the FIB and
// the adjacency that holds the layer-2 header. Control writes in place; workers read under RCU.
// While a change is written a reader may, for some nanoseconds, get NEXTHOP_NONE for an address
// near the one that changes: who gets NEXTHOP_NONE looks again before believing it.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_fib.h>
#include <rte_fib6.h>

#include "dataplane/dataplane.h"

enum {
	NEXTHOP_NONE = 0, // no route: also what the FIB answers when nothing matches
	NEXTHOP_BLACKHOLE = 1,
	NEXTHOP_UNREACHABLE = 2,
	NEXTHOP_PROHIBIT = 3,
	NEXTHOP_LOCAL = 4,
	NEXTHOP_MULTICAST = 5,
	NEXTHOP_CONNECTED_BASE = 64, // + interface id: the destination itself is the neighbour
	NEXTHOP_GROUP_BASE = 1024,   // + group
	NEXTHOP_GROUPS_MAX = 2048,
	NEXTHOP_GROUPS_OF_ONE_MAX = 1024, // the first ones: the rest is for ECMP
	NEXTHOP_ADJACENCY_BASE = 4096,	  // + adjacency
	NEXTHOP_MAX = 32767,
};

static inline bool nexthop_is_adjacency(uint32_t code)
{
	return code >= NEXTHOP_ADJACENCY_BASE;
}

static inline bool nexthop_is_connected(uint32_t code)
{
	return code >= NEXTHOP_CONNECTED_BASE && code < NEXTHOP_CONNECTED_BASE + DP_INTERFACES_MAX;
}

static inline bool nexthop_is_group(uint32_t code)
{
	return code >= NEXTHOP_GROUP_BASE && code < NEXTHOP_GROUP_BASE + NEXTHOP_GROUPS_MAX;
}

// ECMP, or a single way that others could stand in for: written before the group's code is
// published, never changed while in use.
struct nexthop_group {
	uint64_t alternatives; // bits 1 << interface: of worse routes, for the reverse path alone
	uint16_t n;
	uint16_t codes[DP_NEXTHOPS_MAX];
};

struct rte_rcu_qsbr;

struct fib {
	struct rte_fib *v4;
	struct rte_fib6 *v6;
	struct nexthop_group *groups;	     // NEXTHOP_GROUPS_MAX
	_Atomic uint16_t default4, default6; // codes of 0.0.0.0/0 and ::/0; NEXTHOP_NONE: none
	// The rest is control's.
	struct rte_rcu_qsbr *rcu; // of the workers; NULL after fib_init: nobody reads yet
	uint64_t grace_token;	  // of the last change; the next waits until all have passed it,
	bool is_grace_due;	  // since it may use again what the last one freed
	uint32_t n_routes4, n_routes6, routes4_max, routes6_max; // without the built-in ones
	uint32_t n_blocks4, n_blocks6, blocks4_max, blocks6_max; // of 256 entries, second level
	uint32_t overridden; // built-in prefixes that have a route of the user's
};

// 0 or -errno. Both tables answer NEXTHOP_NONE, but for what no router forwards: multicast,
// loopback, class E (RFC 6890) and link-local IPv6.
int fib_init(struct fib *fib, uint32_t routes4_max, uint32_t routes6_max);
void fib_fini(struct fib *fib);
uint64_t fib_memory_bytes(uint32_t routes4_max, uint32_t routes6_max);

// Control thread. Replaces what the prefix had. -ENOSPC when a table is full: nothing has changed
// then. With `rcu` set, a change waits until every worker has passed by since the last one.
int fib_set(struct fib *fib, const struct ip_prefix *to, uint16_t code);
// Back to what a shorter prefix says, or to the built-in answer. -ENOENT.
int fib_delete(struct fib *fib, const struct ip_prefix *to);

// What the user's route for exactly this prefix goes by; NEXTHOP_NONE when there is none.
uint16_t fib_find(const struct fib *fib, const struct ip_prefix *to);

// One lookup, for the slow ways. Addresses in network order.
static inline uint16_t fib_lookup4(const struct fib *fib, uint32_t dst_be)
{
	uint32_t ip = rte_be_to_cpu_32(dst_be);
	uint64_t code = NEXTHOP_NONE;

	rte_fib_lookup_bulk(fib->v4, &ip, &code, 1);
	if (unlikely(code == NEXTHOP_NONE))
		rte_fib_lookup_bulk(fib->v4, &ip, &code, 1);
	return (uint16_t)code;
}

static inline uint16_t fib_lookup6(const struct fib *fib, const uint8_t dst[16])
{
	uint8_t(*ip)[RTE_FIB6_IPV6_ADDR_SIZE] = (uint8_t(*)[RTE_FIB6_IPV6_ADDR_SIZE])(uintptr_t)dst;
	uint64_t code = NEXTHOP_NONE;

	rte_fib6_lookup_bulk(fib->v6, ip, &code, 1);
	if (unlikely(code == NEXTHOP_NONE))
		rte_fib6_lookup_bulk(fib->v6, ip, &code, 1);
	return (uint16_t)code;
}

// What the default route goes by. A change of it shows a moment later than in the table.
static inline uint16_t fib_default(const struct fib *fib, uint8_t family)
{
	return atomic_load_explicit(
		family == IP_V6 ? &fib->default6 : &fib->default4, memory_order_relaxed);
}

// The member of a group for a flow hash; any other code is its own answer.
static inline uint16_t nexthop_resolve(const struct fib *fib, uint16_t code, uint32_t hash)
{
	const struct nexthop_group *group;

	if (likely(!nexthop_is_group(code)))
		return code;
	group = &fib->groups[code - NEXTHOP_GROUP_BASE];
	return group->codes[((uint64_t)hash * group->n) >> 32];
}
