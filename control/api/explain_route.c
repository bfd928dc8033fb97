// SPDX-License-Identifier: BSD-3-Clause
// The route by the RIB's words: which prefix, from whom, and which others there are to the same.
#include <stdio.h>

#include "control/api/explain_text.h"

enum { ROUTES_MAX = 8, TEXT_BYTES = 256 };

static void write_nexthops(
	const struct router *router, const struct dp_route *route, char *text, size_t bytes)
{
	char via[ADDR_STR_BYTES];
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < route->n_nexthops && at < bytes; i++) {
		const struct dp_nexthop *to = &route->nexthops[i];
		bool has_via = to->via.family != IP_NONE;

		at += (size_t)snprintf(text + at, bytes - at, "%s%s%s on %s", at > 0 ? ", or" : "",
			has_via ? " via " : "", has_via ? ip_addr_str(&to->via, via) : "",
			explain_interface_name(router, to->interface));
	}
}

static const char *kind_text(const struct rib_route *route)
{
	switch (route->route.kind) {
	case DP_ROUTE_UNICAST:
		return rib_route_is_kernels(route) ? ": the kernel's other devices" : "";
	case DP_ROUTE_LOCAL:
		return ": the router itself";
	case DP_ROUTE_BLACKHOLE:
		return ": blackhole";
	case DP_ROUTE_UNREACHABLE:
		return ": unreachable";
	case DP_ROUTE_PROHIBIT:
		return ": prohibit";
	}
	return "";
}

static void write_route(
	const struct router *router, const struct rib_route *route, char text[TEXT_BYTES])
{
	char to[ADDR_STR_BYTES], nexthops[TEXT_BYTES / 2] = "";

	if (route->route.kind == DP_ROUTE_UNICAST && !rib_route_is_kernels(route))
		write_nexthops(router, &route->route, nexthops, sizeof(nexthops));
	snprintf(text, TEXT_BYTES, "%s%s%s, metric %u, from %s",
		ip_prefix_str(&route->route.to, to), nexthops, kind_text(route), route->metric,
		show_route_protocol(route->protocol));
}

static const char *no_route_text(enum dp_explained_way way)
{
	switch (way) {
	case DP_WAY_BLACKHOLE:
		return "nobody forwards that: a blackhole of its own";
	case DP_WAY_MULTICAST:
		return "to a group: never forwarded";
	case DP_WAY_LOCAL:
		return "to the router itself";
	case DP_WAY_NONE:
	case DP_WAY_UNREACHABLE:
	case DP_WAY_PROHIBIT:
	case DP_WAY_CONNECTED:
	case DP_WAY_GATEWAY:
		break;
	}
	return "none";
}

static const char *why_not(const struct rib_found *other, const struct rib_found *used)
{
	if (other->route.route.to.len < used->route.route.to.len)
		return "less specific";
	if (!other->is_active && other->route.metric > used->route.metric)
		return "metric";
	return "less preferred";
}

void step_route(struct explain_steps *steps)
{
	const struct dp_explanation *why = steps->why;
	struct rib_found found[ROUTES_MAX];
	unsigned n = rib_find(steps->router->rib, &why->dst, found, ROUTES_MAX), used = 0;
	char text[TEXT_BYTES];

	while (used < n && !found[used].is_active)
		used++;
	if (used == n) {
		step_begin(steps, "route", "%s", no_route_text(why->way));
		return;
	}
	write_route(steps->router, &found[used].route, text);
	step_begin(steps, "route", "%s", text);
	if (why->n_members > 1)
		step_because(steps, "of %u next hops its flow's hash picks %s", why->n_members,
			explain_interface_name(steps->router, why->out_interface));
	for (unsigned i = 0; i < n; i++) {
		if (i == used)
			continue;
		write_route(steps->router, &found[i].route, text);
		step_passed_over(steps, NULL, why_not(&found[i], &found[used]), "%s", text);
	}
}
