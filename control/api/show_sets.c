// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/api/show_parts.h"
#include "control/text_line.h"

const struct cfg_set *show_find_set(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->n_sets; i++)
		if (strcmp(config->sets[i].name, name) == 0)
			return &config->sets[i];
	return NULL;
}

const struct cfg_set *show_read_set(
	const struct router *router, const json_t *params, struct rpc_failure *failure)
{
	const char *name = json_string_value(json_object_get(params, "name"));
	const struct cfg_set *set = name == NULL ? NULL : show_find_set(router->config, name);

	if (name == NULL)
		rpc_fail(failure, RPC_INVALID_PARAMS, "'name' is missing: which set?");
	else if (set == NULL)
		rpc_fail(failure, RPC_INVALID_PARAMS, "there is no set '%.64s'", name);
	return set;
}

// --- all of them ---

static uint64_t count_entries(const struct router *router, uint16_t timed)
{
	struct dp_timed_entry entry;
	uint32_t cursor = 0;
	uint64_t n = 0;

	while (dataplane_timed_next(router->dp, timed, &cursor, &entry))
		n++;
	return n;
}

static json_t *set_json(const struct router *router, const struct cfg_set *set)
{
	const struct set_elements *from_file = set_files_find(&router->firewall.files, set);
	uint16_t timed = timed_sets_find(&router->bans.sets, set->name);
	json_t *to = json_object();

	show_put_text(to, "name", set->name);
	show_put_text(to, "kind", set_kind_text(set->kind));
	show_put_number(to, "elements", set->n_elements);
	if (from_file != NULL) {
		show_put_text(to, "file", set->file);
		show_put_number(to, "file_elements", from_file->n);
	}
	if (timed != DP_INDEX_NONE) {
		show_put_number(to, "timeout_sec", set->timeout_sec);
		show_put_number(to, "entries", count_entries(router, timed));
		show_put_number(to, "entries_max", set->capacity);
		show_put_number(to, "refused", router->bans.n_refused[timed]);
	}
	return to;
}

json_t *show_sets(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	json_t *list;

	if (!show_read_nothing(params, failure))
		return NULL;
	list = json_array();
	for (unsigned i = 0; i < router->config->n_sets; i++)
		json_array_append_new(list, set_json(router, &router->config->sets[i]));
	return json_pack("{s:o}", "sets", list);
}

// --- one of them ---

// The i-th of the file's, as an element of the config would be.
static void write_file_element(FILE *out, const struct set_elements *elements, uint32_t i)
{
	struct cfg_element element = {0};
	char text[ADDR_STR_BYTES];

	switch (elements->kind) {
	case CFG_SET_ADDRESSES:
		fputs(ip_prefix_str(&elements->prefixes[i], text), out);
		return;
	case CFG_SET_MACS:
		element.mac = elements->macs[i];
		break;
	case CFG_SET_INTERFACES:
		element.interface = elements->names[i].text;
		break;
	case CFG_SET_PORTS:
	case CFG_SET_ICMP:
	case CFG_SET_ICMP6:
	case CFG_SET_PROTOCOLS:
		element.numbers.first = elements->ranges[i].first;
		element.numbers.last = elements->ranges[i].last;
		break;
	}
	element_text_write(out, elements->kind, &element);
}

// Appends what has been written to `out` since it was last rewound.
static void append_text(json_t *list, FILE *out, char *const *text)
{
	fputc('\0', out);
	if (fflush(out) == 0)
		json_array_append_new(list, json_string(*text));
	rewind(out);
}

static json_t *elements_json(const struct router *router, const struct cfg_set *set, unsigned limit)
{
	const struct set_elements *from_file = set_files_find(&router->firewall.files, set);
	json_t *list = json_array();
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	for (unsigned i = 0; out != NULL && i < set->n_elements && json_array_size(list) < limit;
		i++) {
		element_text_write(out, set->kind, &set->elements[i]);
		append_text(list, out, &text);
	}
	for (uint32_t i = 0; out != NULL && from_file != NULL && i < from_file->n &&
			     json_array_size(list) < limit;
		i++) {
		write_file_element(out, from_file, i);
		append_text(list, out, &text);
	}
	if (out != NULL)
		fclose(out);
	free(text);
	return list;
}

static json_t *entries_json(const struct router *router, uint16_t timed, unsigned limit)
{
	struct dp_timed_entry entry;
	json_t *list = json_array();
	uint32_t cursor = 0;
	char text[ADDR_STR_BYTES];

	while (json_array_size(list) < limit &&
		dataplane_timed_next(router->dp, timed, &cursor, &entry)) {
		json_t *to = json_object();

		show_put_text(to, "address", ip_prefix_str(&entry.prefix, text));
		show_put_left(to, "left_sec", entry.left_sec);
		json_array_append_new(list, to);
	}
	return list;
}

json_t *show_set(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"name", "limit", NULL};
	const struct router *router = ctx;
	const struct cfg_set *set;
	const struct set_elements *from_file;
	uint16_t timed;
	unsigned limit;
	json_t *to;

	if (!show_check_keys(params, keys, failure) || !show_limit_of(params, &limit, failure))
		return NULL;
	set = show_read_set(router, params, failure);
	if (set == NULL)
		return NULL;
	from_file = set_files_find(&router->firewall.files, set);
	timed = timed_sets_find(&router->bans.sets, set->name);
	to = json_object();
	show_put_text(to, "name", set->name);
	show_put_text(to, "kind", set_kind_text(set->kind));
	json_object_set_new(to, "elements", elements_json(router, set, limit));
	show_put_number(
		to, "elements_total", set->n_elements + (from_file == NULL ? 0 : from_file->n));
	if (timed != DP_INDEX_NONE) {
		json_object_set_new(to, "entries", entries_json(router, timed, limit));
		show_put_number(to, "entries_total", count_entries(router, timed));
	}
	return to;
}
