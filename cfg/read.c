// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cfg/model.h"
#include "cfg/suggest.h"
#include "cfg/value.h"

// Where the reader is, for messages: "port wan: match: ".
struct scope {
	const struct scope *parent;
	const char *noun;
	const char *name; // or NULL
};

struct reader {
	struct arena *arena;
	struct report *report;
};

enum { SCOPE_BYTES = 200 };

static size_t scope_str(const struct scope *scope, char *out, size_t out_bytes)
{
	char shown[REPORT_SHOWN_BYTES];
	size_t len = 0;

	if (scope == NULL || scope->noun[0] == '\0') {
		out[0] = '\0';
		return 0;
	}
	len = scope_str(scope->parent, out, out_bytes);
	len += (size_t)snprintf(out + len, out_bytes - len, "%s%s%s: ", scope->noun,
		scope->name != NULL ? " " : "",
		scope->name != NULL ? report_shown(scope->name, shown) : "");
	return len < out_bytes ? len : out_bytes - 1;
}

__attribute__((format(printf, 4, 5))) static void complain(
	struct reader *r, const struct scope *scope, struct cfg_place place, const char *fmt, ...)
{
	char where[SCOPE_BYTES];
	struct error text;
	va_list ap;

	scope_str(scope, where, sizeof(where));
	va_start(ap, fmt);
	vsnprintf(text.text, sizeof(text.text), fmt, ap);
	va_end(ap);
	report_add(r->report, place, "%s%s", where, text.text);
}

static const char *kind_name(const struct yaml_node *node)
{
	if (node->kind == YAML_KIND_LIST)
		return "a list";
	if (node->kind == YAML_KIND_MAPPING)
		return "a mapping";
	return yaml_tree_is_empty(node) ? "nothing" : "a single value";
}

static void read_scalar(struct reader *r, const struct scope *scope, const struct model_key *key,
	struct yaml_node *node, void *out)
{
	char expected[VALUE_EXPECTED_BYTES];
	struct error err;

	if (node->is_bad)
		return;
	if (node->kind != YAML_KIND_SCALAR || yaml_tree_is_empty(node)) {
		complain(r, scope, node->place, "`%s`: expected %s, got %s", key->key,
			value_expected(key, expected), kind_name(node));
		node->is_bad = true;
		return;
	}
	if (value_read(key, node->text, r->arena, out, &err) != 0) {
		complain(r, scope, node->place, "`%s`: %s", key->key, err.text);
		node->is_bad = true;
	}
}

// One value or a list of them.
static void read_values(struct reader *r, const struct scope *scope, const struct model_key *key,
	struct yaml_node *node, char *base)
{
	size_t stride = key->stride != 0 ? key->stride : key->bytes;
	char *array = base + key->offset;
	struct yaml_node *item = NULL;
	unsigned n = 0;

	if (node->is_bad)
		return;
	if (node->kind == YAML_KIND_MAPPING || yaml_tree_is_empty(node)) {
		char expected[VALUE_EXPECTED_BYTES];

		complain(r, scope, node->place, "`%s`: expected %s, or a list of them, got %s",
			key->key, value_expected(key, expected), kind_name(node));
		node->is_bad = true;
		return;
	}
	if (node->kind == YAML_KIND_LIST && node->n_children == 0 && !key->may_be_empty) {
		complain(r, scope, node->place,
			"`%s`: an empty list says nothing: leave the key out", key->key);
		node->is_bad = true;
		return;
	}
	if (key->is_merged) {
		while ((item = yaml_tree_next_item(node, item)) != NULL)
			read_scalar(r, scope, key, item, array);
		return;
	}
	if (key->is_pointer) {
		array = arena_alloc_array(
			r->arena, node->kind == YAML_KIND_LIST ? node->n_children : 1, stride);
		if (array == NULL)
			return;
		*(char **)(base + key->offset) = array;
	}
	while ((item = yaml_tree_next_item(node, item)) != NULL) {
		if (n == key->n_max) {
			complain(r, scope, item->place, "`%s`: more than %u are not supported",
				key->key, key->n_max);
			break;
		}
		read_scalar(r, scope, key, item, array + n * stride);
		n++;
	}
	*(unsigned *)(base + key->count_offset) = n;
}

