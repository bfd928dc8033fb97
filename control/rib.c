// SPDX-License-Identifier: BSD-3-Clause
#include "control/rib.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/rib_table.h"

struct rib {
	struct dataplane *dp;
	struct rib_table table;
	uint64_t links_down; // bit i: interface i
	uint32_t n_refused;
	uint8_t generation;
	bool is_changed;
	bool tells_alternatives;
	bool has_room; // something was removed from the workers since the last retry
};

static_assert(DP_INTERFACES_MAX <= 64, "links_down is one word");

static bool is_device(int interface)
{
	return interface >= RIB_DEVICE_BASE;
}

static bool is_up(const struct rib *rib, int interface)
{
	return (rib->links_down & (1ull << interface)) == 0;
}

static bool is_kernels(const struct rib_node *node)
{
	for (unsigned i = 0; i < node->n_nexthops; i++)
		if (!is_device(node->nexthops[i].interface))
			return false;
	return node->kind == DP_ROUTE_UNICAST && node->n_nexthops > 0;
}

// Where the machine itself goes out is not where its router's hosts do.
static bool serves_workers(const struct rib_node *node)
{
	return node->len > 0 || !is_kernels(node);
}

static bool has_life(const struct rib *rib, const struct rib_node *node)
{
	if (node->kind != DP_ROUTE_UNICAST)
		return true;
	for (unsigned i = 0; i < node->n_nexthops; i++) {
		int interface = node->nexthops[i].interface;

		if (is_device(interface) ? node->len > 0 : is_up(rib, interface))
			return true;
	}
	return false;
}

// A prefix whose every link is down keeps its best route: its packets must die here, not follow
// the default route to somewhere else.
static struct rib_node *best_of(
	const struct rib *rib, struct rib_node *first, const struct ip_prefix *prefix)
{
	struct rib_node *best = NULL, *dead = NULL;

	for (struct rib_node *n = first; n != NULL && rib_node_is_of(n, prefix); n = n->next) {
		if (!serves_workers(n))
			continue;
		if (best != NULL && !rib_node_same_rank(n, best))
			break;
		if (!has_life(rib, n))
			dead = dead == NULL ? n : dead;
		else if (best == NULL || (is_kernels(best) && !is_kernels(n)))
			best = n;
	}
	return best != NULL ? best : dead;
}

// The interfaces of ours that any route to the prefix leads to. Who need not tell has none.
static uint64_t ways_of(
	const struct rib *rib, const struct rib_node *first, const struct ip_prefix *prefix)
{
	uint64_t ways = 0;

	if (!rib->tells_alternatives)
		return 0;
	for (const struct rib_node *n = first; n != NULL && rib_node_is_of(n, prefix); n = n->next)
		for (unsigned i = 0; i < n->n_nexthops && n->kind == DP_ROUTE_UNICAST; i++)
			if (!is_device(n->nexthops[i].interface))
				ways |= 1ull << n->nexthops[i].interface;
	return ways;
}

static int give_to_workers(struct rib *rib, const struct rib_node *node, uint64_t ways)
{
	struct rib_route whole;
	struct dp_route *route = &whole.route;
	unsigned n_ours = 0, n_alive = 0;

	rib_node_unpack(node, &whole);
	for (unsigned i = 0; i < node->n_nexthops; i++)
		if (!is_device(route->nexthops[i].interface))
			route->nexthops[n_ours++] = route->nexthops[i];
	for (unsigned i = 0; i < n_ours; i++)
		if (is_up(rib, route->nexthops[i].interface))
			route->nexthops[n_alive++] = route->nexthops[i];
	route->n_nexthops = n_alive > 0 ? n_alive : n_ours;
	if (node->kind == DP_ROUTE_UNICAST && n_alive == 0 && n_ours < node->n_nexthops &&
		node->len > 0) {
		route->kind = DP_ROUTE_LOCAL;
		route->n_nexthops = 0;
	}
	for (unsigned i = 0; i < route->n_nexthops; i++)
		ways &= ~(1ull << route->nexthops[i].interface);
	route->alternatives = route->kind == DP_ROUTE_UNICAST ? ways : 0;
	return dataplane_route_set(rib->dp, route);
}

static void take_from_workers(struct rib *rib, const struct ip_prefix *prefix)
{
	dataplane_route_delete(rib->dp, prefix);
	rib->is_changed = true;
	rib->has_room = true;
}

