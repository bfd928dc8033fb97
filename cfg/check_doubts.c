// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check_reach.h"

#include <string.h>

// --- what leads to the internet ---

static bool has_subnet_of(const struct cfg_interface *interface, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < interface->n_addresses; i++) {
		if (ip_prefix_contains(&interface->addresses[i], addr))
			return true;
	}
	return false;
}

static bool has_default_route(const struct config *config, const struct cfg_interface *interface)
{
	for (unsigned i = 0; i < config->n_routes; i++) {
		const struct cfg_route *route = &config->routes[i];

		for (unsigned j = 0; j < route->n_nexthops && route->to.len == 0; j++) {
			const struct cfg_nexthop *nexthop = &route->nexthops[j];

			if (nexthop->interface != NULL
					? strcmp(nexthop->interface, interface->name) == 0
					: has_subnet_of(interface, &nexthop->via))
				return true;
		}
	}
	return false;
}

static bool has_name(const struct cfg_names *names, const char *name)
{
	for (unsigned i = 0; i < names->n; i++) {
		if (strcmp(names->names[i], name) == 0)
			return true;
	}
	return false;
}

static bool is_masqueraded(const struct config *config, const char *interface)
{
	for (unsigned i = 0; i < config->n_nats; i++) {
		const struct cfg_nat *nat = &config->nats[i];

		if ((nat->kind == CFG_NAT_MASQUERADE || nat->kind == CFG_NAT_SOURCE) &&
			has_name(&nat->interfaces, interface))
			return true;
	}
	return false;
}

bool check_leads_outside(const struct config *config, const struct cfg_interface *interface)
{
	return is_masqueraded(config, interface->name) || has_default_route(config, interface);
}

int check_zone_of(const struct config *config, const char *interface)
{
	for (unsigned i = 0; i < config->n_zones; i++) {
		if (has_name(&config->zones[i].interfaces, interface))
			return (int)i;
	}
	return CHECK_NO_ZONE;
}

// --- zones and sets of interfaces ---

// Any interface of the file that leads to the internet, or NULL.
static const struct cfg_interface *find_outside(const struct config *config)
{
	for (unsigned i = 0; i < config->n_interfaces; i++) {
		if (check_leads_outside(config, &config->interfaces[i]))
			return &config->interfaces[i];
	}
	return NULL;
}

struct group {
	const struct check *check;
	const char *noun, *name;
	bool is_outside;		     // it is called so, or one of it is
	const struct cfg_interface *example; // of what leads there
};

static struct group group_of(const struct check *check, const char *noun, const char *name)
{
	return (struct group){.check = check,
		.noun = noun,
		.name = name,
		.is_outside = strncasecmp(name, "wan", 3) == 0,
		.example = find_outside(check->config)};
}

static void group_look(struct group *group, const char *interface)
{
	const struct config *config = group->check->config;

	if (check_leads_outside(config, check_find_interface(config, interface)))
		group->is_outside = true;
}

static void group_doubt(const struct group *group, const char *interface, struct cfg_place place)
{
	const struct config *config = group->check->config;

	if (!group->is_outside || group->example == NULL ||
		check_leads_outside(config, check_find_interface(config, interface)))
		return;
	report_warn(group->check->report, place,
		"%s %s: interface %s has neither a default route nor a masquerade as %s has: does "
		"it belong here?",
		group->noun, group->name, interface, group->example->name);
}

static void doubt_zones(const struct check *check)
{
	const struct config *config = check->config;
	const struct yaml_node *node = check_first(check->root, "zones");

	for (unsigned i = 0; i < config->n_zones; i++, node = node->next) {
		const struct cfg_names *names = &config->zones[i].interfaces;
		struct group group = group_of(check, "zone", config->zones[i].name);
		struct yaml_node *list = yaml_tree_get(node, "interfaces");
		struct yaml_node *item = NULL;

		for (unsigned j = 0; j < names->n; j++)
			group_look(&group, names->names[j]);
		for (unsigned j = 0; j < names->n; j++) {
			item = yaml_tree_next_item(list, item);
			group_doubt(&group, names->names[j], item->place);
		}
	}
	if (config->n_zones > 0 && !config->firewall.is_there)
		report_warn(check->report, yaml_tree_get(check->root, "zones")->key_place,
			"zones: nothing asks for them: there is no `firewall:`");
}