static const char *list_keys(const struct model_object *object, char *out, size_t out_bytes)
{
	size_t len = 0;

	for (const struct model_key *k = object->keys; k->key != NULL && len < out_bytes; k++)
		len += (size_t)snprintf(
			out + len, out_bytes - len, "%s%s", k == object->keys ? "" : ", ", k->key);
	return out;
}

static const struct model_key *find_key(const struct model_object *object, const char *name)
{
	for (const struct model_key *key = object->keys; key->key != NULL; key++) {
		if (strcmp(key->key, name) == 0)
			return key;
	}
	return NULL;
}

// Says so, and gives the key that was meant when that is plain and not there as well.
static const struct model_key *complain_unknown(struct reader *r, const struct scope *scope,
	const struct model_object *object, const struct yaml_node *mapping,
	const struct yaml_node *child)
{
	struct suggestion suggestion = {.written = child->key};
	char shown[REPORT_SHOWN_BYTES], known[240], hint[64];

	for (const struct model_key *key = object->keys; key->key != NULL; key++)
		suggest_offer(&suggestion, key->key);
	report_shown(child->key, shown);
	if (suggestion.best == NULL) {
		complain(r, scope, child->key_place, "unknown key `%s`, expected one of %s", shown,
			list_keys(object, known, sizeof(known)));
		return NULL;
	}
	complain(r, scope, child->key_place, "unknown key `%s`%s", shown,
		suggest_str(&suggestion, hint, sizeof(hint)));
	// the search takes its time in a mapping of a million keys; no-one reads that many errors
	if (r->report->n == CFG_ERRORS_MAX || yaml_tree_get(mapping, suggestion.best) != NULL)
		return NULL;
	return find_key(object, suggestion.best);
}

static void read_object(struct reader *r, const struct scope *scope,
	const struct model_object *object, struct yaml_node *node, struct cfg_place place,
	char *base);

static bool is_reserved(const struct model_object *object, const char *name)
{
	if (object->reserved_names == NULL)
		return false;
	for (const char *const *reserved = object->reserved_names; *reserved != NULL; reserved++) {
		if (strcmp(*reserved, name) == 0)
			return true;
	}
	return false;
}

static void read_name(struct reader *r, const struct model_object *object,
	const struct yaml_node *child, const char **out)
{
	struct model_key name_key = {.key = "name", .type = MODEL_NAME, .max = object->name_max};
	struct error err;

	if (value_read(&name_key, child->key, r->arena, out, &err) != 0)
		report_add(r->report, child->key_place, "%s name: %s", object->noun, err.text);
	else if (is_reserved(object, child->key))
		report_add(r->report, child->key_place, "%s name: `%s` is taken: %s", object->noun,
			child->key, object->reserved_because);
}

// The model's own defaults are read as if they had been written. Those of a group are in the same
// struct, so they are set even if the group is not there.
static void set_defaults(struct reader *r, const struct model_object *object, char *base)
{
	for (const struct model_key *key = object->keys; key->key != NULL; key++) {
		if (key->type == MODEL_GROUP)
			set_defaults(r, key->object, base + key->offset);
		else if (key->default_text != NULL)
			value_read(key, key->default_text, r->arena, base + key->offset, NULL);
	}
}

// A mapping of names to objects, or a list of objects.
static void read_objects(struct reader *r, const struct scope *scope, const struct model_key *key,
	struct yaml_node *node, char *base)
{
	const struct model_object *object = key->object;
	bool is_named = key->type == MODEL_NAMED;
	unsigned n = 0;
	char *array;

	if (node->is_bad || yaml_tree_is_empty(node))
		return;
	if (node->kind != (is_named ? YAML_KIND_MAPPING : YAML_KIND_LIST)) {
		complain(r, scope, node->place,
			is_named ? "`%s`: expected a mapping, each key the name of one %s, got %s"
				 : "`%s`: expected a list, each item one %s after a `-`, got %s",
			key->key, object->noun, kind_name(node));
		node->is_bad = true;
		return;
	}
	array = arena_alloc_array(r->arena,
		node->n_children < key->n_max ? node->n_children : key->n_max, object->bytes);
	if (array == NULL)
		return;
	for (struct yaml_node *child = node->first; child != NULL; child = child->next) {
		struct scope inner = {scope, object->noun, is_named ? child->key : NULL};
		struct cfg_place place = is_named ? child->key_place : child->place;
		char *element = array + n * object->bytes;

		if (n == key->n_max) {
			complain(r, scope, place, "`%s`: more than %u are not supported", key->key,
				key->n_max);
			break;
		}
		if (is_named)
			read_name(r, object, child, (const char **)(element + object->name_offset));
		*(struct cfg_place *)(element + object->place_offset) = place;
		set_defaults(r, object, element);
		read_object(r, &inner, object, child, place, element);
		n++;
	}
	*(char **)(base + key->offset) = array;
	*(unsigned *)(base + key->count_offset) = n;
}

