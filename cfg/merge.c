// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/merge.h"

#include <string.h>

#include "cfg/model.h"

static const struct model_key *find_key(const struct model_object *object, const char *name)
{
	for (const struct model_key *key = object->keys; key->key != NULL; key++) {
		if (strcmp(key->key, name) == 0)
			return key;
	}
	return NULL;
}

static void append(struct yaml_node *into, struct yaml_node *first, unsigned n)
{
	struct yaml_node **tail = &into->first;

	while (*tail != NULL)
		tail = &(*tail)->next;
	*tail = first;
	into->n_children += n;
}

static void merge_mapping(struct report *report, const struct model_object *object,
	struct yaml_node *into, struct yaml_node *from);

static bool is_section(const struct model_key *key)
{
	return key->type == MODEL_GROUP || key->type == MODEL_NAMED || key->type == MODEL_LIST;
}

// Both are what the key wants, or nothing; what is not is left for the reader to refuse.
static void merge_section(struct report *report, const struct model_key *key,
	struct yaml_node *into, struct yaml_node *from)
{
	enum yaml_kind kind = key->type == MODEL_LIST ? YAML_KIND_LIST : YAML_KIND_MAPPING;

	if (into->is_bad || yaml_tree_is_empty(from))
		return;
	if (yaml_tree_is_empty(into) || from->kind != kind) {
		struct yaml_node *next = into->next;

		*into = *from;
		into->next = next;
	} else if (into->kind == kind && key->type == MODEL_GROUP) {
		merge_mapping(report, key->object, into, from);
	} else if (into->kind == kind) {
		append(into, from->first, from->n_children);
	}
}

static void merge_mapping(struct report *report, const struct model_object *object,
	struct yaml_node *into, struct yaml_node *from)
{
	struct yaml_node *next, *new_first = NULL, **new_tail = &new_first;
	unsigned n_new = 0;

	for (struct yaml_node *child = from->first; child != NULL; child = next) {
		const struct model_key *key = find_key(object, child->key);
		struct yaml_node *existing = key != NULL ? yaml_tree_get(into, child->key) : NULL;

		next = child->next;
		child->next = NULL;
		if (existing == NULL) {
			*new_tail = child;
			new_tail = &child->next;
			n_new++;
		} else if (is_section(key)) {
			merge_section(report, key, existing, child);
		} else {
			yaml_tree_report_second(report, child, existing);
		}
	}
	append(into, new_first, n_new);
}

void merge_file(struct yaml_node *into, struct yaml_node *from, struct report *report)
{
	merge_mapping(report, &model_config, into, from);
}

static void drop_second_names(const struct model_object *object, struct yaml_node *mapping,
	struct arena *arena, struct report *report)
{
	for (struct yaml_node *child = mapping->first; child != NULL; child = child->next) {
		const struct model_key *key = find_key(object, child->key);

		if (key == NULL || child->kind != YAML_KIND_MAPPING)
			continue;
		if (key->type == MODEL_NAMED)
			yaml_tree_drop_duplicates(child, arena, report);
		else if (key->type == MODEL_GROUP)
			drop_second_names(key->object, child, arena, report);
	}
}

void merge_finish(struct yaml_node *root, struct arena *arena, struct report *report)
{
	yaml_tree_drop_duplicates(root, arena, report); // of keys that nobody knows
	drop_second_names(&model_config, root, arena, report);
}
