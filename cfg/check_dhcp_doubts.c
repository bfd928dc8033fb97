// SPDX-License-Identifier: BSD-3-Clause
// DHCP that is served, and hardly as it is meant.
#include "cfg/check_doubts.h"

#include <string.h>

#include "cfg/dhcp4_option.h"
#include "cfg/program_file.h"

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

// Whether its hosts are told that the router answers DNS, which is what they hear when nothing is
// said.
static bool sends_to_us(const struct cfg_dhcp_subnet *subnet)
{
	for (unsigned i = 0; i < subnet->options.n; i++)
		if (subnet->options.list[i].number == DHCP4_OPTION_DNS)
			return false;
	return range_at(subnet, 0) != NULL;
}

bool check_dns_listens_on(const struct cfg_dns *dns, const char *interface)
{
	for (unsigned i = 0; i < dns->n_listen; i++)
		if (strcmp(dns->listen[i], interface) == 0)
			return true;
	return false;
}

static void doubt_hook(const struct check *check, const char *hook, struct cfg_place place,
	const char *kind, const char *name)
{
	struct error err = {0};

	if (hook != NULL && program_file_check(hook, &err) != 0)
		report_warn(check->report, place, DOUBT_DHCP_HOOK_UNUSABLE,
			"%s %s: the hook %s will not run: %s", kind, name, hook, err.text);
}

void check_dhcp_doubts(const struct check *check)
{
	const struct cfg_dhcp *dhcp = &check->config->dhcp;

	for (unsigned i = 0; i < check->config->n_interfaces; i++) {
		const struct cfg_interface *interface = &check->config->interfaces[i];

		doubt_hook(check, interface->dhcp4.hook, interface->place, "interface",
			interface->name);
	}
	for (unsigned i = 0; i < dhcp->n_subnets; i++) {
		const struct cfg_dhcp_subnet *subnet = &dhcp->subnets[i];
		const struct cfg_interface *interface =
			check_find_interface(check->config, subnet->interface);

		doubt_ranges(check, subnet);
		doubt_hook(check, subnet->hook, subnet->place, "dhcp-server", subnet->name);
		if (range_at(subnet, 0) == NULL && subnet->n_reservations == 0)
			report_warn(check->report, subnet->place, DOUBT_DHCP_NOTHING_TO_GIVE,
				"dhcp-server %s: no addresses to give", subnet->name);
		if (interface != NULL && check->config->firewall.is_there &&
			!check_may_ask(check, interface, CHECK_DHCP_PORT))
			report_warn(check->report, subnet->place, DOUBT_LAN_WITHOUT_DHCP,
				"dhcp-server %s: the firewall does not let its hosts ask",
				subnet->name);
		if (sends_to_us(subnet) &&
			!check_dns_listens_on(&check->config->dns, subnet->interface))
			report_warn(check->report, subnet->place, DOUBT_DHCP_WITHOUT_DNS,
				"dhcp-server %s: its hosts are sent here with questions for names, "
				"and nobody listens",
				subnet->name);
	}
}
