// SPDX-License-Identifier: BSD-3-Clause
// What the routes are asked: of rib.h, all that changes nothing.
#include "control/rib_choice.h"

bool rib_route_is_kernels(const struct rib_route *route)
{
	const struct dp_route *to = &route->route;

	for (unsigned i = 0; i < to->n_nexthops; i++)
		if (!rib_is_device(to->nexthops[i].interface))
			return false;
	return to->kind == DP_ROUTE_UNICAST && to->n_nexthops > 0;
}

void rib_counts(const struct rib *rib, struct rib_counts *out)
{
	out->routes4 = rib->table.n_nodes4;
	out->routes6 = rib->table.n_nodes - rib->table.n_nodes4;
	out->refused = rib->n_refused;
}

bool rib_uses_device(const struct rib *rib, int device)
{
	for (uint32_t i = 0; i < rib->table.n_buckets; i++)
		for (const struct rib_node *n = rib->table.buckets[i]; n != NULL; n = n->next)
			if (rib_node_leads_to(n, device))
				return true;
	return false;
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
