// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check.h"

#include <stdlib.h>
#include <string.h>

#include "cfg/suggest.h"

struct cfg_place check_place(const struct yaml_node *object, const char *key)
{
	const struct yaml_node *node = yaml_tree_get(object, key);

	return node != NULL ? node->place : object->place;
}

const struct yaml_node *check_first(const struct yaml_node *object, const char *key)
{
	const struct yaml_node *node = yaml_tree_get(object, key);

	return node != NULL ? node->first : NULL;
}

bool check_is_whole(const struct yaml_node *node)
{
	bool is_whole = !node->is_bad;

	for (const struct yaml_node *child = node->first; child != NULL && is_whole;
		child = child->next)
		is_whole = check_is_whole(child);
	return is_whole;
}

// --- names ---

static int compare_names(const void *left, const void *right)
{
	return strcmp(**(const char *const *const *)left, **(const char *const *const *)right);
}

// Of the structs of `bytes` each in `array`, whose first member is the name.
static void index_names(const struct check *check, struct check_names *names, const char *noun,
	const struct yaml_node *section, const void *array, unsigned n, size_t bytes)
{
	const char *at = array;

	*names = (struct check_names){
		.noun = noun, .are_known = section == NULL || !section->is_bad};
	names->sorted = arena_alloc_array(check->config->arena, n, sizeof(*names->sorted));
	for (unsigned i = 0; i < n && names->sorted != NULL; i++, at += bytes) {
		const char *const *name = (const void *)at;

		if (*name != NULL)
			names->sorted[names->n++] = name;
	}
	if (names->n > 1)
		qsort(names->sorted, names->n, sizeof(*names->sorted), compare_names);
}

void check_prepare(struct check *check)
{
	struct config *config = check->config;
	const struct yaml_node *firewall = yaml_tree_get(check->root, "firewall");

	check->interfaces_are_known = check_interfaces_are_known(check->root);
	index_names(check, &check->zones, "zone", yaml_tree_get(check->root, "zones"),
		config->zones, config->n_zones, sizeof(*config->zones));
	index_names(check, &check->sets, "set", yaml_tree_get(check->root, "sets"), config->sets,
		config->n_sets, sizeof(*config->sets));
	index_names(check, &check->lists, "list", yaml_tree_get(firewall, "lists"),
		config->firewall.lists, config->firewall.n_lists, sizeof(*config->firewall.lists));
	check->lists.are_known &= firewall == NULL || !firewall->is_bad;
	check->set_is_used = arena_alloc_array(config->arena, config->n_sets, sizeof(bool));
	check->list_is_used =
		arena_alloc_array(config->arena, config->firewall.n_lists, sizeof(bool));
}

void *check_find(const struct check_names *names, const char *name)
{
	unsigned first = 0, end = names->n;

	while (first < end) {
		unsigned middle = first + (end - first) / 2;
		int order = strcmp(name, *names->sorted[middle]);

		if (order == 0)
			return (void *)(uintptr_t)names->sorted[middle];
		if (order < 0)
			end = middle;
		else
			first = middle + 1;
	}
	return NULL;
}

void *check_find_or_report(const struct check *check, const struct check_names *names,
	const char *noun, const char *name, struct cfg_place place)
{
	struct suggestion suggestion = {.written = name};
	void *found = check_find(names, name);
	char hint[64];

	if (found != NULL || !names->are_known)
		return found;
	for (unsigned i = 0; i < names->n; i++)
		suggest_offer(&suggestion, *names->sorted[i]);
	report_add(check->report, place, "%s: there is no %s `%s`%s", noun, names->noun, name,
		suggest_str(&suggestion, hint, sizeof(hint)));
	return NULL;
}

// --- interfaces ---

const struct cfg_interface *check_find_interface(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const struct cfg_interface *interface = &config->interfaces[i];

		if (interface->name != NULL && strcmp(interface->name, name) == 0)
			return interface;
	}
	return NULL;
}

void check_is_interface(
	const struct check *check, const char *noun, const char *name, struct cfg_place place)
{
	struct suggestion suggestion = {.written = name};
	char hint[64];

	if (!check->interfaces_are_known || check_find_interface(check->config, name) != NULL)
		return;
	for (unsigned i = 0; i < check->config->n_interfaces; i++) {
		if (check->config->interfaces[i].name != NULL)
			suggest_offer(&suggestion, check->config->interfaces[i].name);
	}
	report_add(check->report, place, "%s: there is no interface `%s`%s", noun, name,
		suggest_str(&suggestion, hint, sizeof(hint)));
}

// --- workers ---

void check_workers(const struct check *check)
{
	const struct config *config = check->config;
	const struct yaml_node *workers = yaml_tree_get(check->root, "workers");
	struct yaml_node *list = yaml_tree_get(workers, "cores");
	struct yaml_node *item = NULL;

	if (config->n_workers != 0 && config->n_workers < config->n_cores)
		report_add(check->report, check_place(workers, "count"),
			"workers: `count`: %u cannot run on %u cores: each is on one at a time",
			config->n_workers, config->n_cores);
	for (unsigned i = 0; i < config->n_cores; i++) {
		const struct yaml_node *other = NULL;

		item = yaml_tree_next_item(list, item);
		for (unsigned j = 0; j < i && !item->is_bad; j++) {
			other = yaml_tree_next_item(list, other);
			if (other->is_bad || config->cores[j] != config->cores[i])
				continue;
			report_warn(check->report, item->place, DOUBT_CORE_TWICE,
				"workers: `cores`: core %d is here twice: its workers take turns "
				"and get no more done than one",
				config->cores[i]);
			break;
		}
	}
}

static void check_apply(const struct check *check)
{
	const struct cfg_apply *apply = &check->config->apply;
	const struct yaml_node *node = yaml_tree_get(check->root, "apply");

	if (apply->probes != 0 && apply->confirm_sec == 0)
		report_add(check->report, check_place(node, "confirm-when"),
			"apply: `confirm-when` is for `confirm`: how long that may take");
	if (apply->confirm_name == NULL)
		return;
	if (!(apply->probes & CFG_PROBE_DNS))
		report_add(check->report, check_place(node, "confirm-name"),
			"apply: `confirm-name` is for `confirm-when` with dns");
	else if (!cfg_dns_is_name(apply->confirm_name))
		report_add(check->report, check_place(node, "confirm-name"),
			"apply: `confirm-name`: expected a name such as example.com");
}

void check_state(const struct check *check)
{
	const char *file = check->config->state_file;

	if (file != NULL && file[0] != '/')
		report_add(check->report, check_place(yaml_tree_get(check->root, "state"), "file"),
			"state: `file`: expected a path from the root such as "
			"/var/lib/millrace/state.db");
	file = check->config->recorder.directory;
	if (file != NULL && file[0] != '/')
		report_add(check->report,
			check_place(yaml_tree_get(check->root, "recorder"), "directory"),
			"recorder: `directory`: expected a path from the root such as "
			"/var/lib/millrace/recorder");
	check_apply(check);
}
