// SPDX-License-Identifier: BSD-3-Clause
#include "control/rib.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "control/hash.h"

enum { BUCKETS_MIN = 1024, INTERFACE_NONE = 255 };

struct nexthop {
	uint8_t interface; // id, or INTERFACE_NONE
	uint8_t family;
	uint8_t via[16];
};

// 1M of these is the case to plan for: 64 bytes each with one nexthop, allocator included.
struct node {
	struct node *next; // in the bucket; those of one prefix stand together, best first
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
	struct nexthop nexthops[];
};

struct rib {
	struct dataplane *dp;
	struct node **buckets;
	uint32_t n_buckets; // power of two
	uint32_t n_nodes;
	uint32_t n_nodes4;
	uint64_t seed;
	uint64_t links_down; // bit i: interface i
	uint32_t n_refused;
	uint8_t generation;
	bool is_changed;
	bool has_room; // something was removed from the workers since the last retry
};

static_assert(DP_INTERFACES_MAX <= 64, "links_down is one word");

static uint32_t bucket_of(
	const struct rib *rib, const uint8_t addr[16], uint8_t family, uint8_t len)
{
	uint64_t hash = hash_address(rib->seed, addr, (uint32_t)family << 8 | len);

	return (uint32_t)hash & (rib->n_buckets - 1);
}

static bool is_prefix(const struct node *node, const struct ip_prefix *prefix)
{
	return node->len == prefix->len && node->family == prefix->addr.family &&
	       memcmp(node->addr, prefix->addr.bytes, sizeof(node->addr)) == 0;
}

// The link that points to the first node of the prefix, or to where the bucket ends.
static struct node **find(struct rib *rib, const struct ip_prefix *prefix)
{
	struct node **at =
		&rib->buckets[bucket_of(rib, prefix->addr.bytes, prefix->addr.family, prefix->len)];

	while (*at != NULL && !is_prefix(*at, prefix))
		at = &(*at)->next;
	return at;
}

static struct nexthop nexthop_pack(const struct dp_nexthop *from)
{
	struct nexthop to = {.family = from->via.family};

	to.interface = from->interface < 0 ? INTERFACE_NONE : (uint8_t)from->interface;
	hash_address_bytes(&from->via, to.via);
	return to;
}

static bool nexthop_equal(const struct nexthop *a, const struct nexthop *b)
{
	return a->interface == b->interface && a->family == b->family &&
	       memcmp(a->via, b->via, sizeof(a->via)) == 0;
}

static bool has_nexthop(const struct node *node, const struct nexthop *wanted)
{
	for (unsigned i = 0; i < node->n_nexthops; i++)
		if (nexthop_equal(&node->nexthops[i], wanted))
			return true;
	return false;
}

static bool is_subset(const struct node *small, const struct node *large)
{
	for (unsigned i = 0; i < small->n_nexthops; i++)
		if (!has_nexthop(large, &small->nexthops[i]))
			return false;
	return true;
}

static bool same_rank(const struct node *a, const struct node *b)
{
	return a->is_local_table == b->is_local_table && a->metric == b->metric;
}

static bool same_nexthops(const struct node *a, const struct node *b)
{
	return a->kind == b->kind && a->n_nexthops == b->n_nexthops && is_subset(a, b);
}

static bool is_alive(const struct rib *rib, const struct nexthop *nexthop)
{
	return nexthop->interface == INTERFACE_NONE ||
	       (rib->links_down & (1ull << nexthop->interface)) == 0;
}

static bool has_life(const struct rib *rib, const struct node *node)
{
	if (node->kind != DP_ROUTE_UNICAST)
		return true;
	for (unsigned i = 0; i < node->n_nexthops; i++)
		if (is_alive(rib, &node->nexthops[i]))
			return true;
	return false;
}

// A prefix whose every link is down keeps its best route: its packets must die here, not follow
// the default route to somewhere else.
static struct node *best_of(
	const struct rib *rib, struct node *first, const struct ip_prefix *prefix)
{
	for (struct node *n = first; n != NULL && is_prefix(n, prefix); n = n->next)
		if (has_life(rib, n))
			return n;
	return first != NULL && is_prefix(first, prefix) ? first : NULL;
}

static void unpack(const struct node *node, struct rib_route *out)
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

		to->interface = node->nexthops[i].interface == INTERFACE_NONE
					? -1
					: node->nexthops[i].interface;
		to->via.family = node->nexthops[i].family;
		memcpy(to->via.bytes, node->nexthops[i].via, sizeof(to->via.bytes));
	}
	out->route.n_nexthops = node->n_nexthops;
}

