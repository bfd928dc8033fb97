// SPDX-License-Identifier: BSD-3-Clause
// A warning is known by its place in the text, an entry by a path of the config: so an entry has
// the places of all nodes that are there or below, in order.
#include "cfg/accept.h"

#include <stdlib.h>
#include <string.h>

#include "cfg/suggest.h"

struct entry {
	const struct cfg_accept *said;
	enum doubt doubt;
	bool is_known, is_there, is_used;
	struct cfg_place *places; // NULL without `at`: everywhere
	size_t n_places;
};

struct accept {
	struct entry *entries;
	unsigned n;
};

// --- paths, as plan and diff write them: "sets.slow", "firewall.forward[3]" ---

// The child whose key the path begins with; the longest, as names may have points.
static const struct yaml_node *child_by_key(const struct yaml_node *mapping, const char **path)
{
	const struct yaml_node *best = NULL;
	size_t best_len = 0;

	for (const struct yaml_node *child = mapping->first; child != NULL; child = child->next) {
		size_t len = strlen(child->key);

		if (len < best_len || strncmp(*path, child->key, len) != 0 ||
			strchr(".[", (*path)[len]) == NULL) // which has the end of the text too
			continue;
		best = child;
		best_len = len;
	}
	*path += best_len;
	return best;
}

// "[3]": they count from 1.
static const struct yaml_node *child_by_number(const struct yaml_node *list, const char **path)
{
	char *end;
	unsigned long number = strtoul(*path + 1, &end, 10);
	const struct yaml_node *child = list->first;

	if (number == 0 || *end != ']')
		return NULL;
	*path = end + 1;
	while (child != NULL && --number > 0)
		child = child->next;
	return child;
}

static const struct yaml_node *find(const struct yaml_node *root, const char *path)
{
	const struct yaml_node *node = root;

	while (node != NULL) {
		if (node->kind == YAML_KIND_MAPPING)
			node = child_by_key(node, &path);
		else if (node->kind == YAML_KIND_LIST && *path == '[')
			node = child_by_number(node, &path);
		else
			return NULL;
		if (*path == '\0')
			return node;
		if (*path == '.')
			path++;
	}
	return NULL;
}

// --- the places below ---

static size_t count(const struct yaml_node *node)
{
	size_t n = node->key != NULL ? 2 : 1;

	for (const struct yaml_node *child = node->first; child != NULL; child = child->next)
		n += count(child);
	return n;
}

static void collect(struct entry *entry, const struct yaml_node *node)
{
	entry->places[entry->n_places++] = node->place;
	if (node->key != NULL)
		entry->places[entry->n_places++] = node->key_place;
	for (const struct yaml_node *child = node->first; child != NULL; child = child->next)
		collect(entry, child);
}

static int compare_places(const void *a, const void *b)
{
	return cfg_place_order(*(const struct cfg_place *)a, *(const struct cfg_place *)b);
}

static void aim(struct entry *entry, const struct yaml_node *root, struct arena *arena)
{
	const struct yaml_node *node = find(root, entry->said->at);

	entry->is_there = node != NULL;
	if (node == NULL)
		return;
	entry->places = arena_alloc_array(arena, count(node), sizeof(entry->places[0]));
	if (entry->places == NULL)
		return;
	collect(entry, node);
	qsort(entry->places, entry->n_places, sizeof(entry->places[0]), compare_places);
}

// --- ids ---

static void find_doubt(struct entry *entry, struct report *report)
{
	struct suggestion suggestion = {.written = entry->said->id};
	char hint[64];

	for (unsigned i = 0; i < DOUBT_COUNT && !entry->is_known; i++) {
		entry->doubt = (enum doubt)i;
		entry->is_known = i != DOUBT_ACCEPTED_FOR_NOTHING &&
				  strcmp(doubt_kinds[i].id, entry->said->id) == 0;
		suggest_offer(&suggestion, doubt_kinds[i].id);
	}
	if (!entry->is_known)
		report_add(report, entry->said->place,
			"accept-warnings: there is no warning `%s` that could be accepted%s",
			entry->said->id, suggest_str(&suggestion, hint, sizeof(hint)));
}

// --- all of it ---

void accept_begin(struct report *report, const struct config *config, const struct yaml_node *root,
	struct arena *arena)
{
	struct accept *accept = arena_alloc(arena, sizeof(*accept));
	struct entry *entries = arena_alloc_array(arena, config->n_accepts, sizeof(*entries));

	if (accept == NULL || entries == NULL)
		return;
	*accept = (struct accept){entries, config->n_accepts};
	for (unsigned i = 0; i < accept->n; i++) {
		struct entry *entry = &entries[i];

		*entry = (struct entry){.said = &config->accepts[i], .is_there = true};
		if (entry->said->id != NULL)
			find_doubt(entry, report);
		if (entry->said->at != NULL)
			aim(entry, root, arena);
	}
	report->accept = accept;
}

bool accept_takes(struct accept *accept, struct cfg_place place, enum doubt doubt)
{
	bool is_taken = false;

	for (unsigned i = 0; i < accept->n; i++) {
		struct entry *entry = &accept->entries[i];

		if (!entry->is_known || !entry->is_there || entry->doubt != doubt ||
			(entry->said->at != NULL &&
				(entry->places == NULL ||
					bsearch(&place, entry->places, entry->n_places,
						sizeof(place), compare_places) == NULL)))
			continue;
		entry->is_used = is_taken = true;
	}
	return is_taken;
}

void accept_end(struct report *report)
{
	struct accept *accept = report->accept;

	report->accept = NULL; // what follows is not for its own entries
	for (unsigned i = 0; accept != NULL && i < accept->n; i++) {
		const struct entry *entry = &accept->entries[i];
		const struct cfg_accept *said = entry->said;

		if (entry->is_used)
			continue;
		if (!entry->is_there)
			report_warn(report, said->place, DOUBT_ACCEPTED_FOR_NOTHING,
				"accept-warnings: there is no `%s` in this config", said->at);
		else
			report_warn(report, said->place, DOUBT_ACCEPTED_FOR_NOTHING,
				"accept-warnings: `%s` is not warned of%s%s", said->id,
				said->at != NULL ? " at " : "", said->at != NULL ? said->at : "");
	}
}
