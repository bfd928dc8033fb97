// SPDX-License-Identifier: BSD-3-Clause
// Walks both configs at a time along the model. What is only in one of them is walked with NULL for
// the other.
#include "cfg/diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/text_out.h"
#include "cfg/model.h"
#include "cfg/one_line.h"
#include "cfg/sequence.h"
#include "cfg/value_print.h"

static const size_t ARENA_BYTES_MAX = (size_t)512 * 1024 * 1024;

// A list of values that is longer than this is compared value by value.
enum { VALUES_SHOWN_BYTES_MAX = 200 };

struct differ {
	struct cfg_changes *changes;
	unsigned room;
	struct arena *texts; // of sequences, while they are compared
	struct text_out path, line;
	bool is_exhausted;
};

// The two sides of what is compared; one may be NULL.
struct sides {
	const char *before, *after;
};

static const char *copy(struct differ *d, const char *text)
{
	return text != NULL ? arena_strdup(d->changes->arena, text) : NULL;
}

static void add_change(struct differ *d, enum cfg_change_kind kind, const char *path,
	const char *before, const char *after)
{
	struct cfg_changes *changes = d->changes;

	if (changes->n == d->room) {
		unsigned room = d->room == 0 ? 64 : d->room * 2;
		struct cfg_change *larger =
			reallocarray(changes->list, room, sizeof(*changes->list));

		d->is_exhausted |= larger == NULL;
		if (larger == NULL)
			return;
		changes->list = larger;
		d->room = room;
	}
	changes->list[changes->n++] = (struct cfg_change){
		.kind = kind,
		.path = copy(d, path),
		.before = copy(d, before),
		.after = copy(d, after),
	};
}

// At the path as it is.
static void add_here(struct differ *d, const char *before, const char *after)
{
	if (before == NULL && after == NULL)
		return;
	if (before == NULL)
		add_change(d, CFG_ADDED, d->path.bytes, NULL, after);
	else if (after == NULL)
		add_change(d, CFG_REMOVED, d->path.bytes, before, NULL);
	else if (strcmp(before, after) != 0)
		add_change(d, CFG_CHANGED, d->path.bytes, before, after);
}

// Returns what text_out_cut takes it back with.
static size_t push(struct differ *d, const char *segment)
{
	size_t before = d->path.n;

	text_out_add(&d->path, before > 0 ? "." : "");
	text_out_add(&d->path, segment);
	d->is_exhausted |= d->path.is_exhausted;
	return before;
}

// --- texts ---

// What was written to `line`, which is empty again; NULL without memory.
static const char *take_line(struct differ *d, struct arena *arena)
{
	const char *text =
		d->line.is_exhausted ? NULL : arena_strndup(arena, d->line.bytes, d->line.n);

	text_out_cut(&d->line, 0);
	d->is_exhausted |= text == NULL;
	return text;
}

// The value of a key in `base`, or NULL.
static const char *value_text(struct differ *d, const struct model_object *object,
	const struct model_key *key, const char *base)
{
	if (base == NULL || !one_line_has(object, key, base, &d->line))
		return NULL;
	one_line_value(key, base, &d->line);
	return take_line(d, d->texts);
}

// Each value, or each object, of an array on a line of its own.
static const char **array_texts(
	struct differ *d, const struct model_key *key, const char *base, unsigned *n)
{
	const char *array;
	const char **texts;

	*n = 0;
	if (base == NULL)
		return NULL;
	array = one_line_array(key, base, n);
	texts = arena_alloc_array(d->texts, *n, sizeof(*texts));
	d->is_exhausted |= texts == NULL;
	for (unsigned i = 0; i < *n && !d->is_exhausted; i++) {
		const char *item = array + i * one_line_stride(key);

		if (key->type == MODEL_LIST)
			one_line_object(key->object, item, &d->line);
		else
			value_print(key, item, &d->line);
		texts[i] = take_line(d, d->texts);
	}
	return texts;
}

