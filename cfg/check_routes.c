// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check.h"

#include <stdlib.h>
#include <string.h>

#include "cfg/check_outside.h"
#include "cfg/value_addr.h"

static const char *family_name(uint8_t family)
{
	return family == IP_V4 ? "IPv4" : "IPv6";
}

// The address of `interface` in whose subnet `addr` is, or NULL.
static const struct ip_prefix *find_subnet(
	const struct cfg_interface *interface, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < interface->n_addresses; i++) {
		if (ip_prefix_contains(&interface->addresses[i], addr))
			return &interface->addresses[i];
	}
	return NULL;
}

static const struct ip_prefix *find_any_subnet(
	const struct config *config, const struct ip_addr *addr, const struct cfg_interface **found)
{
	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const struct ip_prefix *subnet = find_subnet(&config->interfaces[i], addr);

		if (subnet != NULL && config->interfaces[i].name != NULL) {
			*found = &config->interfaces[i];
			return subnet;
		}
	}
	return NULL;
}

static bool is_own_address(const struct config *config, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < config->n_interfaces; i++) {
		for (unsigned j = 0; j < config->interfaces[i].n_addresses; j++) {
			if (ip_addr_equal(&config->interfaces[i].addresses[j].addr, addr))
				return true;
		}
	}
	return false;
}

// Whether the next router is on a link of ours: there is no looking it up through other routes.
static void check_reach(const struct check *check, const struct cfg_nexthop *nexthop,
	const struct cfg_interface *interface, struct cfg_place place)
{
	const struct cfg_interface *holder = NULL;
	const struct ip_prefix *subnet = NULL;
	char via[ADDR_STR_BYTES];

	ip_addr_str(&nexthop->via, via);
	if (nexthop->via.family == IP_V6 && ip_addr_is_link_local(&nexthop->via)) {
		if (nexthop->interface == NULL)
			report_add(check->report, place,
				"route: `via`: %s is link-local: say on which link with "
				"`interface`",
				via);
		return;
	}
	if (is_own_address(check->config, &nexthop->via)) {
		report_add(
			check->report, place, "route: `via`: %s is the router's own address", via);
		return;
	}
	if (nexthop->interface != NULL && interface == NULL)
		return; // reported with the name
	if (!check->interfaces_are_known)
		return; // the subnet may be that of an address with a fault in it
	// a subnet that is not known yet may hold it
	if (interface != NULL && interface->dhcp4.is_on && nexthop->via.family == IP_V4)
		return;
	if (interface != NULL)
		subnet = find_subnet(interface, &nexthop->via);
	if (subnet == NULL)
		subnet = find_any_subnet(check->config, &nexthop->via, &holder);
	if (subnet == NULL) {
		report_add(check->report, place,
			"route: `via`: %s is in the subnet of no interface", via);
		return;
	}
	if (interface != NULL && holder != NULL) {
		report_add(check->report, place,
			"route: `via`: %s is not in a subnet of interface %s but of %s", via,
			interface->name, holder->name);
		return;
	}

	struct ip_prefix host = {.addr = nexthop->via, .len = subnet->len};
	const char *why_not = value_addr_why_not_in_subnet(&host);

	if (why_not != NULL)
		report_add(check->report, place, "route: `via`: %s is %s", via, why_not);
}

static void check_nexthop(const struct check *check, const struct cfg_route *route, unsigned index,
	const struct cfg_interface *interface, struct cfg_place place)
{
	const struct cfg_nexthop *nexthop = &route->nexthops[index];
	char via[ADDR_STR_BYTES], to[ADDR_STR_BYTES];

	ip_addr_str(&nexthop->via, via);
	for (unsigned i = 0; i < index; i++) {
		if (ip_addr_equal(&route->nexthops[i].via, &nexthop->via)) {
			report_add(check->report, place, "route: `via`: %s is here twice", via);
			return;
		}
	}
	if (route->to.addr.family != IP_NONE && route->to.addr.family != nexthop->via.family) {
		report_add(check->report, place,
			"route: `via`: %s is %s, but the route is to %s, %s", via,
			family_name(nexthop->via.family), ip_prefix_str(&route->to, to),
			family_name(route->to.addr.family));
		return;
	}
	check_reach(check, nexthop, interface, place);
}

static void check_unicast(
	const struct check *check, struct cfg_route *route, const struct yaml_node *node)
{
	struct yaml_node *via = yaml_tree_get(node, "via");
	const struct yaml_node *interface_node = yaml_tree_get(node, "interface");
	const char *interface_name = route->nexthops[0].interface;
	const struct cfg_interface *interface = NULL;
	struct yaml_node *item = NULL;

	if (via == NULL && interface_node == NULL) {
		report_add(check->report, route->place,
			"route: expected `via`, `interface` or both, or a `type` that needs none");
		return;
	}
	if (route->to.addr.family != IP_NONE && ip_addr_is_multicast(&route->to.addr))
		report_add(check->report, check_place(node, "to"),
			"route: `to`: multicast is not routed by static routes");
	if (interface_name != NULL) {
		interface = check_find_interface(check->config, interface_name);
		if (interface == NULL)
			check_is_interface(
				check, "route: `interface`", interface_name, interface_node->place);
	}
	if (via == NULL) {
		route->n_nexthops = 1; // on the link
		return;
	}
	for (unsigned i = 0; i < route->n_nexthops; i++) {
		item = yaml_tree_next_item(via, item);
		route->nexthops[i].interface = interface_name;
		if (!item->is_bad)
			check_nexthop(check, route, i, interface, item->place);
	}
}