static int give_to_workers(struct rib *rib, const struct node *node)
{
	struct rib_route whole;
	struct dp_route *route = &whole.route;
	unsigned n_alive = 0;

	unpack(node, &whole);
	for (unsigned i = 0; i < node->n_nexthops; i++)
		if (is_alive(rib, &node->nexthops[i]))
			route->nexthops[n_alive++] = route->nexthops[i];
	if (n_alive > 0)
		route->n_nexthops = n_alive;
	// an address of ours on an interface that is not (the loopback) names no interface
	if (route->n_nexthops > 0 && route->nexthops[0].interface < 0)
		route->n_nexthops = 0;
	return dataplane_route_set(rib->dp, route);
}

static void take_from_workers(struct rib *rib, const struct ip_prefix *prefix)
{
	dataplane_route_delete(rib->dp, prefix);
	rib->is_changed = true;
	rib->has_room = true;
}

static void set_refused(struct rib *rib, struct node *node, bool is_refused)
{
	if (node->is_refused == is_refused)
		return;
	node->is_refused = is_refused;
	rib->n_refused += is_refused ? 1 : -1u;
}

// Brings the workers in line with what is now best for the prefix. `had_active`: they have a route
// of it, whether its node still exists or not; `is_stale`: and what they have of it is outdated.
static void settle(struct rib *rib, const struct ip_prefix *prefix, bool had_active, bool is_stale)
{
	struct node *first = *find(rib, prefix);
	struct node *best = best_of(rib, first, prefix);

	if (best != NULL && best->is_active && !is_stale)
		return;
	for (struct node *n = first; n != NULL && is_prefix(n, prefix); n = n->next) {
		n->is_active = false;
		set_refused(rib, n, false);
	}
	if (best != NULL && give_to_workers(rib, best) == 0) {
		best->is_active = true;
		rib->is_changed = true;
		return;
	}
	if (best != NULL)
		set_refused(rib, best, true);
	if (had_active)
		take_from_workers(rib, prefix);
}

static bool has_active(const struct node *first, const struct ip_prefix *prefix)
{
	for (const struct node *n = first; n != NULL && is_prefix(n, prefix); n = n->next)
		if (n->is_active)
			return true;
	return false;
}

// Twice the buckets. Nodes of one prefix stay together and in order, since each bucket's list is
// taken apart from its front and put on the end of the new ones.
static void grow(struct rib *rib)
{
	uint32_t n_old = rib->n_buckets;
	struct node **buckets = calloc((size_t)n_old * 2, sizeof(struct node *));
	struct node **old = rib->buckets;

	if (buckets == NULL)
		return; // longer lists, nothing worse
	rib->buckets = buckets;
	rib->n_buckets = n_old * 2;
	for (uint32_t i = 0; i < n_old; i++) {
		struct node **tails[2] = {&buckets[i], &buckets[i + n_old]};

		for (struct node *n = old[i], *next; n != NULL; n = next) {
			unsigned high = bucket_of(rib, n->addr, n->family, n->len) >= n_old;

			next = n->next;
			n->next = NULL;
			*tails[high] = n;
			tails[high] = &n->next;
		}
	}
	free(old);
}

static void unlink_node(struct rib *rib, struct node **at)
{
	struct node *node = *at;

	*at = node->next;
	rib->n_nodes--;
	rib->n_nodes4 -= node->family == IP_V4;
	set_refused(rib, node, false);
	free(node);
}

static void link_node(struct rib *rib, struct node **at, struct node *node)
{
	node->next = *at;
	*at = node;
	rib->n_nodes++;
	rib->n_nodes4 += node->family == IP_V4;
}

static struct node *node_new(
	const struct rib *rib, const struct ip_prefix *prefix, const struct rib_route *from)
{
	unsigned n = from->route.n_nexthops;
	// not from sizeof, whose padding the first nexthop may use: 64 bytes in all, not 80
	size_t bytes = offsetof(struct node, nexthops) + n * sizeof(struct nexthop);
	struct node *node = calloc(1, bytes < sizeof(*node) ? sizeof(*node) : bytes);

	if (node == NULL)
		return NULL;
	hash_address_bytes(&prefix->addr, node->addr);
	node->family = prefix->addr.family;
	node->len = prefix->len;
	node->kind = (uint8_t)from->route.kind;
	node->metric = from->metric;
	node->is_local_table = from->is_local_table;
	node->protocol = from->protocol;
	node->generation = rib->generation;
	node->n_nexthops = (uint8_t)n;
	for (unsigned i = 0; i < n; i++)
		node->nexthops[i] = nexthop_pack(&from->route.nexthops[i]);
	return node;
}

