// SPDX-License-Identifier: BSD-3-Clause
#include "control/egress.h"

#include <string.h>

bool egress_has_subnet_of(const struct cfg_interface *interface, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < interface->n_addresses; i++)
		if (ip_prefix_contains(&interface->addresses[i], addr))
			return true;
	return false;
}

const struct cfg_interface *egress_of_nexthop(
	const struct config *config, const struct cfg_nexthop *nexthop)
{
	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const struct cfg_interface *interface = &config->interfaces[i];

		if (nexthop->interface != NULL) {
			if (strcmp(interface->name, nexthop->interface) == 0)
				return interface;
		} else if (egress_has_subnet_of(interface, &nexthop->via)) {
			return interface;
		}
	}
	return NULL;
}

const struct cfg_uplink *egress_uplink(const struct config *config, const char *interface)
{
	for (unsigned i = 0; i < config->n_uplinks; i++)
		if (strcmp(config->uplinks[i].interface, interface) == 0)
			return &config->uplinks[i];
	return NULL;
}

// What a DHCP server gives is most often a default route, among others.
static bool learns_routes(const struct config *config, const char *interface)
{
	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const struct cfg_dhcp4 *dhcp4 = &config->interfaces[i].dhcp4;

		if (dhcp4->is_on && dhcp4->uses_routes &&
			strcmp(config->interfaces[i].name, interface) == 0)
			return true;
	}
	return false;
}

static bool carries_default(const struct config *config, const char *interface)
{
	if (egress_uplink(config, interface) != NULL)
		return true;
	for (unsigned i = 0; i < config->n_routes; i++) {
		const struct cfg_route *route = &config->routes[i];

		if (route->to.len != 0)
			continue;
		for (unsigned k = 0; k < route->n_nexthops; k++) {
			const struct cfg_interface *egress =
				egress_of_nexthop(config, &route->nexthops[k]);

			if (egress != NULL && strcmp(egress->name, interface) == 0)
				return true;
		}
	}
	return false;
}

// These change the source of what leaves; one-to-one and prefix come in where they leave.
static bool is_source_translation(const struct cfg_nat *nat)
{
	return nat->kind == CFG_NAT_MASQUERADE || nat->kind == CFG_NAT_SOURCE ||
	       nat->kind == CFG_NAT_ONE_TO_ONE || nat->kind == CFG_NAT_PREFIX;
}

// By the interfaces that it names or, where it names none, by the subnet that its address is of.
static bool leaves_by(const struct cfg_nat *nat, const struct cfg_interface *interface)
{
	if (!is_source_translation(nat))
		return false;
	if (nat->interfaces.n == 0)
		return egress_has_subnet_of(interface, &nat->outside.addr);
	for (unsigned i = 0; i < nat->interfaces.n; i++)
		if (strcmp(nat->interfaces.names[i], interface->name) == 0)
			return true;
	return false;
}

static bool is_translated_at(const struct config *config, const struct cfg_interface *interface)
{
	for (unsigned i = 0; i < config->n_nats; i++)
		if (leaves_by(&config->nats[i], interface))
			return true;
	return false;
}

bool egress_is_outside(const struct config *config, const char *interface)
{
	bool has_translation = false;

	for (unsigned i = 0; i < config->n_interfaces; i++) {
		if (!is_translated_at(config, &config->interfaces[i]))
			continue;
		if (strcmp(config->interfaces[i].name, interface) == 0)
			return true;
		has_translation = true;
	}
	return !has_translation &&
	       (carries_default(config, interface) || learns_routes(config, interface));
}