static void set_refused(struct rib *rib, struct rib_node *node, bool is_refused)
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
	struct rib_node *first = *rib_table_find(&rib->table, prefix);
	struct rib_node *best = best_of(rib, first, prefix);

	if (best != NULL && best->is_active && !is_stale)
		return;
	for (struct rib_node *n = first; n != NULL && rib_node_is_of(n, prefix); n = n->next) {
		n->is_active = false;
		set_refused(rib, n, false);
	}
	if (best != NULL && give_to_workers(rib, best, ways_of(rib, first, prefix)) == 0) {
		best->is_active = true;
		rib->is_changed = true;
		return;
	}
	if (best != NULL)
		set_refused(rib, best, true);
	if (had_active)
		take_from_workers(rib, prefix);
}

static void remove_node(struct rib *rib, struct rib_node **at)
{
	set_refused(rib, *at, false);
	rib_table_unlink(&rib->table, at);
}

static bool has_active(const struct rib_node *first, const struct ip_prefix *prefix)
{
	for (const struct rib_node *n = first; n != NULL && rib_node_is_of(n, prefix); n = n->next)
		if (n->is_active)
			return true;
	return false;
}

static bool goes_before(const struct rib_node *a, const struct rib_node *b, enum rib_how how)
{
	if (a->is_local_table != b->is_local_table)
		return a->is_local_table;
	if (a->metric != b->metric)
		return a->metric < b->metric;
	return how == RIB_PREPEND;
}

// What the new node takes the place of, or NULL. IPv6 tells a grown set of nexthops by sending the
// whole set again, so a route whose nexthops are all among the new ones is the same route.
static struct rib_node **find_replaced(struct rib_node **first, const struct ip_prefix *prefix,
	const struct rib_node *new, enum rib_how how)
{
	for (struct rib_node **at = first; *at != NULL && rib_node_is_of(*at, prefix);
		at = &(*at)->next) {
		if (!rib_node_same_rank(*at, new))
			continue;
		if (how == RIB_REPLACE)
			return at;
		if (new->family == IP_V6 && (*at)->kind == new->kind &&
			rib_node_is_within(*at, new))
			return at;
	}
	return NULL;
}

int rib_add(struct rib *rib, const struct rib_route *route, enum rib_how how)
{
	const struct ip_prefix network = ip_prefix_network(&route->route.to), *prefix = &network;
	struct rib_node **first = rib_table_find(&rib->table, prefix);
	bool had_active = has_active(*first, prefix);
	uint64_t ways = ways_of(rib, *first, prefix);
	struct rib_node *new = rib_node_new(prefix, route, rib->generation);
	bool is_stale = false;
	struct rib_node **at;

	if (new == NULL)
		return -ENOMEM;
	if (how != RIB_REPLACE)
		for (struct rib_node *n = *first; n != NULL && rib_node_is_of(n, prefix);
			n = n->next)
			if (rib_node_same_rank(n, new) && rib_node_same_nexthops(n, new)) {
				n->generation = rib->generation;
				n->protocol = new->protocol;
				free(new);
				return 0;
			}
	at = find_replaced(first, prefix, new, how);
	if (at != NULL) {
		is_stale = (*at)->is_active;
		remove_node(rib, at);
	} else if (rib->table.n_nodes >= RIB_ROUTES_MAX) {
		free(new);
		return -ENOSPC;
	} else {
		at = first;
		while (*at != NULL && rib_node_is_of(*at, prefix) && !goes_before(new, *at, how))
			at = &(*at)->next;
	}
	rib_table_link(&rib->table, at, new);
	is_stale |= ways_of(rib, *rib_table_find(&rib->table, prefix), prefix) != ways;
	settle(rib, prefix, had_active, is_stale);
	return 0;
}

// How well a node answers to what the kernel says is gone: the exact set of nexthops before one
// that merely overlaps, since nexthops that died meanwhile may be in one and not in the other.
static unsigned match(const struct rib_node *node, const struct rib_node *gone)
{
	if (!rib_node_same_rank(node, gone) || node->kind != gone->kind)
		return 0;
	if (rib_node_same_nexthops(node, gone))
		return 2;
	return rib_node_is_within(node, gone) || rib_node_is_within(gone, node) ? 1 : 0;
}