// --- sequences ---

static void add_at(struct differ *d, unsigned index, const char *before, const char *after)
{
	size_t n = d->path.n;

	text_out_addf(&d->path, "[%u]", index + 1);
	add_here(d, before, after);
	text_out_cut(&d->path, n);
}

// What stands between two items that have stayed: the first of one side became the first of the
// other, and so on; then what is left over.
static void add_gap(struct differ *d, const char *const *before, unsigned i, unsigned end_before,
	const char *const *after, unsigned j, unsigned end_after)
{
	for (; i < end_before && j < end_after; i++, j++)
		add_at(d, j, before[i], after[j]);
	for (; i < end_before; i++)
		add_at(d, i, before[i], NULL);
	for (; j < end_after; j++)
		add_at(d, j, NULL, after[j]);
}

static void diff_arrays(struct differ *d, const struct model_key *key, struct sides sides)
{
	unsigned n_before, n_after, j = 0, first = 0;
	const char **before = array_texts(d, key, sides.before, &n_before);
	const char **after = array_texts(d, key, sides.after, &n_after);
	unsigned *match = arena_alloc_array(d->texts, n_before, sizeof(*match));

	d->is_exhausted |= match == NULL;
	if (d->is_exhausted)
		return;
	if (sequence_match(before, n_before, after, n_after, match) != 0) {
		d->is_exhausted = true;
		return;
	}
	for (unsigned i = 0; i < n_before; i++) {
		if (match[i] == SEQUENCE_NONE)
			continue;
		add_gap(d, before, first, i, after, j, match[i]);
		first = i + 1;
		j = match[i] + 1;
	}
	add_gap(d, before, first, n_before, after, j, n_after);
}

// --- things with a name ---

static void diff_object(struct differ *d, const struct model_object *object, struct sides sides);

struct named {
	const char *const *name; // in the struct that has it
	const char *element;
};

static int compare_names(const void *left, const void *right)
{
	const struct named *a = left, *b = right;

	return strcmp(*a->name, *b->name);
}

static struct named *index_names(
	struct differ *d, const struct model_key *key, const char *base, unsigned *n)
{
	const struct model_object *object = key->object;
	const char *array;
	struct named *names;

	*n = 0;
	if (base == NULL)
		return NULL;
	array = one_line_array(key, base, n);
	names = arena_alloc_array(d->texts, *n, sizeof(*names));
	d->is_exhausted |= names == NULL;
	for (unsigned i = 0; i < *n && names != NULL; i++) {
		const char *element = array + i * object->bytes;

		names[i] = (struct named){(const void *)(element + object->name_offset), element};
	}
	if (names != NULL && *n > 1)
		qsort(names, *n, sizeof(*names), compare_names);
	return names;
}

static const char *find_name(const struct named *names, unsigned n, const char *element,
	const struct model_object *object)
{
	struct named wanted = {(const void *)(element + object->name_offset), element};
	const struct named *found =
		n > 0 ? bsearch(&wanted, names, n, sizeof(*names), compare_names) : NULL;

	return found != NULL ? found->element : NULL;
}

// What is new or gone as a whole is one change, unless it holds rules, of which each is one.
static void diff_whole(struct differ *d, const struct model_object *object, struct sides sides)
{
	const char *one = sides.before != NULL ? sides.before : sides.after;
	bool is_flat = one_line_is_flat(object);
	const char *text;

	if (is_flat)
		one_line_object(object, one, &d->line);
	else
		text_out_add(&d->line, object->is_bare ? "[]" : "{}");
	text = take_line(d, d->texts);
	add_here(d, sides.before != NULL ? text : NULL, sides.after != NULL ? text : NULL);
	if (!is_flat)
		diff_object(d, object, sides);
}

