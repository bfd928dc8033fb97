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

// What a DHCP server's routes lead to is not known yet; most have a default one.
static uint64_t find_learned_routes(const struct check *check)
{
	const struct config *config = check->config;
	uint64_t found = 0;

	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const struct cfg_dhcp4 *dhcp4 = &config->interfaces[i].dhcp4;

		if (dhcp4->is_on && dhcp4->uses_routes)
			found |= outside_bit(check, &config->interfaces[i]);
	}
	return found;
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

static uint64_t find_uplinks(const struct check *check)
{
	const struct config *config = check->config;
	uint64_t found = 0;

	for (unsigned i = 0; i < config->n_interfaces; i++)
		if (check_uplink_of(config, config->interfaces[i].name) != NULL)
			found |= outside_bit(check, &config->interfaces[i]);
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

// RFC 1918, RFC 4193
static const struct ip_prefix privates[] = {
	{.addr = {.v4 = {10}, .family = IP_V4}, .len = 8},
	{.addr = {.v4 = {172, 16}, .family = IP_V4}, .len = 12},
	{.addr = {.v4 = {192, 168}, .family = IP_V4}, .len = 16},
	{.addr = {.v6 = {0xfc}, .family = IP_V6}, .len = 7},
};

bool outside_is_private(const struct ip_addr *addr)
{
	for (size_t i = 0; i < sizeof(privates) / sizeof(privates[0]); i++) {
		if (ip_prefix_contains(&privates[i], addr))
			return true;
	}
	return false;
}

// It has addresses, and nobody on the internet reaches one of them.
static bool has_only_private(const struct cfg_interface *interface)
{
	for (unsigned i = 0; i < interface->n_addresses; i++) {
		if (!outside_is_private(&interface->addresses[i].addr))
			return false;
	}
	return interface->n_addresses > 0 && !interface->dhcp4.is_on;
}

// Where the file knows the way to the internet, a private network that is translated to as well is
// one that shall see no addresses of others.
static uint64_t find_outside(const struct check *check)
{
	const struct config *config = check->config;
	uint64_t found = check->default_ways | find_translated(check);

	for (unsigned i = 0; i < config->n_interfaces && check->default_ways != 0; i++) {
		uint64_t bit = outside_bit(check, &config->interfaces[i]);

		if (!(check->default_ways & bit) && has_only_private(&config->interfaces[i]))
			found &= ~bit;
	}
	return found;
}

void outside_prepare(struct check *check)
{
	const struct config *config = check->config;

	check->default_ways =
		find_default_routes(check) | find_learned_routes(check) | find_uplinks(check);
	check->outside = find_outside(check);
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
