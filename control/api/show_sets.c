// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/api/show_parts.h"
#include "control/text_line.h"

enum { COUNTS_AT_ONCE = 4 }; // of dataplane_timed_some

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

// --- how many entries one has, a part at a time ---

struct entry_count {
	uint32_t cursor;
	uint64_t n;
};

// False: all are counted.
static bool count_on(const struct router *router, uint16_t timed, struct entry_count *count)
{
	struct dp_timed_entry some[RPC_ROWS_MAX];
	bool is_more = true;

	for (unsigned i = 0, n; i < COUNTS_AT_ONCE && is_more; i++) {
		is_more = dataplane_timed_some(
			router->dp, timed, &count->cursor, some, RPC_ROWS_MAX, &n);
		count->n += n;
	}
	return is_more;
}

// --- all of them: places in the config in force, whichever that is by then ---

struct sets_walk {
	const struct router *router;
	unsigned at;
	struct entry_count count; // of the one at hand
};

static json_t *set_json(const struct router *router, const struct cfg_set *set, uint64_t n_entries)
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
		show_put_number(to, "entries", n_entries);
		show_put_number(to, "entries_max", set->capacity);
		show_put_number(to, "refused", router->bans.n_refused[timed]);
	}
	return to;
}

static void *begin_sets(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	struct sets_walk *walk;

	if (!show_read_nothing(params, failure))
		return NULL;
	walk = calloc(1, sizeof(*walk));
	if (walk != NULL)
		walk->router = ctx;
	return walk;
}

static bool next_sets(void *ctx, json_t *rows)
{
	struct sets_walk *walk = ctx;
	const struct router *router = walk->router;

	while (walk->at < router->config->n_sets && json_array_size(rows) < RPC_ROWS_MAX) {
		const struct cfg_set *set = &router->config->sets[walk->at];
		uint16_t timed = timed_sets_find(&router->bans.sets, set->name);

		if (timed != DP_INDEX_NONE && count_on(router, timed, &walk->count))
			return true;
		json_array_append_new(rows, set_json(router, set, walk->count.n));
		walk->count = (struct entry_count){0};
		walk->at++;
		if (timed != DP_INDEX_NONE)
			break; // counting it was a step
	}
	return walk->at < router->config->n_sets;
}

static json_t *end_sets(void *ctx)
{
	return json_object();
}

const struct rpc_walk show_sets = {"sets", NULL, begin_sets, next_sets, end_sets, free};

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

// The elements, then what is in it for a time: by name, for the config may be another one by then.
struct set_walk {
	const struct router *router;
	char name[CFG_NAME_MAX + 1];
	unsigned limit;
	uint32_t element; // the next
	bool is_in_entries;
	unsigned n_shown;	  // of these
	struct entry_count count; // of all of them
	// for a row's text
	char *text;
	size_t bytes;
	FILE *out;
};

static void free_set(void *ctx)
{
	struct set_walk *walk = ctx;

	if (walk->out != NULL)
		fclose(walk->out);
	free(walk->text);
	free(walk);
}

static void *begin_set(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"name", "limit", NULL};
	const struct cfg_set *set;
	struct set_walk *walk;
	unsigned limit;

	if (!show_check_keys(params, keys, failure) || !show_limit_of(params, &limit, failure))
		return NULL;
	set = show_read_set(ctx, params, failure);
	if (set == NULL)
		return NULL;
	walk = calloc(1, sizeof(*walk));
	if (walk == NULL)
		return NULL;
	walk->router = ctx;
	walk->limit = limit;
	snprintf(walk->name, sizeof(walk->name), "%s", set->name);
	walk->out = open_memstream(&walk->text, &walk->bytes);
	if (walk->out != NULL)
		return walk;
	free_set(walk);
	return NULL;
}

// Whether there are more.
static bool next_elements(struct set_walk *walk, const struct cfg_set *set, json_t *rows)
{
	const struct set_elements *from_file = set_files_find(&walk->router->firewall.files, set);
	uint32_t n = set->n_elements + (from_file == NULL ? 0 : from_file->n);

	n = n < walk->limit ? n : walk->limit;
	for (; walk->element < n && json_array_size(rows) < RPC_ROWS_MAX; walk->element++) {
		if (walk->element < set->n_elements)
			element_text_write(walk->out, set->kind, &set->elements[walk->element]);
		else
			write_file_element(walk->out, from_file, walk->element - set->n_elements);
		append_text(rows, walk->out, &walk->text);
	}
	return walk->element < n;
}

static bool next_entries(struct set_walk *walk, uint16_t timed, json_t *rows)
{
	struct dp_timed_entry entries[RPC_ROWS_MAX];
	char text[ADDR_STR_BYTES];
	bool is_more;
	unsigned n;

	if (walk->n_shown == walk->limit)
		return count_on(walk->router, timed, &walk->count);
	is_more = dataplane_timed_some(
		walk->router->dp, timed, &walk->count.cursor, entries, RPC_ROWS_MAX, &n);
	walk->count.n += n;
	for (unsigned i = 0; i < n && walk->n_shown < walk->limit; i++, walk->n_shown++) {
		json_t *to = json_object();

		show_put_text(to, "address", ip_prefix_str(&entries[i].prefix, text));
		show_put_left(to, "left_sec", entries[i].left_sec);
		json_array_append_new(rows, to);
	}
	return is_more;
}

static bool next_set(void *ctx, json_t *rows)
{
	struct set_walk *walk = ctx;
	const struct cfg_set *set = show_find_set(walk->router->config, walk->name);
	uint16_t timed = timed_sets_find(&walk->router->bans.sets, walk->name);

	if (set == NULL)
		return false;
	if (walk->is_in_entries)
		return timed != DP_INDEX_NONE && next_entries(walk, timed, rows);
	if (next_elements(walk, set, rows))
		return true;
	if (timed == DP_INDEX_NONE)
		return false;
	walk->is_in_entries = true;
	json_array_append_new(rows, json_null());
	return true;
}

static json_t *end_set(void *ctx)
{
	const struct set_walk *walk = ctx;
	const struct cfg_set *set = show_find_set(walk->router->config, walk->name);
	const struct set_elements *from_file;
	json_t *to = json_object();

	show_put_text(to, "name", walk->name);
	if (set == NULL) // another config came meanwhile
		return to;
	from_file = set_files_find(&walk->router->firewall.files, set);
	show_put_text(to, "kind", set_kind_text(set->kind));
	show_put_number(
		to, "elements_total", set->n_elements + (from_file == NULL ? 0 : from_file->n));
	if (walk->is_in_entries)
		show_put_number(to, "entries_total", walk->count.n);
	return to;
}

const struct rpc_walk show_set = {
	"elements", NULL, begin_set, next_set, end_set, free_set, "entries"};
