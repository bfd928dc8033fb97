// SPDX-License-Identifier: BSD-3-Clause
// DHCP that is served, and hardly as it is meant.
#include "cfg/check_doubts.h"

#include <string.h>

static bool is_before(const struct ip_addr *a, const struct ip_addr *b)
{
	return memcmp(a->v4, b->v4, sizeof(a->v4)) < 0;
}

static const struct cfg_element *range_at(const struct cfg_dhcp_subnet *subnet, unsigned at)
{
	if (at < subnet->n_ranges)
		return &subnet->ranges[at];
	at -= subnet->n_ranges;
	for (unsigned i = 0; i < subnet->n_pools; i++) {
		if (at < subnet->pools[i].n_ranges)
			return &subnet->pools[i].ranges[at];
		at -= subnet->pools[i].n_ranges;
	}
	return NULL;
}

static void doubt_ranges(const struct check *check, const struct cfg_dhcp_subnet *subnet)
{
	const struct cfg_element *a, *b;
	char text[ADDR_STR_BYTES];

	for (unsigned i = 0; (a = range_at(subnet, i)) != NULL; i++)
		for (unsigned k = i + 1; (b = range_at(subnet, k)) != NULL; k++) {
			if (is_before(&a->addresses.last, &b->addresses.first) ||
				is_before(&b->addresses.last, &a->addresses.first))
				continue;
			ip_addr_str(is_before(&a->addresses.first, &b->addresses.first)
					    ? &b->addresses.first
					    : &a->addresses.first,
				text);
			report_warn(check->report, subnet->place, DOUBT_DHCP_RANGES_MEET,
				"dhcp-server %s: two ranges meet, at %s", subnet->name, text);
			return;
		}
}

void check_dhcp_doubts(const struct check *check)
{
	const struct cfg_dhcp *dhcp = &check->config->dhcp;

	for (unsigned i = 0; i < dhcp->n_subnets; i++) {
		const struct cfg_dhcp_subnet *subnet = &dhcp->subnets[i];
		const struct cfg_interface *interface =
			check_find_interface(check->config, subnet->interface);

		doubt_ranges(check, subnet);
		if (range_at(subnet, 0) == NULL && subnet->n_reservations == 0)
			report_warn(check->report, subnet->place, DOUBT_DHCP_NOTHING_TO_GIVE,
				"dhcp-server %s: no addresses to give", subnet->name);
		if (interface != NULL && check->config->firewall.is_there &&
			!check_may_ask(check, interface, CHECK_DHCP_PORT))
			report_warn(check->report, subnet->place, DOUBT_LAN_WITHOUT_DHCP,
				"dhcp-server %s: the firewall does not let its hosts ask",
				subnet->name);
	}
}
