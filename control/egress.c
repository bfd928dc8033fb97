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

static bool carries_default(const struct config *config, const char *interface)
{
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

static bool is_egress_of(const struct cfg_nat *nat, const char *interface)
{
	if (nat->kind != CFG_NAT_MASQUERADE && nat->kind != CFG_NAT_SOURCE)
		return false;
	for (unsigned i = 0; i < nat->interfaces.n; i++)
		if (strcmp(nat->interfaces.names[i], interface) == 0)
			return true;
	return false;
}

bool egress_is_outside(const struct config *config, const char *interface)
{
	bool is_translated = false;

	for (unsigned i = 0; i < config->n_nats; i++) {
		if (is_egress_of(&config->nats[i], interface))
			return true;
		is_translated |= config->nats[i].kind == CFG_NAT_MASQUERADE;
	}
	return !is_translated && carries_default(config, interface);
}