static bool goes_before(const struct node *a, const struct node *b, enum rib_how how)
{
	if (a->is_local_table != b->is_local_table)
		return a->is_local_table;
	if (a->metric != b->metric)
		return a->metric < b->metric;
	return how == RIB_PREPEND;
}

// What the new node takes the place of, or NULL. IPv6 tells a grown set of nexthops by sending the
// whole set again, so a route whose nexthops are all among the new ones is the same route.
static struct node **find_replaced(struct node **first, const struct ip_prefix *prefix,
	const struct node *new, enum rib_how how)
{
	for (struct node **at = first; *at != NULL && is_prefix(*at, prefix); at = &(*at)->next) {
		if (!same_rank(*at, new))
			continue;
		if (how == RIB_REPLACE)
			return at;
		if (new->family == IP_V6 && (*at)->kind == new->kind && is_subset(*at, new))
			return at;
	}
	return NULL;
}

int rib_add(struct rib *rib, const struct rib_route *route, enum rib_how how)
{
	const struct ip_prefix network = ip_prefix_network(&route->route.to), *prefix = &network;
	struct node **first = find(rib, prefix);
	bool had_active = has_active(*first, prefix);
	struct node *new = node_new(rib, prefix, route);
	bool is_stale = false;
	struct node **at;

	if (new == NULL)
		return -ENOMEM;
	if (how != RIB_REPLACE)
		for (struct node *n = *first; n != NULL && is_prefix(n, prefix); n = n->next)
			if (same_rank(n, new) && same_nexthops(n, new)) {
				n->generation = rib->generation;
				n->protocol = new->protocol;
				free(new);
				return 0;
			}
	at = find_replaced(first, prefix, new, how);
	if (at != NULL) {
		is_stale = (*at)->is_active;
		unlink_node(rib, at);
	} else if (rib->n_nodes >= RIB_ROUTES_MAX) {
		free(new);
		return -ENOSPC;
	} else {
		at = first;
		while (*at != NULL && is_prefix(*at, prefix) && !goes_before(new, *at, how))
			at = &(*at)->next;
	}
	link_node(rib, at, new);
	settle(rib, prefix, had_active, is_stale);
	if (rib->n_nodes > rib->n_buckets)
		grow(rib);
	return 0;
}

static void remove_nexthops(struct node *node, const struct node *gone)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < node->n_nexthops; i++)
		if (!has_nexthop(gone, &node->nexthops[i]))
			node->nexthops[kept++] = node->nexthops[i];
	node->n_nexthops = (uint8_t)kept;
}

// How well a node answers to what the kernel says is gone: the exact set of nexthops before one
// that merely overlaps, since nexthops that died meanwhile may be in one and not in the other.
static unsigned match(const struct node *node, const struct node *gone)
{
	if (!same_rank(node, gone) || node->kind != gone->kind)
		return 0;
	if (same_nexthops(node, gone))
		return 2;
	return is_subset(node, gone) || is_subset(gone, node) ? 1 : 0;
}

int rib_remove(struct rib *rib, const struct rib_route *route)
{
	const struct ip_prefix network = ip_prefix_network(&route->route.to), *prefix = &network;
	struct node **first = find(rib, prefix);
	bool had_active = has_active(*first, prefix);
	struct node *gone = node_new(rib, prefix, route);
	struct node **best = NULL;
	unsigned best_match = 0;
	bool was_active;

	if (gone == NULL)
		return -ENOMEM;
	for (struct node **at = first; *at != NULL && is_prefix(*at, prefix); at = &(*at)->next)
		if (match(*at, gone) > best_match) {
			best = at;
			best_match = match(*at, gone);
		}
	if (best == NULL) {
		free(gone);
		return -ENOENT;
	}
	was_active = (*best)->is_active;
	// IPv6 takes nexthops out of a route one by one, IPv4 only the whole route
	if (gone->family == IP_V6 && !is_subset(*best, gone))
		remove_nexthops(*best, gone);
	else
		unlink_node(rib, best);
	free(gone);
	settle(rib, prefix, had_active, was_active);
	return 0;
}

