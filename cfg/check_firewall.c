// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check.h"

#include "cfg/check_rule.h"

static const char *const hook_keys[] = {
	[CFG_HOOK_INPUT] = "input",
	[CFG_HOOK_FORWARD] = "forward",
	[CFG_HOOK_OUTPUT] = "output",
};

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
			char line[REPORT_LINE_BYTES];

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
					"zone: `interfaces`: %s is in zone %s on %s already", name,
					(*holder)->name,
					report_line(check->report, item->place, (*holder)->place,
						line));
			*holder = zone;
		}
	}
}

// --- jumps ---

enum walk_state { WALK_NOT_BEGUN = 0, WALK_BEGUN, WALK_DONE };

struct walk {
	enum walk_state state;
	unsigned depth; // lists deep, this one included
	unsigned steps; // rules that a packet may have to pass in it and in those it jumps to
};

struct walker {
	const struct check *check;
	struct walk *walks; // of each list
};

static const struct yaml_node *node_of(const struct check *check, const struct cfg_list *list)
{
	const struct yaml_node *node = check_first(yaml_tree_get(check->root, "firewall"), "lists");

	for (const struct cfg_list *at = check->config->firewall.lists; at != list; at++)
		node = node->next;
	return node;
}

static const struct walk *walk_list(struct walker *walker, const struct cfg_list *list);

static void walk_rules(struct walker *walker, const struct cfg_list *list,
	const struct yaml_node *node, struct walk *walk)
{
	const struct check *check = walker->check;

	walk->depth = 1;
	for (unsigned i = 0; i < list->n_rules; i++, node = node->next) {
		const char *name = list->rules[i].jump;
		const struct cfg_list *target =
			name != NULL ? check_find(&check->lists, name) : NULL;
		const struct walk *below = target != NULL ? walk_list(walker, target) : NULL;

		walk->steps++;
		if (below != NULL && below->state == WALK_BEGUN) {
			report_add(check->report, check_place(node, "jump"),
				"firewall: rule: `jump`: list %s leads back to itself", name);
		} else if (below != NULL && list->name != NULL && below->depth == CFG_JUMPS_MAX) {
			report_add(check->report, check_place(node, "jump"),
				"firewall: rule: `jump`: from here it goes more than %d lists deep",
				CFG_JUMPS_MAX);
		} else if (below != NULL) {
			walk->steps += below->steps;
			if (below->depth >= walk->depth)
				walk->depth = below->depth + 1;
		}
		if (walk->steps > CFG_STEPS_MAX) {
			report_add(check->report, list->rules[i].place,
				"firewall: rule: up to here a packet may have to pass more than %d "
				"rules, with those of the lists",
				CFG_STEPS_MAX);
			walk->steps = 0; // said once
		}
	}
}

// Calls itself as deep as there are lists, CFG_LISTS_MAX.
static const struct walk *walk_list(struct walker *walker, const struct cfg_list *list)
{
	const struct check *check = walker->check;
	struct walk *walk = &walker->walks[list - check->config->firewall.lists];

	if (walk->state != WALK_NOT_BEGUN)
		return walk;
	walk->state = WALK_BEGUN;
	walk_rules(walker, list, node_of(check, list)->first, walk);
	walk->state = WALK_DONE;
	return walk;
}

static void check_jumps(const struct check *check)
{
	const struct cfg_firewall *firewall = &check->config->firewall;
	const struct yaml_node *section = yaml_tree_get(check->root, "firewall");
	struct walker walker = {.check = check};

	walker.walks =
		arena_alloc_array(check->config->arena, firewall->n_lists, sizeof(*walker.walks));
	if (walker.walks == NULL)
		return;
	for (unsigned i = 0; i < firewall->n_lists; i++)
		walk_list(&walker, &firewall->lists[i]);
	for (unsigned hook = 0; hook < CFG_HOOK_COUNT; hook++) {
		struct walk walk = {0};

		walk_rules(&walker, &firewall->hooks[hook], check_first(section, hook_keys[hook]),
			&walk);
	}
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
	complete_hygiene(all, on,
		!is_there		       ? CFG_REVERSE_PATH_OFF
		: check->config->n_uplinks > 1 ? CFG_REVERSE_PATH_FEASIBLE
					       : CFG_REVERSE_PATH_STRICT);
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
	struct cfg_firewall *firewall = &check->config->firewall;
	const struct yaml_node *section = yaml_tree_get(check->root, "firewall");
	const struct yaml_node *node = check_first(section, "lists");
	unsigned n_rules = 0;

	for (enum cfg_hook hook = CFG_HOOK_INPUT; hook < CFG_HOOK_COUNT; hook++)
		check_rules(
			check, hook, &firewall->hooks[hook], check_first(section, hook_keys[hook]));
	for (unsigned i = 0; i < firewall->n_lists; i++, node = node->next)
		check_rules(check, CFG_HOOK_COUNT, &firewall->lists[i], node->first);
	check_jumps(check);
	check_hygiene(check);
	for (unsigned hook = 0; hook < CFG_HOOK_COUNT; hook++)
		n_rules += firewall->hooks[hook].n_rules;
	for (unsigned i = 0; i < firewall->n_lists; i++)
		n_rules += firewall->lists[i].n_rules;
	if (n_rules > CFG_RULES_MAX)
		report_add(check->report, section->key_place,
			"firewall: %u rules are more than the %d that are supported", n_rules,
			CFG_RULES_MAX);
}