static bool is_word(const struct yaml_node *node, const char *one, const char *other)
{
	return node->kind == YAML_KIND_SCALAR && !node->is_bad &&
	       (strcmp(node->text, one) == 0 || strcmp(node->text, other) == 0);
}

static void read_key(struct reader *r, const struct scope *scope, const struct model_key *key,
	struct yaml_node *node, char *base)
{
	bool may_be_yes = key->type == MODEL_GROUP && key->object->may_be_yes;

	if (may_be_yes && is_word(node, "yes", "true")) {
		*(bool *)(base + key->has_offset) = true;
	} else if (may_be_yes && is_word(node, "no", "false")) {
		return;
	} else if (key->type == MODEL_GROUP) {
		struct scope inner = {scope, key->object->noun, NULL};

		read_object(r, &inner, key->object, node, node->key_place, base + key->offset);
		if (key->has_offset != 0)
			*(bool *)(base + key->has_offset) = true;
	} else if (key->type == MODEL_NAMED || key->type == MODEL_LIST) {
		read_objects(r, scope, key, node, base);
	} else if (key->n_max != 0 || key->is_merged) {
		read_values(r, scope, key, node, base);
	} else {
		read_scalar(r, scope, key, node, base + key->offset);
		if (key->has_offset != 0 && !node->is_bad)
			*(bool *)(base + key->has_offset) = true;
	}
}

static void set_said(const struct model_object *object, const struct model_key *key, char *base)
{
	*(uint64_t *)(base + object->said_offset) |= UINT64_C(1) << (key - object->keys);
}

static void check_keys_present(struct reader *r, const struct scope *scope,
	const struct model_object *object, const struct yaml_node *node, struct cfg_place place)
{
	for (const struct model_key *key = object->keys; key->key != NULL; key++) {
		if (key->is_required && yaml_tree_get(node, key->key) == NULL)
			complain(r, scope, place, "`%s` is missing: %s", key->key, key->help);
	}
	if (object->wants_exactly_one && node->n_children != 1) {
		char known[128];

		complain(r, scope, place, "expected exactly one of %s, got %u",
			list_keys(object, known, sizeof(known)), node->n_children);
	}
}

static void read_object(struct reader *r, const struct scope *scope,
	const struct model_object *object, struct yaml_node *node, struct cfg_place place,
	char *base)
{
	if (object->is_bare) {
		read_key(r, scope, &object->keys[0], node, base);
		return;
	}
	if (node->is_bad)
		return;
	if (node->kind != YAML_KIND_MAPPING && !yaml_tree_is_empty(node)) {
		complain(r, scope, node->place,
			"expected a mapping of keys to values such as `%s: ...`, got %s",
			object->keys[0].key, kind_name(node));
		node->is_bad = true;
		return;
	}
	for (struct yaml_node *child = node->first; child != NULL; child = child->next) {
		const struct model_key *key = find_key(object, child->key);

		// a slip in a key neither hides what is wrong below it nor makes it missed
		if (key == NULL && (key = complain_unknown(r, scope, object, node, child)) != NULL)
			child->key = key->key;
		if (key == NULL)
			continue;
		set_said(object, key, base);
		read_key(r, scope, key, child, base);
	}
	check_keys_present(r, scope, object, node, place);
}

void read_config(
	struct yaml_node *root, struct arena *arena, struct report *report, struct config *config)
{
	struct reader r = {.arena = arena, .report = report};
	struct scope scope = {NULL, model_config.noun, NULL};

	if (!root->is_bad && root->n_children == 0 &&
		(root->kind == YAML_KIND_MAPPING || yaml_tree_is_empty(root))) {
		report_add(report, (struct cfg_place){1, 1},
			"the file says nothing: expected sections such as `ports:`");
		return;
	}
	set_defaults(&r, &model_config, (char *)config);
	read_object(&r, &scope, &model_config, root, root->place, (char *)config);
}