static void diff_element(struct differ *d, const struct model_object *object, struct sides sides)
{
	const char *one = sides.before != NULL ? sides.before : sides.after;
	size_t n = push(d, *(const char *const *)(one + object->name_offset));

	if (sides.before != NULL && sides.after != NULL)
		diff_object(d, object, sides);
	else
		diff_whole(d, object, sides);
	text_out_cut(&d->path, n);
}

static void diff_named(struct differ *d, const struct model_key *key, struct sides sides)
{
	const struct model_object *object = key->object;
	unsigned n_before, n_after;
	struct named *before = index_names(d, key, sides.before, &n_before);
	struct named *after = index_names(d, key, sides.after, &n_after);

	for (unsigned i = 0; i < n_before && !d->is_exhausted; i++) {
		const char *element = before[i].element;

		diff_element(d, object,
			(struct sides){element, find_name(after, n_after, element, object)});
	}
	for (unsigned i = 0; i < n_after && !d->is_exhausted; i++) {
		const char *element = after[i].element;

		if (find_name(before, n_before, element, object) == NULL)
			diff_element(d, object, (struct sides){NULL, element});
	}
}

// --- keys ---

static const char *group_of(const struct model_key *key, const char *base)
{
	bool is_there =
		base != NULL && (key->has_offset == 0 || *(const bool *)(base + key->has_offset));

	return is_there ? base + key->offset : NULL;
}

static void diff_group(struct differ *d, const struct model_key *key, struct sides sides)
{
	struct sides groups = {group_of(key, sides.before), group_of(key, sides.after)};

	if (groups.before == NULL && groups.after == NULL)
		return;
	if (key->has_offset != 0 && (groups.before == NULL || groups.after == NULL))
		diff_whole(d, key->object, groups);
	else
		diff_object(d, key->object, groups);
}

static void diff_values(struct differ *d, const struct model_object *object,
	const struct model_key *key, struct sides sides)
{
	const char *before = value_text(d, object, key, sides.before);
	const char *after = value_text(d, object, key, sides.after);
	bool is_list = before != NULL && after != NULL && key->n_max != 0;

	if (d->is_exhausted)
		return;
	if (is_list && strlen(before) + strlen(after) > VALUES_SHOWN_BYTES_MAX)
		diff_arrays(d, key, sides);
	else if (sides.before == NULL || sides.after == NULL || before == after)
		add_here(d, before, after);
	else // who leaves a key out has its default
		add_here(d, before != NULL ? before : key->default_text,
			after != NULL ? after : key->default_text);
}

static void diff_object(struct differ *d, const struct model_object *object, struct sides sides)
{
	for (const struct model_key *key = object->keys; key->key != NULL && !d->is_exhausted;
		key++) {
		size_t n = object->is_bare ? d->path.n : push(d, key->key);

		if (key->type == MODEL_GROUP)
			diff_group(d, key, sides);
		else if (key->type == MODEL_NAMED)
			diff_named(d, key, sides);
		else if (key->type == MODEL_LIST)
			diff_arrays(d, key, sides);
		else
			diff_values(d, object, key, sides);
		text_out_cut(&d->path, n);
	}
}

int config_diff(const struct config *before, const struct config *after, struct cfg_changes *out)
{
	struct differ d = {.changes = out};
	struct sides sides = {(const char *)before, (const char *)after};

	*out = (struct cfg_changes){.arena = arena_new(ARENA_BYTES_MAX)};
	d.texts = arena_new(ARENA_BYTES_MAX);
	if (out->arena != NULL && d.texts != NULL)
		diff_object(&d, &model_config, sides);
	else
		d.is_exhausted = true;
	d.is_exhausted |= out->arena != NULL && arena_is_exhausted(out->arena);
	arena_free(d.texts);
	text_out_fini(&d.path);
	text_out_fini(&d.line);
	return d.is_exhausted ? -ENOMEM : 0;
}

void cfg_changes_free(struct cfg_changes *changes)
{
	free(changes->list);
	arena_free(changes->arena);
	*changes = (struct cfg_changes){0};
}
