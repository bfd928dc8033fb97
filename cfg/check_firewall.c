// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check.h"

#include "cfg/check_rule.h"

// --- zones ---

void check_zones(const struct check *check)
{
	const struct config *config = check->config;
	const struct yaml_node *node = check_first(check->root, "zones");
	const struct cfg_zone *zone_of[CFG_INTERFACES_MAX] = {0};

	for (unsigned i = 0; i < config->n_zones; i++, node = node->next) {
		const struct cfg_zone *zone = &config->zones[i];
		struct yaml_node *list = yaml_tree_get(node, "interfaces");
		struct yaml_node *item = NULL;

		for (unsigned j = 0; j < zone->interfaces.n; j++) {
			const char *name = zone->interfaces.names[j];
			const struct cfg_interface *interface;
			const struct cfg_zone **holder;

			item = yaml_tree_next_item(list, item);
			if (item->is_bad)
				continue;
			check_is_interface(check, "zone: `interfaces`", name, item->place);
			interface = check_find_interface(config, name);
			if (interface == NULL)
				continue;
			holder = &zone_of[interface - config->interfaces];
			if (*holder != NULL)
				report_add(check->report, item->place,
					"zone: `interfaces`: %s is in zone %s on line %d already",
					name, (*holder)->name, (*holder)->place.line);
			*holder = zone;
		}
	}
}

// --- jumps ---

enum { DEPTH_UNKNOWN = 0, DEPTH_IN_WORK = -1 };

struct jumps {
	const struct check *check;
	int *depths; // of each list: how many lists deep it goes, itself included
};

static const struct yaml_node *node_of(const struct check *check, const struct cfg_list *list)
{
	const struct yaml_node *node = check_first(yaml_tree_get(check->root, "firewall"), "lists");

	for (const struct cfg_list *at = check->config->firewall.lists; at != list; at++)
		node = node->next;
	return node;
}

// Calls itself as deep as there are lists, CFG_LISTS_MAX.
static int find_depth(struct jumps *jumps, const struct cfg_list *list)
{
	const struct check *check = jumps->check;
	int *depth = &jumps->depths[list - check->config->firewall.lists];
	const struct yaml_node *node = node_of(check, list)->first;
	int deepest = 0;

	if (*depth != DEPTH_UNKNOWN)
		return *depth;
	*depth = DEPTH_IN_WORK;
	for (unsigned i = 0; i < list->n_rules; i++, node = node->next) {
		const char *name = list->rules[i].jump;
		const struct cfg_list *target =
			name != NULL ? check_find(&check->lists, name) : NULL;
		int below = target != NULL ? find_depth(jumps, target) : 0;

		if (below == DEPTH_IN_WORK)
			report_add(check->report, check_place(node, "jump"),
				"firewall: rule: `jump`: list %s leads back to itself", name);
		else if (below == CFG_JUMPS_MAX)
			report_add(check->report, check_place(node, "jump"),
				"firewall: rule: `jump`: from here it goes more than %d lists deep",
				CFG_JUMPS_MAX);
		else if (below > deepest)
			deepest = below;
	}
	*depth = deepest + 1;
	return *depth;
}

static void check_jumps(const struct check *check)
{
	const struct cfg_firewall *firewall = &check->config->firewall;
	struct jumps jumps = {.check = check};

	jumps.depths =
		arena_alloc_array(check->config->arena, firewall->n_lists, sizeof(*jumps.depths));
	for (unsigned i = 0; i < firewall->n_lists && jumps.depths != NULL; i++)
		find_depth(&jumps, &firewall->lists[i]);
}

// --- hygiene ---

static void complete_hygiene(
	struct cfg_hygiene *hygiene, uint16_t on, enum cfg_reverse_path reverse_path)
{
	uint16_t said = hygiene->checks.said;

	hygiene->checks.on = (uint16_t)((hygiene->checks.on & said) | (on & ~said));
	if (hygiene->reverse_path == CFG_REVERSE_PATH_UNSAID)
		hygiene->reverse_path = reverse_path;
}

static void check_hygiene(const struct check *check)
{
	struct config *config = check->config;
	struct cfg_hygiene *all = &config->firewall.hygiene;
	bool is_there = config->firewall.is_there;
	uint16_t on = is_there ? CFG_HYGIENE_ALL : 0;

	if (!config->has_pick_up)
		config->picks_up = !is_there;
	else if (config->picks_up)
		on &= (uint16_t)~CFG_HYGIENE_TCP_NEW;
	complete_hygiene(all, on, is_there ? CFG_REVERSE_PATH_STRICT : CFG_REVERSE_PATH_OFF);
	for (unsigned i = 0; i < all->n_interfaces; i++) {
		struct cfg_hygiene *one = &all->interfaces[i];

		if (one->interface != NULL)
			check_is_interface(check, "firewall: hygiene: `interfaces`", one->interface,
				one->place);
		complete_hygiene(one, all->checks.on, all->reverse_path);
	}
}

// --- all of it ---

static void check_rules(const struct check *check, enum cfg_hook hook, struct cfg_list *list,
	const struct yaml_node *node)
{
	for (unsigned i = 0; i < list->n_rules; i++, node = node->next) {
		if (!node->is_bad)
			rule_check(check, hook, &list->rules[i], node);
	}
}

void check_firewall(const struct check *check)
{
	static const char *const hook_keys[] = {
		[CFG_HOOK_INPUT] = "input",
		[CFG_HOOK_FORWARD] = "forward",
		[CFG_HOOK_OUTPUT] = "output",
	};
	struct cfg_firewall *firewall = &check->config->firewall;
	const struct yaml_node *section = yaml_tree_get(check->root, "firewall");
	const struct yaml_node *node = check_first(section, "lists");

	for (enum cfg_hook hook = CFG_HOOK_INPUT; hook < CFG_HOOK_COUNT; hook++)
		check_rules(
			check, hook, &firewall->hooks[hook], check_first(section, hook_keys[hook]));
	for (unsigned i = 0; i < firewall->n_lists; i++, node = node->next)
		check_rules(check, CFG_HOOK_COUNT, &firewall->lists[i], node->first);
	check_jumps(check);
	check_hygiene(check);
}
