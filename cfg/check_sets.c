// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check.h"

#include <string.h>

#include "cfg/element.h"

static const enum cfg_set_kind set_kinds[] = {
	CFG_SET_ADDRESSES,
	CFG_SET_PORTS,
	CFG_SET_MACS,
	CFG_SET_ICMP,
	CFG_SET_ICMP6,
	CFG_SET_INTERFACES,
	CFG_SET_PROTOCOLS,
};

enum { KINDS = sizeof(set_kinds) / sizeof(set_kinds[0]) };

// The value of the key that says what the set holds, or NULL.
static struct yaml_node *tell_kind(
	const struct check *check, struct cfg_set *set, const struct yaml_node *node)
{
	struct yaml_node *found = NULL;

	for (unsigned i = 0; i < KINDS; i++) {
		struct yaml_node *value = yaml_tree_get(node, element_kind_name(set_kinds[i]));

		if (value == NULL)
			continue;
		if (found != NULL) {
			report_add(check->report, value->key_place,
				"set %s: `%s` beside `%s`: a set holds one kind of thing",
				set->name, value->key, found->key);
			return NULL;
		}
		set->kind = set_kinds[i];
		found = value;
	}
	if (found == NULL && set->names.n > 0)
		return yaml_tree_get(node, "names"); // of addresses, all of them learned
	if (found == NULL)
		report_add(check->report, set->place,
			"set %s: say what it holds: addresses, ports, macs, icmp-types, "
			"icmp6-types, "
			"interfaces or protocols, a list that may be empty: []",
			set->name);
	return found;
}

// In a rule, a word of the kind would be taken for that word.
static void check_name(const struct check *check, const struct cfg_set *set)
{
	if (set->kind == CFG_SET_INTERFACES) {
		if (check_find_interface(check->config, set->name) != NULL)
			report_add(check->report, set->place, "set %s: an interface has this name",
				set->name);
		return;
	}
	for (const struct word *const *words = element_words(set->kind); *words != NULL; words++) {
		if (word_find(*words, set->name, strlen(set->name)) != NULL)
			report_add(check->report, set->place,
				"set %s: the name means something of its own among %s", set->name,
				element_kind_name(set->kind));
	}
}

// "example.com" or "*.example.com".
static void check_names(
	const struct check *check, struct cfg_set *set, const struct yaml_node *node)
{
	struct yaml_node *names = yaml_tree_get(node, "names"), *item = NULL;

	if (yaml_tree_get(node, "least") != NULL && set->names.n == 0)
		report_add(check->report, check_place(node, "least"),
			"set %s: `least` goes with `names`", set->name);
	if (set->names.n == 0)
		return;
	while ((item = yaml_tree_next_item(names, item)) != NULL) {
		if (item->is_bad)
			continue;
		if (!cfg_dns_is_name(item->text + (strncmp(item->text, "*.", 2) == 0 ? 2 : 0)))
			report_add(check->report, item->place,
				"set %s: `names`: expected a name such as example.com or "
				"*.example.com",
				set->name);
	}
	if (set->kind != CFG_SET_ADDRESSES)
		report_add(check->report, check_place(node, "names"),
			"set %s: `names` is for addresses, not for %s", set->name,
			element_kind_name(set->kind));
	if (!check->config->dns.is_there)
		report_add(check->report, check_place(node, "names"),
			"set %s: `names` takes addresses from the router's own answers: the file "
			"has no `dns`",
			set->name);
	if (set->timeout_sec == 0 && set->kind == CFG_SET_ADDRESSES)
		set->timeout_sec = CFG_SET_NAMES_SEC;
}

static void check_set(const struct check *check, struct cfg_set *set, const struct yaml_node *node)
{
	struct yaml_node *elements = tell_kind(check, set, node);
	struct yaml_node *item = NULL;

	if (elements == NULL)
		return;
	check_name(check, set);
	check_names(check, set, node);
	if (set->timeout_sec != 0 && set->kind != CFG_SET_ADDRESSES)
		report_add(check->report, check_place(node, "timeout"),
			"set %s: `timeout` is for addresses, not for %s", set->name,
			element_kind_name(set->kind));
	if (set->timeout_sec == 0 && yaml_tree_get(node, "capacity") != NULL &&
		yaml_tree_get(node, "timeout") == NULL && set->names.n == 0)
		report_add(check->report, check_place(node, "capacity"),
			"set %s: `capacity` goes with `timeout`: the elements of other sets are "
			"all in "
			"the file",
			set->name);
	if (set->capacity == 0)
		set->capacity = CFG_TIMED_CAPACITY;
	if (set->file != NULL && set->file[0] != '/')
		report_add(check->report, check_place(node, "file"),
			"set %s: `file`: expected a path from the root such as /etc/millrace/list",
			set->name);
	for (unsigned i = 0; set->kind == CFG_SET_INTERFACES && i < set->n_elements; i++) {
		item = yaml_tree_next_item(elements, item);
		if (!item->is_bad)
			check_is_interface(check, "set: `interfaces`", set->elements[i].interface,
				item->place);
	}
}

void check_sets(const struct check *check)
{
	const struct yaml_node *node = check_first(check->root, "sets");
	struct config *config = check->config;
	unsigned n_timed = 0;

	for (unsigned i = 0; i < config->n_sets; i++, node = node->next) {
		struct cfg_set *set = &config->sets[i];

		if (set->name == NULL || node->is_bad)
			continue;
		check_set(check, set, node);
		if (set->timeout_sec != 0 && n_timed++ == CFG_TIMED_SETS_MAX)
			report_add(check->report, set->place,
				"set %s: more than %d sets with a timeout are not supported",
				set->name, CFG_TIMED_SETS_MAX);
	}
}