static void check_route(
	const struct check *check, struct cfg_route *route, const struct yaml_node *node)
{
	static const char *const forwarding_keys[] = {"via", "interface"};
	const struct yaml_node *type = yaml_tree_get(node, "type");

	if (type != NULL && type->is_bad)
		return;
	if (route->kind == CFG_ROUTE_UNICAST) {
		check_unicast(check, route, node);
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		const struct yaml_node *value = yaml_tree_get(node, forwarding_keys[i]);

		if (value != NULL)
			report_add(check->report, value->key_place,
				"route: a route of type %s forwards nothing, so `%s` cannot be "
				"there",
				type->text, forwarding_keys[i]);
	}
}

static int compare_destinations(const struct cfg_route *a, const struct cfg_route *b)
{
	int order;

	if (a->to.addr.family != b->to.addr.family)
		return a->to.addr.family < b->to.addr.family ? -1 : 1;
	order = memcmp(a->to.addr.bytes, b->to.addr.bytes, sizeof(a->to.addr.bytes));
	if (order != 0)
		return order;
	if (a->to.len != b->to.len)
		return a->to.len < b->to.len ? -1 : 1;
	return a->metric < b->metric ? -1 : a->metric > b->metric;
}

static int compare_routes(const void *left, const void *right)
{
	const struct cfg_route *a = *(const struct cfg_route *const *)left;
	const struct cfg_route *b = *(const struct cfg_route *const *)right;
	int order = compare_destinations(a, b);

	return order != 0 ? order : cfg_place_order(a->place, b->place);
}

static bool is_same_network(const struct cfg_route *a, const struct cfg_route *b)
{
	return a->to.addr.family != IP_NONE && ip_addr_equal(&a->to.addr, &b->to.addr) &&
	       a->to.len == b->to.len;
}

// As bits; all where one of them is not known.
static uint64_t interfaces_of(const struct check *check, const struct cfg_route *route)
{
	uint64_t interfaces = 0;

	for (unsigned i = 0; i < route->n_nexthops; i++) {
		const struct cfg_interface *interface =
			outside_nexthop_interface(check, &route->nexthops[i]);

		interfaces |= interface != NULL ? outside_bit(check, interface) : UINT64_MAX;
	}
	return interfaces;
}

// For as long as the later route could be used, so can the better one.
static bool always_wins(
	const struct check *check, const struct cfg_route *better, const struct cfg_route *later)
{
	if (better->kind != CFG_ROUTE_UNICAST)
		return true;
	return later->kind == CFG_ROUTE_UNICAST &&
	       !(interfaces_of(check, later) & ~interfaces_of(check, better));
}

// Of routes to one network, which stand beside each other, in the order of their metrics.
static void doubt_routes(const struct check *check, const struct cfg_route *const *sorted)
{
	enum { ALIKE_MAX = 16 };
	unsigned first = 0; // to the same network
	char line[REPORT_LINE_BYTES];

	for (unsigned i = 1; i < check->config->n_routes; i++) {
		if (!is_same_network(sorted[first], sorted[i])) {
			first = i;
			continue;
		}
		for (unsigned j = first; j < i && j < first + ALIKE_MAX; j++) {
			if (sorted[j]->metric == sorted[i]->metric ||
				!always_wins(check, sorted[j], sorted[i]))
				continue;
			report_warn(check->report, sorted[i]->place, DOUBT_ROUTE_NEVER_USED,
				"route: never used: the one on %s has a lower metric and %s",
				report_line(
					check->report, sorted[i]->place, sorted[j]->place, line),
				sorted[j]->kind == CFG_ROUTE_UNICAST
					? "leaves by the same interface"
					: "is always there");
			break;
		}
	}
}

// A full table has a million routes: sorted, not each against each.
static void check_routes_differ(const struct check *check)
{
	const struct config *config = check->config;
	const struct cfg_route **sorted, *original;
	char to[ADDR_STR_BYTES], line[REPORT_LINE_BYTES];

	if (config->n_routes < 2)
		return;
	sorted = malloc(config->n_routes * sizeof(*sorted));
	if (sorted == NULL) {
		report_add(check->report, (struct cfg_place){0}, "not enough memory to read it");
		return;
	}
	for (unsigned i = 0; i < config->n_routes; i++)
		sorted[i] = &config->routes[i];
	qsort(sorted, config->n_routes, sizeof(*sorted), compare_routes);
	original = sorted[0];
	for (unsigned i = 1; i < config->n_routes; i++) {
		const struct cfg_route *route = sorted[i];

		if (compare_destinations(original, route) != 0 ||
			route->to.addr.family == IP_NONE) {
			original = route;
			continue;
		}
		report_add(check->report, route->place,
			"route: to %s with metric %u is on %s already; for several next "
			"routers "
			"give one route a list in `via`",
			ip_prefix_str(&route->to, to), route->metric,
			report_line(check->report, route->place, original->place, line));
	}
	doubt_routes(check, sorted);
	free(sorted);
}

void check_routes(const struct check *check)
{
	const struct yaml_node *section = yaml_tree_get(check->root, "routes");
	const struct yaml_node *node = section != NULL ? section->first : NULL;

	for (unsigned i = 0; i < check->config->n_routes; i++, node = node->next) {
		if (!node->is_bad)
			check_route(check, &check->config->routes[i], node);
	}
	check_routes_differ(check);
}