static void doubt_interfaces(const struct check *check)
{
	const struct config *config = check->config;

	for (unsigned i = 0; i < config->n_interfaces && config->n_zones > 0; i++) {
		const struct cfg_interface *interface = &config->interfaces[i];

		if (check_zone_of(config, interface->name) == CHECK_NO_ZONE)
			report_warn(check->report, interface->place,
				"interface %s: in no zone, so that only rules from or to `none` "
				"or from and to anybody are about it",
				interface->name);
	}
}

static void doubt_sets(const struct check *check)
{
	const struct config *config = check->config;
	const struct yaml_node *node = check_first(check->root, "sets");

	for (unsigned i = 0; i < config->n_sets; i++, node = node->next) {
		const struct cfg_set *set = &config->sets[i];
		struct group group = group_of(check, "set", set->name);
		struct yaml_node *list = yaml_tree_get(node, "interfaces");
		struct yaml_node *item = NULL;

		if (!check->set_is_used[i])
			report_warn(check->report, set->place, "set %s: no rule asks for it",
				set->name);
		if (set->n_elements == 0 && set->file == NULL && set->timeout_sec == 0)
			report_warn(check->report, set->place,
				"set %s: it is empty, and without `file` and `timeout` it stays so",
				set->name);
		for (unsigned j = 0; list != NULL && j < set->n_elements; j++)
			group_look(&group, set->elements[j].interface);
		for (unsigned j = 0; list != NULL && j < set->n_elements; j++) {
			item = yaml_tree_next_item(list, item);
			group_doubt(&group, set->elements[j].interface, item->place);
		}
	}
}

// --- translations ---

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
		if (!has_name(&nat->interfaces, later->interfaces.names[i]))
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
			report_warn(check->report, nat->place,
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
					!has_name(&nat->interfaces, interface->name)) ||
				!has_subnet_of(interface, &nat->outside.addr) ||
				has_address(interface, &nat->outside))
				continue;
			report_warn(check->report, nat->place,
				"nat rule: nobody on the link of %s answers for %s: add what it is "
				"to the interface's addresses, unless it is routed to this one",
				interface->name, ip_prefix_str(&nat->outside, text));
		}
	}
}

// --- flows ---

static const struct {
	const char *key;
	size_t offset; // in struct cfg_timeouts
	uint32_t least_sec;
	const char *because;
} least_timeouts[] = {
	{"tcp-established", offsetof(struct cfg_timeouts, tcp_established), 7440,
		"2h4m (RFC 5382 REQ-5)"},
	{"tcp-unreplied", offsetof(struct cfg_timeouts, tcp_unreplied), 240, "4m (RFC 5382 REQ-5)"},
	{"tcp-closing", offsetof(struct cfg_timeouts, tcp_closing), 240, "4m (RFC 5382 REQ-5)"},
	{"udp-unreplied", offsetof(struct cfg_timeouts, udp_unreplied), 120, "2m (RFC 4787 REQ-5)"},
	{"udp-assured", offsetof(struct cfg_timeouts, udp_assured), 120, "2m (RFC 4787 REQ-5)"},
	{"icmp", offsetof(struct cfg_timeouts, icmp), 60, "1m (RFC 5508 REQ-2)"},
};

static void doubt_flows(const struct check *check)
{
	const struct config *config = check->config;
	const struct yaml_node *flows = yaml_tree_get(check->root, "flows");
	const struct yaml_node *timeouts = yaml_tree_get(flows, "timeouts");
	const struct cfg_switches *checks = &config->firewall.hygiene.checks;

	for (size_t i = 0; i < sizeof(least_timeouts) / sizeof(least_timeouts[0]); i++) {
		uint32_t sec = *(const uint32_t *)((const char *)&config->timeouts +
						   least_timeouts[i].offset);

		if (sec != 0 && sec < least_timeouts[i].least_sec)
			report_warn(check->report, check_place(timeouts, least_timeouts[i].key),
				"flows: timeouts: `%s`: should not be less than %s: connections "
				"that rest for longer break",
				least_timeouts[i].key, least_timeouts[i].because);
	}
	if (config->has_pick_up && config->picks_up &&
		(checks->said & checks->on & CFG_HYGIENE_TCP_NEW))
		report_warn(check->report, check_place(flows, "pick-up"),
			"flows: `pick-up`: `tcp-new` of the firewall's hygiene drops what it would "
			"pick up");
}

void check_doubts(const struct check *check)
{
	doubt_zones(check);
	doubt_sets(check);
	doubt_nats(check);
	doubt_order_of_nats(check);
	doubt_flows(check);
	if (check->config->firewall.is_there) {
		doubt_interfaces(check);
		check_reach(check);
	}
}
