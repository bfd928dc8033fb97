// SPDX-License-Identifier: BSD-3-Clause
#include "control/rib.h"

#include <errno.h>
#include <stdlib.h>

#include "control/rib_choice.h"

static void remove_node(struct rib *rib, struct rib_node **at)
{
	rib_set_refused(rib, *at, false);
	rib_table_unlink(&rib->table, at);
}

// A route of that prefix, whichever.
static bool workers_have(const struct rib *rib, const struct ip_prefix *prefix)
{
	return rib_has_active(*rib_table_find(&rib->table, prefix), prefix);
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
	bool had_active = rib_has_active(*first, prefix);
	uint64_t ways = rib_ways(rib, *first, prefix);
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
	is_stale |= rib_ways(rib, *rib_table_find(&rib->table, prefix), prefix) != ways;
	rib_settle(rib, prefix, had_active, is_stale);
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
	bool had_active = rib_has_active(*first, prefix);
	uint64_t ways = rib_ways(rib, *first, prefix);
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
	is_stale |= rib_ways(rib, *rib_table_find(&rib->table, prefix), prefix) != ways;
	rib_settle(rib, prefix, had_active, is_stale);
	return 0;
}

void rib_displace(struct rib *rib, const struct rib_route *route)
{
	const struct ip_prefix network = ip_prefix_network(&route->route.to), *prefix = &network;
	struct rib_node **at = rib_table_find(&rib->table, prefix);
	bool had_active = rib_has_active(*at, prefix), is_stale;

	while (*at != NULL && rib_node_is_of(*at, prefix) &&
		((*at)->metric != route->metric || (*at)->is_local_table != route->is_local_table))
		at = &(*at)->next;
	if (*at == NULL || !rib_node_is_of(*at, prefix))
		return;
	is_stale = (*at)->is_active || rib->tells_alternatives;
	remove_node(rib, at);
	if (had_active && is_stale)
		rib_settle(rib, prefix, true, true);
}

void rib_batch_start(struct rib *rib)
{
	rib->is_in_batch = true;
}

void rib_batch_end(struct rib *rib)
{
	rib->is_in_batch = false;
	rib_settle_due(rib);
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
			bool had_active = (*at)->is_active ||
					  (rib->tells_alternatives && workers_have(rib, &prefix));

			if ((*at)->generation == rib->generation) {
				at = &(*at)->next;
				continue;
			}
			remove_node(rib, at);
			if (had_active)
				rib_settle(rib, &prefix, true, true);
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
			bool uses = rib_node_leads_to(n, interface);

			if (!n->is_active && !has_choice)
				continue;
			if (n->is_active && uses && n->n_nexthops > 1)
				rib_settle(rib, &prefix, true, true);
			else if (uses || has_choice)
				rib_settle(rib, &prefix, workers_have(rib, &prefix), false);
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

			if (!rib_node_leads_to(*at, interface)) {
				at = &(*at)->next;
				continue;
			}
			had_active = workers_have(rib, &prefix);
			is_stale = (*at)->is_active || rib->tells_alternatives;
			leave(*at, interface);
			if ((*at)->n_nexthops > 0)
				at = &(*at)->next;
			else
				remove_node(rib, at);
			rib_settle(rib, &prefix, had_active, is_stale);
		}
	}
	rib->links_down &= ~(1ull << interface);
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
				rib_settle(rib, &prefix, false, false);
		}
}

bool rib_take_changed(struct rib *rib)
{
	bool was = rib->is_changed;

	rib->is_changed = false;
	return was;
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
				rib_settle(rib, &prefix, workers_have(rib, &prefix), true);
		}
}

void rib_free(struct rib *rib)
{
	if (rib == NULL)
		return;
	rib_table_fini(&rib->table);
	free(rib);
}
