// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check_doubts.h"

#include <string.h>

#include "cfg/check_outside.h"

static bool has_address(const struct cfg_interface *interface, const struct ip_prefix *outside)
{
	for (unsigned i = 0; i < interface->n_addresses; i++) {
		if (ip_addr_equal(&interface->addresses[i].addr, &outside->addr))
			return outside->len == ip_family_bits(outside->addr.family);
	}
	return false;
}

enum { FIRST_NATS_MAX = 256 };

static bool is_about_sources(const struct cfg_nat *nat)
{
	return nat->kind != CFG_NAT_FORWARD && nat->kind != CFG_NAT_REDIRECT;
}

// All that leaves by its interfaces, of its family.
static bool takes_all_that_leaves(const struct cfg_nat *nat)
{
	return is_about_sources(nat) && nat->kind != CFG_NAT_ONE_TO_ONE &&
	       nat->kind != CFG_NAT_PREFIX && nat->from.n == 0 && nat->to.n == 0 &&
	       nat->protocol.n == 0;
}

static bool leaves_nothing_for(const struct cfg_nat *nat, const struct cfg_nat *later)
{
	if (!takes_all_that_leaves(nat) || !is_about_sources(later) ||
		(nat->family != IP_NONE && nat->family != later->family))
		return false;
	for (unsigned i = 0; nat->interfaces.n > 0 && i < later->interfaces.n; i++) {
		if (!outside_has_name(&nat->interfaces, later->interfaces.names[i]))
			return false;
	}
	return nat->interfaces.n == 0 || later->interfaces.n > 0;
}

// The first that fits decides: what is about some of the packets has to stand before what is about
// all of them.
static void doubt_order_of_nats(const struct check *check)
{
	const struct config *config = check->config;
	const struct cfg_nat *first[FIRST_NATS_MAX]; // that take all, and are asked
	unsigned n = 0;

	for (unsigned i = 0; i < config->n_nats; i++) {
		const struct cfg_nat *nat = &config->nats[i];
		char line[REPORT_LINE_BYTES];
		unsigned k = 0;

		while (k < n && !leaves_nothing_for(first[k], nat))
			k++;
		if (k < n)
			report_warn(check->report, nat->place, DOUBT_NAT_SHADOWED,
				"nat rule: decides about nothing that leaves: the one on %s "
				"is asked first and takes all of it",
				report_line(check->report, nat->place, first[k]->place, line));
		else if (n < FIRST_NATS_MAX && takes_all_that_leaves(nat))
			first[n++] = nat;
	}
}

// ARP and neighbour discovery are the kernel's: it answers for addresses of the interface alone.
static void doubt_nats(const struct check *check)
{
	const struct config *config = check->config;
	char text[ADDR_STR_BYTES];

	for (unsigned i = 0; i < config->n_nats; i++) {
		const struct cfg_nat *nat = &config->nats[i];

		for (unsigned j = 0; j < config->n_interfaces; j++) {
			const struct cfg_interface *interface = &config->interfaces[j];

			if (nat->kind == CFG_NAT_PREFIX || nat->outside.addr.family == IP_NONE ||
				(nat->interfaces.n > 0 &&
					!outside_has_name(&nat->interfaces, interface->name)) ||
				!outside_has_subnet(interface, &nat->outside.addr) ||
				has_address(interface, &nat->outside))
				continue;
			report_warn(check->report, nat->place, DOUBT_NAT_ADDRESS_UNANSWERED,
				"nat rule: nobody on the link of %s answers for %s: add what it is "
				"to the interface's addresses, unless it is routed to this one",
				interface->name, ip_prefix_str(&nat->outside, text));
		}
	}
}

// --- a masquerade where nothing leaves ---

static uint64_t interfaces_of(const struct check *check, const struct cfg_names *names)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < names->n; i++)
		bits |= outside_bit(check, check_find_interface(check->config, names->names[i]));
	return bits;
}

// The interfaces that routes of the family lead by, or default routes alone.
static uint64_t ways_of(const struct check *check, uint8_t family, bool is_default)
{
	const struct config *config = check->config;
	uint64_t ways = 0;

	for (unsigned i = 0; i < config->n_routes; i++) {
		const struct cfg_route *route = &config->routes[i];

		if ((family != IP_NONE && route->to.addr.family != family) ||
			(is_default && route->to.len > 0))
			continue;
		for (unsigned j = 0; j < route->n_nexthops; j++) {
			const struct cfg_interface *interface =
				outside_nexthop_interface(check, &route->nexthops[j]);

			if (interface != NULL)
				ways |= outside_bit(check, interface);
		}
	}
	return ways;
}

// What is for some addresses alone is for hosts of one link that shall see no others.
static void doubt_masquerades(const struct check *check)
{
	const struct config *config = check->config;

	for (unsigned i = 0; i < config->n_nats; i++) {
		const struct cfg_nat *nat = &config->nats[i];
		uint64_t interfaces = interfaces_of(check, &nat->interfaces);

		if (nat->kind != CFG_NAT_MASQUERADE || nat->from.n > 0 || nat->to.n > 0 ||
			(interfaces & check->default_ways) || check->default_ways == 0)
			continue;
		if (ways_of(check, nat->family, true) == 0 ||
			(interfaces & ways_of(check, nat->family, false)))
			continue;
		report_warn(check->report, nat->place, DOUBT_MASQUERADE_UNROUTED,
			"nat rule: `masquerade`: no route leads by %s%s, the default route by "
			"another interface",
			nat->interfaces.names[0], nat->interfaces.n > 1 ? " and the others" : "");
	}
}

// --- private addresses that leave as they are ---

static const struct ip_prefix *find_ip4(const struct cfg_interface *interface, bool is_private)
{
	for (unsigned i = 0; i < interface->n_addresses; i++) {
		const struct ip_addr *addr = &interface->addresses[i].addr;

		if (addr->family == IP_V4 && outside_is_private(addr) == is_private)
			return &interface->addresses[i];
	}
	return NULL;
}

static bool is_translated(const struct check *check, const struct cfg_interface *outside)
{
	const struct config *config = check->config;

	for (unsigned i = 0; i < config->n_nats; i++) {
		const struct cfg_nat *nat = &config->nats[i];

		if (is_about_sources(nat) && nat->family != IP_V6 &&
			(nat->interfaces.n == 0 ||
				outside_has_name(&nat->interfaces, outside->name)))
			return true;
	}
	return false;
}

// Behind an uplink that is private itself another router translates.
static void doubt_private_sources(const struct check *check)
{
	const struct config *config = check->config;
	uint64_t ways = ways_of(check, IP_V4, true);

	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const struct cfg_interface *outside = &config->interfaces[i];

		if (!(ways & outside_bit(check, outside)) || find_ip4(outside, false) == NULL ||
			is_translated(check, outside))
			continue;
		for (unsigned j = 0; j < config->n_interfaces; j++) {
			const struct ip_prefix *inside = find_ip4(&config->interfaces[j], true);
			char text[ADDR_STR_BYTES];
			struct ip_prefix network;

			if (inside == NULL || outside_is_way(check, &config->interfaces[j]))
				continue;
			network = ip_prefix_network(inside);
			report_fix(
				report_warn(check->report, outside->place, DOUBT_NAT_MISSING,
					"interface %s: hosts of %s leave by it with their private "
					"addresses",
					outside->name, ip_prefix_str(&network, text)),
				"add to `nat` { masquerade: %s }", outside->name);
			break;
		}
	}
}

void check_translations(const struct check *check)
{
	doubt_private_sources(check);
	doubt_masquerades(check);
	doubt_nats(check);
	doubt_order_of_nats(check);
}
