// SPDX-License-Identifier: BSD-3-Clause
#include "control/rib_choice.h"

static bool is_up(const struct rib *rib, int interface)
{
	return (rib->links_down & (1ull << interface)) == 0;
}

static bool is_kernels(const struct rib_node *node)
{
	for (unsigned i = 0; i < node->n_nexthops; i++)
		if (!rib_is_device(node->nexthops[i].interface))
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

		if (rib_is_device(interface) ? node->len > 0 : is_up(rib, interface))
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

uint64_t rib_ways(
	const struct rib *rib, const struct rib_node *first, const struct ip_prefix *prefix)
{
	uint64_t ways = 0;

	if (!rib->tells_alternatives)
		return 0;
	for (const struct rib_node *n = first; n != NULL && rib_node_is_of(n, prefix); n = n->next)
		for (unsigned i = 0; i < n->n_nexthops && n->kind == DP_ROUTE_UNICAST; i++)
			if (!rib_is_device(n->nexthops[i].interface))
				ways |= 1ull << n->nexthops[i].interface;
	return ways;
}

bool rib_has_active(const struct rib_node *first, const struct ip_prefix *prefix)
{
	for (const struct rib_node *n = first; n != NULL && rib_node_is_of(n, prefix); n = n->next)
		if (n->is_active)
			return true;
	return false;
}

static int give_to_workers(struct rib *rib, const struct rib_node *node, uint64_t ways)
{
	struct rib_route whole;
	struct dp_route *route = &whole.route;
	unsigned n_ours = 0, n_alive = 0;

	rib_node_unpack(node, &whole);
	for (unsigned i = 0; i < node->n_nexthops; i++)
		if (!rib_is_device(route->nexthops[i].interface))
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

void rib_set_refused(struct rib *rib, struct rib_node *node, bool is_refused)
{
	if (node->is_refused == is_refused)
		return;
	node->is_refused = is_refused;
	rib->n_refused += is_refused ? 1 : -1u;
}

static void choose(struct rib *rib, const struct ip_prefix *prefix, bool had_active, bool is_stale)
{
	struct rib_node *first = *rib_table_find(&rib->table, prefix);
	struct rib_node *best = best_of(rib, first, prefix);

	if (best != NULL && best->is_active && !is_stale)
		return;
	for (struct rib_node *n = first; n != NULL && rib_node_is_of(n, prefix); n = n->next) {
		n->is_active = false;
		rib_set_refused(rib, n, false);
	}
	if (best != NULL && give_to_workers(rib, best, rib_ways(rib, first, prefix)) == 0) {
		best->is_active = true;
		rib->is_changed = true;
		return;
	}
	if (best != NULL)
		rib_set_refused(rib, best, true);
	if (had_active)
		take_from_workers(rib, prefix);
}

void rib_settle(struct rib *rib, const struct ip_prefix *prefix, bool had_active, bool is_stale)
{
	struct rib_due *due = &rib->due[prefix->addr.family == IP_V6];

	if (!rib->is_in_batch || prefix->len > 0) {
		choose(rib, prefix, had_active, is_stale);
		return;
	}
	due->is_due = true;
	due->had_active |= had_active;
	due->is_stale |= is_stale;
}

void rib_settle_due(struct rib *rib)
{
	for (unsigned f = 0; f < 2; f++) {
		struct ip_prefix everywhere = {.addr = {.family = f == 0 ? IP_V4 : IP_V6}};
		struct rib_due due = rib->due[f];

		rib->due[f] = (struct rib_due){0};
		if (due.is_due)
			choose(rib, &everywhere, due.had_active, due.is_stale);
	}
}
