// SPDX-License-Identifier: BSD-3-Clause
// How the RIB keeps its routes: one small node each, in a hash by prefix. Those of one prefix
// stand together in their bucket, best first; which is best is up to rib_choice.c. Control thread.
#pragma once

#include "control/rib.h"

struct rib_nexthop {
	uint8_t interface; // id, or a rib_device
	uint8_t family;
	uint8_t via[16];
};

// 1M of these is the case to plan for: 64 bytes each with one nexthop, allocator included.
struct rib_node {
	struct rib_node *next; // in the bucket; those of one prefix stand together, best first
	uint32_t metric;
	uint8_t addr[16];
	uint8_t family;
	uint8_t len;
	uint8_t kind;
	uint8_t protocol;
	uint8_t generation;
	bool is_local_table;
	bool is_active;	 // the workers have this one
	bool is_refused; // they had no room for it
	uint8_t n_nexthops;
	struct rib_nexthop nexthops[];
};

struct rib_table {
	struct rib_node **buckets;
	uint32_t n_buckets; // power of two
	uint32_t n_nodes;
	uint32_t n_nodes4;
	uint64_t seed;
};

int rib_table_init(struct rib_table *table); // -1: no memory
void rib_table_fini(struct rib_table *table);

// The link that points to the first node of the prefix, or to where the bucket ends. Host bits
// must be zero.
struct rib_node **rib_table_find(const struct rib_table *table, const struct ip_prefix *prefix);
// Before the node that the link points to. The table may grow: links are then worth nothing.
void rib_table_link(struct rib_table *table, struct rib_node **at, struct rib_node *node);
void rib_table_unlink(struct rib_table *table, struct rib_node **at); // frees it

// To be linked or freed; NULL: no memory.
struct rib_node *rib_node_new(
	const struct ip_prefix *prefix, const struct rib_route *from, uint8_t generation);
void rib_node_unpack(const struct rib_node *node, struct rib_route *out);
struct ip_prefix rib_node_prefix(const struct rib_node *node);
bool rib_node_is_of(const struct rib_node *node, const struct ip_prefix *prefix);
bool rib_node_same_rank(const struct rib_node *a, const struct rib_node *b);
bool rib_node_same_nexthops(const struct rib_node *a, const struct rib_node *b);     // in any order
bool rib_node_is_within(const struct rib_node *small, const struct rib_node *large); // its nexthops
bool rib_node_leads_to(const struct rib_node *node, int interface);		     // or device
void rib_node_remove_nexthops(struct rib_node *node, const struct rib_node *gone);
