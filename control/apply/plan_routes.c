// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/plan_routes.h"

#include <stdlib.h>
#include <string.h>

#include "control/egress.h"
#include "control/static_routes.h"

struct entry {
	const struct config *config;
	const struct cfg_route *route;
	struct ip_prefix to; // host bits are zero
	uint32_t metric;     // the kernel's
};

// By what makes a route another one, for the kernel: prefix and metric.
static int compare_keys(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order;

	if (x->to.addr.family != y->to.addr.family)
		return x->to.addr.family < y->to.addr.family ? -1 : 1;
	order = memcmp(x->to.addr.bytes, y->to.addr.bytes, ip_family_bits(x->to.addr.family) / 8);
	if (order != 0)
		return order;
	if (x->to.len != y->to.len)
		return x->to.len < y->to.len ? -1 : 1;
	if (x->metric != y->metric)
		return x->metric < y->metric ? -1 : 1;
	return 0;
}

static struct entry *sorted(const struct config *config)
{
	struct entry *list = calloc(config->n_routes + 1, sizeof(*list));

	if (list == NULL)
		return NULL;
	for (unsigned i = 0; i < config->n_routes; i++)
		list[i] = (struct entry){config, &config->routes[i],
			ip_prefix_network(&config->routes[i].to),
			static_routes_metric(&config->routes[i])};
	qsort(list, config->n_routes, sizeof(*list), compare_keys);
	return list;
}

// One without an interface of its own leads over another one once the subnets have changed.
static bool is_same_nexthop(const struct config *config_a, const struct cfg_nexthop *a,
	const struct config *config_b, const struct cfg_nexthop *b)
{
	const struct cfg_interface *egress_a = egress_of_nexthop(config_a, a);
	const struct cfg_interface *egress_b = egress_of_nexthop(config_b, b);

	if (a->via.family != b->via.family ||
		(a->via.family != IP_NONE && !ip_addr_equal(&a->via, &b->via)) ||
		(a->interface == NULL) != (b->interface == NULL))
		return false;
	if (egress_a == NULL || egress_b == NULL)
		return egress_a == egress_b;
	return strcmp(egress_a->name, egress_b->name) == 0;
}

static bool is_same(const struct entry *a, const struct entry *b)
{
	if (a->route->kind != b->route->kind || a->route->n_nexthops != b->route->n_nexthops)
		return false;
	for (unsigned i = 0; i < a->route->n_nexthops; i++)
		if (!is_same_nexthop(
			    a->config, &a->route->nexthops[i], b->config, &b->route->nexthops[i]))
			return false;
	return true;
}

int plan_routes(struct plan *plan, const struct config *before, const struct config *after)
{
	struct entry *old = sorted(before), *new = sorted(after);
	unsigned i = 0, k = 0;

	plan->routes =
		calloc((size_t)before->n_routes + after->n_routes + 1, sizeof(plan->routes[0]));
	if (old == NULL || new == NULL || plan->routes == NULL) {
		free(old);
		free(new);
		return -1;
	}
	while (i < before->n_routes || k < after->n_routes) {
		struct plan_route *to = &plan->routes[plan->n_routes];
		int order = i == before->n_routes  ? 1
			    : k == after->n_routes ? -1
						   : compare_keys(&old[i], &new[k]);

		*to = (struct plan_route){
			order <= 0 ? old[i].route : NULL, order >= 0 ? new[k].route : NULL};
		if (order != 0 || !is_same(&old[i], &new[k]))
			plan->n_routes++;
		i += order <= 0;
		k += order >= 0;
	}
	free(old);
	free(new);
	return 0;
}
