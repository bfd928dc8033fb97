// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check_outside.h"

#include <assert.h>
#include <string.h>

static_assert(CFG_INTERFACES_MAX <= 64, "each interface is a bit");

uint64_t outside_bit(const struct check *check, const struct cfg_interface *interface)
{
	return UINT64_C(1) << (interface - check->config->interfaces);
}

bool outside_has_name(const struct cfg_names *names, const char *name)
{
	for (unsigned i = 0; i < names->n; i++) {
		if (strcmp(names->names[i], name) == 0)
			return true;
	}
	return false;
}

bool outside_has_subnet(const struct cfg_interface *interface, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < interface->n_addresses; i++) {
		if (ip_prefix_contains(&interface->addresses[i], addr))
			return true;
	}
	return false;
}

const struct cfg_interface *outside_nexthop_interface(
	const struct check *check, const struct cfg_nexthop *nexthop)
{
	const struct config *config = check->config;

	if (nexthop->interface != NULL)
		return check_find_interface(config, nexthop->interface);
	for (unsigned i = 0; i < config->n_interfaces; i++) {
		if (outside_has_subnet(&config->interfaces[i], &nexthop->via))
			return &config->interfaces[i];
	}
	return NULL;
}

// A full table has a million routes: they are looked at once.
static uint64_t find_default_routes(const struct check *check)
{
	const struct config *config = check->config;
	uint64_t found = 0;

	for (unsigned i = 0; i < config->n_routes; i++) {
		const struct cfg_route *route = &config->routes[i];

		for (unsigned j = 0; j < route->n_nexthops && route->to.len == 0; j++) {
			const struct cfg_interface *interface =
				outside_nexthop_interface(check, &route->nexthops[j]);

			if (interface != NULL)
				found |= outside_bit(check, interface);
		}
	}
	return found;
}

static uint64_t find_translated(const struct check *check)
{
	const struct config *config = check->config;
	uint64_t found = 0;

	for (unsigned i = 0; i < config->n_nats; i++) {
		const struct cfg_nat *nat = &config->nats[i];

		if (nat->kind != CFG_NAT_MASQUERADE && nat->kind != CFG_NAT_SOURCE)
			continue;
		for (unsigned j = 0; j < nat->interfaces.n; j++)
			found |= outside_bit(
				check, check_find_interface(config, nat->interfaces.names[j]));
	}
	return found;
}

void outside_prepare(struct check *check)
{
	const struct config *config = check->config;

	check->default_ways = find_default_routes(check);
	check->outside = check->default_ways | find_translated(check);
	for (unsigned i = 0; i < config->n_interfaces; i++) {
		check->zone_of[i] = CFG_ZONE_NONE;
		for (unsigned j = 0; j < config->n_zones; j++) {
			if (outside_has_name(
				    &config->zones[j].interfaces, config->interfaces[i].name))
				check->zone_of[i] = config->zones[j].name;
		}
	}
}

bool outside_is_way(const struct check *check, const struct cfg_interface *interface)
{
	return check->outside & outside_bit(check, interface);
}

bool outside_is_way_named(const struct check *check, const char *interface)
{
	return outside_is_way(check, check_find_interface(check->config, interface));
}

const struct cfg_interface *outside_example(const struct check *check)
{
	for (unsigned i = 0; i < check->config->n_interfaces; i++) {
		if (outside_is_way(check, &check->config->interfaces[i]))
			return &check->config->interfaces[i];
	}
	return NULL;
}

const char *outside_zone(const struct check *check, const struct cfg_interface *interface)
{
	return check->zone_of[interface - check->config->interfaces];
}
