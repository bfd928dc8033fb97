// SPDX-License-Identifier: BSD-3-Clause
#include "control/rib_table.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "control/hash.h"

enum { BUCKETS_MIN = 1024 };

static uint32_t bucket_of(
	const struct rib_table *table, const uint8_t addr[16], uint8_t family, uint8_t len)
{
	uint64_t hash = hash_address(table->seed, addr, (uint32_t)family << 8 | len);

	return (uint32_t)hash & (table->n_buckets - 1);
}

bool rib_node_is_of(const struct rib_node *node, const struct ip_prefix *prefix)
{
	return node->len == prefix->len && node->family == prefix->addr.family &&
	       memcmp(node->addr, prefix->addr.bytes, sizeof(node->addr)) == 0;
}

struct rib_node **rib_table_find(const struct rib_table *table, const struct ip_prefix *prefix)
{
	struct rib_node **at = &table->buckets[bucket_of(
		table, prefix->addr.bytes, prefix->addr.family, prefix->len)];

	while (*at != NULL && !rib_node_is_of(*at, prefix))
		at = &(*at)->next;
	return at;
}

static struct rib_nexthop nexthop_pack(const struct dp_nexthop *from)
{
	struct rib_nexthop to = {.interface = (uint8_t)from->interface, .family = from->via.family};

	hash_address_bytes(&from->via, to.via);
	return to;
}

static bool nexthop_equal(const struct rib_nexthop *a, const struct rib_nexthop *b)
{
	return a->interface == b->interface && a->family == b->family &&
	       memcmp(a->via, b->via, sizeof(a->via)) == 0;
}

static bool has_nexthop(const struct rib_node *node, const struct rib_nexthop *wanted)
{
	for (unsigned i = 0; i < node->n_nexthops; i++)
		if (nexthop_equal(&node->nexthops[i], wanted))
			return true;
	return false;
}

bool rib_node_is_within(const struct rib_node *small, const struct rib_node *large)
{
	for (unsigned i = 0; i < small->n_nexthops; i++)
		if (!has_nexthop(large, &small->nexthops[i]))
			return false;
	return true;
}

bool rib_node_leads_to(const struct rib_node *node, int interface)
{
	for (unsigned i = 0; i < node->n_nexthops; i++)
		if (node->nexthops[i].interface == interface)
			return true;
	return false;
}

bool rib_node_same_rank(const struct rib_node *a, const struct rib_node *b)
{
	return a->is_local_table == b->is_local_table && a->metric == b->metric;
}

bool rib_node_same_nexthops(const struct rib_node *a, const struct rib_node *b)
{
	return a->kind == b->kind && a->n_nexthops == b->n_nexthops && rib_node_is_within(a, b);
}

void rib_node_unpack(const struct rib_node *node, struct rib_route *out)
{
	memset(out, 0, sizeof(*out));
	out->route.to.addr.family = node->family;
	memcpy(out->route.to.addr.bytes, node->addr, sizeof(node->addr));
	out->route.to.len = node->len;
	out->route.kind = (enum dp_route_kind)node->kind;
	out->metric = node->metric;
	out->is_local_table = node->is_local_table;
	out->protocol = node->protocol;
	for (unsigned i = 0; i < node->n_nexthops; i++) {
		struct dp_nexthop *to = &out->route.nexthops[i];

		to->interface = node->nexthops[i].interface;
		to->via.family = node->nexthops[i].family;
		memcpy(to->via.bytes, node->nexthops[i].via, sizeof(to->via.bytes));
	}
	out->route.n_nexthops = node->n_nexthops;
}

// Twice the buckets. Nodes of one prefix stay together and in order, since each bucket's list is
// taken apart from its front and put on the end of the new ones.
static void grow(struct rib_table *table)
{
	uint32_t n_old = table->n_buckets;
	struct rib_node **buckets = calloc((size_t)n_old * 2, sizeof(struct rib_node *));
	struct rib_node **old = table->buckets;

	if (buckets == NULL)
		return; // longer lists, nothing worse
	table->buckets = buckets;
	table->n_buckets = n_old * 2;
	for (uint32_t i = 0; i < n_old; i++) {
		struct rib_node **tails[2] = {&buckets[i], &buckets[i + n_old]};

		for (struct rib_node *n = old[i], *next; n != NULL; n = next) {
			unsigned high = bucket_of(table, n->addr, n->family, n->len) >= n_old;

			next = n->next;
			n->next = NULL;
			*tails[high] = n;
			tails[high] = &n->next;
		}
	}
	free(old);
}

void rib_table_unlink(struct rib_table *table, struct rib_node **at)
{
	struct rib_node *node = *at;

	*at = node->next;
	table->n_nodes--;
	table->n_nodes4 -= node->family == IP_V4;
	free(node);
}

void rib_table_link(struct rib_table *table, struct rib_node **at, struct rib_node *node)
{
	node->next = *at;
	*at = node;
	table->n_nodes++;
	table->n_nodes4 += node->family == IP_V4;
	if (table->n_nodes > table->n_buckets)
		grow(table);
}

struct rib_node *rib_node_new(
	const struct ip_prefix *prefix, const struct rib_route *from, uint8_t generation)
{
	unsigned n = from->route.n_nexthops;
	// not from sizeof, whose padding the first nexthop may use: 64 bytes in all, not 80
	size_t bytes = offsetof(struct rib_node, nexthops) + n * sizeof(struct rib_nexthop);
	struct rib_node *node = calloc(1, bytes < sizeof(*node) ? sizeof(*node) : bytes);

	if (node == NULL)
		return NULL;
	hash_address_bytes(&prefix->addr, node->addr);
	node->family = prefix->addr.family;
	node->len = prefix->len;
	node->kind = (uint8_t)from->route.kind;
	node->metric = from->metric;
	node->is_local_table = from->is_local_table;
	node->protocol = from->protocol;
	node->generation = generation;
	node->n_nexthops = (uint8_t)n;
	for (unsigned i = 0; i < n; i++)
		node->nexthops[i] = nexthop_pack(&from->route.nexthops[i]);
	return node;
}

void rib_node_remove_nexthops(struct rib_node *node, const struct rib_node *gone)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < node->n_nexthops; i++)
		if (!has_nexthop(gone, &node->nexthops[i]))
			node->nexthops[kept++] = node->nexthops[i];
	node->n_nexthops = (uint8_t)kept;
}

struct ip_prefix rib_node_prefix(const struct rib_node *node)
{
	struct ip_prefix prefix = {.addr.family = node->family, .len = node->len};

	memcpy(prefix.addr.bytes, node->addr, sizeof(node->addr));
	return prefix;
}

int rib_table_init(struct rib_table *table)
{
	*table = (struct rib_table){.n_buckets = BUCKETS_MIN, .seed = hash_seed()};
	table->buckets = calloc(table->n_buckets, sizeof(struct rib_node *));
	return table->buckets == NULL ? -1 : 0;
}

void rib_table_fini(struct rib_table *table)
{
	for (uint32_t i = 0; table->buckets != NULL && i < table->n_buckets; i++)
		while (table->buckets[i] != NULL)
			rib_table_unlink(table, &table->buckets[i]);
	free(table->buckets);
}