int rib_remove(struct rib *rib, const struct rib_route *route)
{
	const struct ip_prefix network = ip_prefix_network(&route->route.to), *prefix = &network;
	struct rib_node **first = rib_table_find(&rib->table, prefix);
	bool had_active = has_active(*first, prefix);
	uint64_t ways = ways_of(rib, *first, prefix);
	struct rib_node *gone = rib_node_new(prefix, route, rib->generation);
	struct rib_node **best = NULL;
	unsigned best_match = 0;
	bool is_stale;

	if (gone == NULL)
		return -ENOMEM;
	for (struct rib_node **at = first; *at != NULL && rib_node_is_of(*at, prefix);
		at = &(*at)->next)
		if (match(*at, gone) > best_match) {
			best = at;
			best_match = match(*at, gone);
		}
	if (best == NULL) {
		free(gone);
		return -ENOENT;
	}
	is_stale = (*best)->is_active;
	// IPv6 takes nexthops out of a route one by one, IPv4 only the whole route
	if (gone->family == IP_V6 && !rib_node_is_within(*best, gone))
		rib_node_remove_nexthops(*best, gone);
	else
		remove_node(rib, best);
	free(gone);
	is_stale |= ways_of(rib, *rib_table_find(&rib->table, prefix), prefix) != ways;
	settle(rib, prefix, had_active, is_stale);
	return 0;
}

void rib_displace(struct rib *rib, const struct rib_route *route)
{
	const struct ip_prefix network = ip_prefix_network(&route->route.to), *prefix = &network;
	struct rib_node **at = rib_table_find(&rib->table, prefix);
	bool had_active = has_active(*at, prefix), is_stale;

	while (*at != NULL && rib_node_is_of(*at, prefix) &&
		((*at)->metric != route->metric || (*at)->is_local_table != route->is_local_table))
		at = &(*at)->next;
	if (*at == NULL || !rib_node_is_of(*at, prefix))
		return;
	is_stale = (*at)->is_active || rib->tells_alternatives;
	remove_node(rib, at);
	if (had_active && is_stale)
		settle(rib, prefix, true, true);
}

void rib_sync_start(struct rib *rib)
{
	rib->generation++;
}

void rib_sync_end(struct rib *rib)
{
	for (uint32_t i = 0; i < rib->table.n_buckets; i++) {
		struct rib_node **at = &rib->table.buckets[i];

		while (*at != NULL) {
			struct ip_prefix prefix = rib_node_prefix(*at);
			bool had_active =
				(*at)->is_active ||
				(rib->tells_alternatives &&
					has_active(*rib_table_find(&rib->table, &prefix), &prefix));

			if ((*at)->generation == rib->generation) {
				at = &(*at)->next;
				continue;
			}
			remove_node(rib, at);
			if (had_active)
				settle(rib, &prefix, true, true);
		}
	}
}

