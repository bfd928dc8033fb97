// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check_doubts.h"

#include <string.h>

#include "cfg/check_outside.h"

// --- zones and sets of interfaces ---

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
		.example = outside_example(check)};
}

static void group_look(struct group *group, const char *interface)
{
	if (outside_is_way_named(group->check, interface))
		group->is_outside = true;
}

static void group_doubt(const struct group *group, const char *interface, struct cfg_place place)
{
	if (!group->is_outside || group->example == NULL ||
		outside_is_way_named(group->check, interface))
		return;
	report_warn(group->check->report, place, DOUBT_INTERFACE_MISPLACED,
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
			DOUBT_ZONES_WITHOUT_FIREWALL,
			"zones: nothing asks for them: there is no `firewall:`");
}

static void doubt_interfaces(const struct check *check)
{
	const struct config *config = check->config;

	for (unsigned i = 0; i < config->n_interfaces && config->n_zones > 0; i++) {
		const struct cfg_interface *interface = &config->interfaces[i];

		if (strcmp(outside_zone(check, interface), CFG_ZONE_NONE) == 0)
			report_warn(check->report, interface->place, DOUBT_INTERFACE_WITHOUT_ZONE,
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
			report_warn(check->report, set->place, DOUBT_SET_UNUSED,
				"set %s: no rule asks for it", set->name);
		if (set->n_elements == 0 && set->file == NULL && set->timeout_sec == 0)
			report_warn(check->report, set->place, DOUBT_SET_EMPTY,
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
				DOUBT_TIMEOUT_SHORT,
				"flows: timeouts: `%s`: should not be less than %s: connections "
				"that rest for longer break",
				least_timeouts[i].key, least_timeouts[i].because);
	}
	if (config->has_pick_up && config->picks_up &&
		(checks->said & checks->on & CFG_HYGIENE_TCP_NEW))
		report_warn(check->report, check_place(flows, "pick-up"), DOUBT_PICK_UP_DROPPED,
			"flows: `pick-up`: `tcp-new` of the firewall's hygiene drops what it would "
			"pick up");
}

void check_doubts(struct check *check)
{
	outside_prepare(check);
	doubt_zones(check);
	doubt_sets(check);
	doubt_flows(check);
	check_dhcp_doubts(check);
	check_uplink_doubts(check);
	check_translations(check);
	check_forwards(check);
	if (check->config->firewall.is_there) {
		doubt_interfaces(check);
		check_odd_rules(check);
		check_shadows(check);
		check_doors(check);
		check_reach(check);
	}
}
