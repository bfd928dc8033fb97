// SPDX-License-Identifier: BSD-3-Clause
// Uplinks beside the rest of the file: that each has an interface of its own and a way out, and
// that its probes can tell something.
#include "cfg/check.h"

#include <string.h>

#include "cfg/check_doubts.h"
#include "cfg/check_outside.h"

const struct cfg_uplink *check_uplink_of(const struct config *config, const char *interface)
{
	for (unsigned i = 0; i < config->n_uplinks; i++)
		if (config->uplinks[i].interface != NULL && interface != NULL &&
			strcmp(config->uplinks[i].interface, interface) == 0)
			return &config->uplinks[i];
	return NULL;
}

static void check_via(
	const struct check *check, const struct cfg_uplink *uplink, const struct yaml_node *node)
{
	if (uplink->n_via == 2 && uplink->via[0].family == uplink->via[1].family &&
		uplink->via[0].family != IP_NONE)
		report_add(check->report, check_place(node, "via"),
			"uplink %s: `via`: one next router of each family", uplink->name);
}

static void check_probes(
	const struct check *check, const struct cfg_uplink *uplink, const struct yaml_node *node)
{
	struct yaml_node *list = yaml_tree_get(node, "probes"), *item = NULL;
	char text[ADDR_STR_BYTES];

	for (unsigned i = 0; list != NULL && i < uplink->n_probes; i++) {
		const struct ip_addr *probe = &uplink->probes[i];

		item = yaml_tree_next_item(list, item);
		if (item == NULL || item->is_bad)
			continue;
		if (ip_addr_is_multicast(probe))
			report_add(check->report, item->place,
				"uplink %s: `probes`: %s is a group, not somebody who answers",
				uplink->name, ip_addr_str(probe, text));
		for (unsigned k = 0; k < i; k++)
			if (ip_addr_equal(&uplink->probes[k], probe))
				report_add(check->report, item->place,
					"uplink %s: `probes`: %s is here twice", uplink->name,
					ip_addr_str(probe, text));
	}
}

// A default route by an uplink's interface says where its next router is; which uplink is used is
// not decided by its metric.
static void complete_routes(const struct check *check)
{
	struct config *config = check->config;

	for (unsigned i = 0; i < config->n_routes && config->n_uplinks > 0; i++) {
		struct cfg_route *route = &config->routes[i];

		for (unsigned k = 0; k < route->n_nexthops && route->to.len == 0; k++) {
			const struct cfg_interface *interface =
				outside_nexthop_interface(check, &route->nexthops[k]);

			route->is_uplinks |= interface != NULL &&
					     check_uplink_of(config, interface->name) != NULL;
		}
	}
}

void check_uplinks(const struct check *check)
{
	const struct config *config = check->config;
	const struct yaml_node *section = yaml_tree_get(check->root, "uplinks");
	const struct yaml_node *node = section == NULL ? NULL : section->first;

	for (unsigned i = 0; i < config->n_uplinks && node != NULL; i++, node = node->next) {
		const struct cfg_uplink *uplink = &config->uplinks[i];
		const struct cfg_uplink *other;

		if (uplink->name == NULL || uplink->interface == NULL)
			continue;
		check_is_interface(check, "uplink: `interface`", uplink->interface,
			check_place(node, "interface"));
		other = check_uplink_of(config, uplink->interface);
		if (other != uplink)
			report_add(check->report, check_place(node, "interface"),
				"uplink %s: the interface %s is that of uplink %s already",
				uplink->name, uplink->interface, other->name);
		check_via(check, uplink, node);
		check_probes(check, uplink, node);
	}
	complete_routes(check);
}

// --- what is hardly meant ---

static bool has_way(const struct check *check, const struct cfg_uplink *uplink,
	const struct cfg_interface *interface)
{
	const struct config *config = check->config;

	if (uplink->n_via > 0 || (interface->dhcp4.is_on && interface->dhcp4.uses_routes))
		return true;
	for (unsigned i = 0; i < config->n_routes; i++)
		for (unsigned k = 0; k < config->routes[i].n_nexthops; k++)
			if (config->routes[i].is_uplinks &&
				outside_nexthop_interface(check, &config->routes[i].nexthops[k]) ==
					interface)
				return true;
	return false;
}

static bool is_own(const struct config *config, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < config->n_interfaces; i++)
		for (unsigned k = 0; k < config->interfaces[i].n_addresses; k++)
			if (ip_addr_equal(&config->interfaces[i].addresses[k].addr, addr))
				return true;
	return false;
}

void check_uplink_doubts(const struct check *check)
{
	const struct config *config = check->config;
	char text[ADDR_STR_BYTES];

	for (unsigned i = 0; i < config->n_uplinks; i++) {
		const struct cfg_uplink *uplink = &config->uplinks[i];
		const struct cfg_interface *interface =
			check_find_interface(config, uplink->interface);

		if (interface != NULL && !has_way(check, uplink, interface))
			report_warn(check->report, uplink->place, DOUBT_UPLINK_WITHOUT_WAY,
				"uplink %s: nothing says where its next router is", uplink->name);
		for (unsigned k = 0; k < uplink->n_probes; k++)
			if (is_own(config, &uplink->probes[k]))
				report_warn(check->report, uplink->place, DOUBT_UPLINK_PROBE_OWN,
					"uplink %s: the probe %s is the router's own address",
					uplink->name, ip_addr_str(&uplink->probes[k], text));
		if (uplink->n_probes == 0 && config->n_uplinks > 1)
			report_warn(check->report, uplink->place, DOUBT_UPLINK_UNPROBED,
				"uplink %s: nobody beyond its next router is asked whether it "
				"works",
				uplink->name);
		if (uplink->n_probes == 1 && config->n_uplinks > 1)
			report_warn(check->report, uplink->place, DOUBT_UPLINK_PROBE_SINGLE,
				"uplink %s: when %s alone does not answer, it is taken for dead",
				uplink->name, ip_addr_str(&uplink->probes[0], text));
	}
}