void rib_displace(struct rib *rib, const struct rib_route *route)
{
	const struct ip_prefix network = ip_prefix_network(&route->route.to), *prefix = &network;
	struct node **at = find(rib, prefix);
	bool had_active = has_active(*at, prefix);

	while (*at != NULL && is_prefix(*at, prefix) &&
		((*at)->metric != route->metric || (*at)->is_local_table != route->is_local_table))
		at = &(*at)->next;
	if (*at == NULL || !is_prefix(*at, prefix))
		return;
	had_active = had_active && (*at)->is_active;
	unlink_node(rib, at);
	if (had_active)
		settle(rib, prefix, true, true);
}

void rib_sync_start(struct rib *rib)
{
	rib->generation++;
}

static struct ip_prefix prefix_of(const struct node *node)
{
	struct ip_prefix prefix = {.addr.family = node->family, .len = node->len};

	memcpy(prefix.addr.bytes, node->addr, sizeof(node->addr));
	return prefix;
}

void rib_sync_end(struct rib *rib)
{
	for (uint32_t i = 0; i < rib->n_buckets; i++) {
		struct node **at = &rib->buckets[i];

		while (*at != NULL) {
			struct ip_prefix prefix = prefix_of(*at);
			bool was_active = (*at)->is_active;

			if ((*at)->generation == rib->generation) {
				at = &(*at)->next;
				continue;
			}
			unlink_node(rib, at);
			if (was_active)
				settle(rib, &prefix, true, true);
		}
	}
}

// Prefixes that have a choice are few, so the walk over all of them is cheap.
static void resettle_choices(struct rib *rib, int interface)
{
	for (uint32_t i = 0; i < rib->n_buckets; i++)
		for (struct node *n = rib->buckets[i]; n != NULL; n = n->next) {
			struct ip_prefix prefix = prefix_of(n);
			bool has_choice = n->next != NULL && is_prefix(n->next, &prefix);
			bool uses = false;

			if (!n->is_active && !has_choice)
				continue;
			for (unsigned k = 0; k < n->n_nexthops; k++)
				uses |= n->nexthops[k].interface == interface;
			if (n->is_active && uses && n->n_nexthops > 1)
				settle(rib, &prefix, true, true);
			else if (uses || has_choice)
				settle(rib, &prefix, has_active(*find(rib, &prefix), &prefix),
					false);
		}
}

void rib_set_link(struct rib *rib, int interface, bool is_up)
{
	uint64_t bit = 1ull << interface;

	if (is_up == ((rib->links_down & bit) == 0))
		return;
	rib->links_down ^= bit;
	resettle_choices(rib, interface);
}

void rib_retry_refused(struct rib *rib)
{
	if (rib->n_refused == 0 || !rib->has_room)
		return;
	rib->has_room = false;
	for (uint32_t i = 0; i < rib->n_buckets; i++)
		for (struct node *n = rib->buckets[i]; n != NULL; n = n->next) {
			struct ip_prefix prefix = prefix_of(n);

			if (n->is_refused)
				settle(rib, &prefix, false, false);
		}
}

bool rib_take_changed(struct rib *rib)
{
	bool was = rib->is_changed;

	rib->is_changed = false;
	return was;
}

void rib_counts(const struct rib *rib, struct rib_counts *out)
{
	out->routes4 = rib->n_nodes4;
	out->routes6 = rib->n_nodes - rib->n_nodes4;
	out->refused = rib->n_refused;
}

bool rib_next(
	const struct rib *rib, struct rib_cursor *cursor, struct rib_route *out, bool *is_active)
{
	for (; cursor->bucket < rib->n_buckets; cursor->bucket++, cursor->position = 0) {
		const struct node *node = rib->buckets[cursor->bucket];

		for (uint32_t i = 0; node != NULL && i < cursor->position; i++)
			node = node->next;
		if (node == NULL)
			continue;
		cursor->position++;
		unpack(node, out);
		*is_active = node->is_active;
		return true;
	}
	return false;
}

struct rib *rib_new(struct dataplane *dp)
{
	struct rib *rib = calloc(1, sizeof(*rib));

	if (rib == NULL)
		return NULL;
	rib->dp = dp;
	rib->n_buckets = BUCKETS_MIN;
	rib->seed = hash_seed();
	rib->buckets = calloc(rib->n_buckets, sizeof(struct node *));
	if (rib->buckets == NULL) {
		free(rib);
		return NULL;
	}
	return rib;
}

void rib_free(struct rib *rib)
{
	if (rib == NULL)
		return;
	for (uint32_t i = 0; i < rib->n_buckets; i++)
		while (rib->buckets[i] != NULL)
			unlink_node(rib, &rib->buckets[i]);
	free(rib->buckets);
	free(rib);
}