// Prefixes that have a choice are few, so the walk over all of them is cheap.
static void resettle_choices(struct rib *rib, int interface)
{
	for (uint32_t i = 0; i < rib->table.n_buckets; i++)
		for (struct rib_node *n = rib->table.buckets[i]; n != NULL; n = n->next) {
			struct ip_prefix prefix = rib_node_prefix(n);
			bool has_choice = n->next != NULL && rib_node_is_of(n->next, &prefix);
			bool uses = false;

			if (!n->is_active && !has_choice)
				continue;
			for (unsigned k = 0; k < n->n_nexthops; k++)
				uses |= n->nexthops[k].interface == interface;
			if (n->is_active && uses && n->n_nexthops > 1)
				settle(rib, &prefix, true, true);
			else if (uses || has_choice)
				settle(rib, &prefix,
					has_active(*rib_table_find(&rib->table, &prefix), &prefix),
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

static bool leads_to(const struct rib_node *node, int interface)
{
	for (unsigned i = 0; i < node->n_nexthops; i++)
		if (node->nexthops[i].interface == interface)
			return true;
	return false;
}

static void leave(struct rib_node *node, int interface)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < node->n_nexthops; i++)
		if (node->nexthops[i].interface != interface)
			node->nexthops[kept++] = node->nexthops[i];
	node->n_nexthops = (uint8_t)kept;
}

void rib_forget_interface(struct rib *rib, int interface)
{
	for (uint32_t i = 0; i < rib->table.n_buckets; i++) {
		struct rib_node **at = &rib->table.buckets[i];

		while (*at != NULL) {
			struct ip_prefix prefix = rib_node_prefix(*at);
			bool had_active, is_stale;

			if (!leads_to(*at, interface)) {
				at = &(*at)->next;
				continue;
			}
			had_active = has_active(*rib_table_find(&rib->table, &prefix), &prefix);
			is_stale = (*at)->is_active || rib->tells_alternatives;
			leave(*at, interface);
			if ((*at)->n_nexthops > 0)
				at = &(*at)->next;
			else
				remove_node(rib, at);
			settle(rib, &prefix, had_active, is_stale);
		}
	}
	rib->links_down &= ~(1ull << interface);
}

bool rib_find_active(const struct rib *rib, const struct ip_prefix *prefix, struct rib_route *out)
{
	const struct rib_node *n = *rib_table_find(&rib->table, prefix);

	while (n != NULL && rib_node_is_of(n, prefix) && !n->is_active)
		n = n->next;
	if (n == NULL || !rib_node_is_of(n, prefix))
		return false;
	rib_node_unpack(n, out);
	return true;
}

bool rib_uses_device(const struct rib *rib, int device)
{
	for (uint32_t i = 0; i < rib->table.n_buckets; i++)
		for (const struct rib_node *n = rib->table.buckets[i]; n != NULL; n = n->next)
			if (leads_to(n, device))
				return true;
	return false;
}

void rib_retry_refused(struct rib *rib)
{
	if (rib->n_refused == 0 || !rib->has_room)
		return;
	rib->has_room = false;
	for (uint32_t i = 0; i < rib->table.n_buckets; i++)
		for (struct rib_node *n = rib->table.buckets[i]; n != NULL; n = n->next) {
			struct ip_prefix prefix = rib_node_prefix(n);

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

bool rib_route_is_kernels(const struct rib_route *route)
{
	const struct dp_route *to = &route->route;

	for (unsigned i = 0; i < to->n_nexthops; i++)
		if (!is_device(to->nexthops[i].interface))
			return false;
	return to->kind == DP_ROUTE_UNICAST && to->n_nexthops > 0;
}

void rib_counts(const struct rib *rib, struct rib_counts *out)
{
	out->routes4 = rib->table.n_nodes4;
	out->routes6 = rib->table.n_nodes - rib->table.n_nodes4;
	out->refused = rib->n_refused;
}

bool rib_next(
	const struct rib *rib, struct rib_cursor *cursor, struct rib_route *out, bool *is_active)
{
	for (; cursor->bucket < rib->table.n_buckets; cursor->bucket++, cursor->position = 0) {
		const struct rib_node *node = rib->table.buckets[cursor->bucket];

		for (uint32_t i = 0; node != NULL && i < cursor->position; i++)
			node = node->next;
		if (node == NULL)
			continue;
		cursor->position++;
		rib_node_unpack(node, out);
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
	if (rib_table_init(&rib->table) != 0) {
		free(rib);
		return NULL;
	}
	return rib;
}

void rib_tell_alternatives(struct rib *rib)
{
	if (rib->tells_alternatives)
		return;
	rib->tells_alternatives = true;
	for (uint32_t i = 0; i < rib->table.n_buckets; i++)
		for (struct rib_node *n = rib->table.buckets[i]; n != NULL; n = n->next) {
			struct ip_prefix prefix = rib_node_prefix(n);

			if (n->next != NULL && rib_node_is_of(n->next, &prefix))
				settle(rib, &prefix,
					has_active(*rib_table_find(&rib->table, &prefix), &prefix),
					true);
		}
}

void rib_free(struct rib *rib)
{
	if (rib == NULL)
		return;
	rib_table_fini(&rib->table);
	free(rib);
}

unsigned rib_find(
	const struct rib *rib, const struct ip_addr *addr, struct rib_found *out, unsigned max)
{
	unsigned n = 0;

	for (int len = (int)ip_family_bits(addr->family); len >= 0 && n < max; len--) {
		struct ip_prefix prefix = {.addr = *addr, .len = (uint8_t)len};
		const struct rib_node *node;

		prefix = ip_prefix_network(&prefix);
		node = *rib_table_find(&rib->table, &prefix);
		for (; node != NULL && n < max && rib_node_is_of(node, &prefix);
			node = node->next) {
			rib_node_unpack(node, &out[n].route);
			out[n++].is_active = node->is_active;
		}
	}
	return n;
}
