// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check.h"

#include <string.h>

#include "cfg/suggest.h"

struct cfg_place check_place(const struct yaml_node *object, const char *key)
{
	const struct yaml_node *node = yaml_tree_get(object, key);

	return node != NULL ? node->place : object->place;
}

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

void check_workers(const struct check *check)
{
	const struct config *config = check->config;
	struct yaml_node *list = yaml_tree_get(yaml_tree_get(check->root, "workers"), "cores");
	struct yaml_node *item = NULL;

	for (unsigned i = 0; i < config->n_cores; i++) {
		const struct yaml_node *other = NULL;

		item = yaml_tree_next_item(list, item);
		for (unsigned j = 0; j < i && !item->is_bad; j++) {
			other = yaml_tree_next_item(list, other);
			if (other->is_bad || config->cores[j] != config->cores[i])
				continue;
			report_add(check->report, item->place,
				"workers: `cores`: core %d is here twice", config->cores[i]);
			break;
		}
	}
}

void check_nat(const struct check *check)
{
	const struct yaml_node *section = yaml_tree_get(check->root, "nat");
	const struct yaml_node *node = section != NULL ? section->first : NULL;

	for (unsigned i = 0; i < check->config->n_masquerades; i++, node = node->next) {
		const struct cfg_masquerade *masquerade = &check->config->masquerades[i];

		if (masquerade->interface != NULL)
			check_is_interface(check, "nat rule: `masquerade`", masquerade->interface,
				check_place(node, "masquerade"));
	}
}
