// SPDX-License-Identifier: BSD-3-Clause
// Objects that are in several places, or have a name, are definitions; all else is where it is
// used.
#include "control/cli/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/model.h"
#include "control/cli/schema_value.h"

enum { OBJECTS_MAX = 64, NAME_BYTES = 64 };

struct definitions {
	json_t *all; // name to schema
	struct {
		const struct model_object *object;
		char name[NAME_BYTES];
	} known[OBJECTS_MAX];
	unsigned n;
};

static json_t *schema_object(struct definitions *d, const struct model_object *object);
static json_t *schema_key(struct definitions *d, const struct model_key *key);

// --- references ---

static const char *find_definition(const struct definitions *d, const struct model_object *object)
{
	for (unsigned i = 0; i < d->n; i++) {
		if (d->known[i].object == object)
			return d->known[i].name;
	}
	return NULL;
}

// Under its noun; several have the same one.
static const char *define(struct definitions *d, const struct model_object *object)
{
	char *name = d->known[d->n].name;

	snprintf(name, NAME_BYTES, "%s", object->noun);
	for (unsigned i = 2; json_object_get(d->all, name) != NULL; i++)
		snprintf(name, NAME_BYTES, "%s-%u", object->noun, i);
	for (char *c = name; *c != '\0'; c++) // a reference is a URI
		*c = *c == ' ' ? '-' : *c;
	d->known[d->n++].object = object;
	json_object_set_new(d->all, name, json_null()); // taken
	json_object_set_new(d->all, name,
		object->is_bare ? schema_key(d, &object->keys[0]) : schema_object(d, object));
	return name;
}

static json_t *reference(struct definitions *d, const struct model_object *object)
{
	const char *name = find_definition(d, object);

	if (name == NULL && d->n == OBJECTS_MAX)
		return schema_object(d, object);
	if (name == NULL)
		name = define(d, object);
	return json_pack("{s:o}", "$ref", json_sprintf("#/$defs/%s", name));
}

// --- keys ---

static json_t *schema_names(const struct model_object *object)
{
	json_t *names = schema_name(object->name_max);
	json_t *taken = json_array();

	if (object->reserved_names == NULL) {
		json_decref(taken);
		return names;
	}
	for (const char *const *name = object->reserved_names; *name != NULL; name++)
		json_array_append_new(taken, json_string(*name));
	json_object_set_new(names, "not", json_pack("{s:o}", "enum", taken));
	return names;
}

// A section that is empty is as good as none.
static json_t *schema_section(struct definitions *d, const struct model_key *key)
{
	json_t *schema;

	if (key->type == MODEL_NAMED)
		schema = json_pack("{s:[s,s], s:o, s:o}", "type", "object", "null", "propertyNames",
			schema_names(key->object), "additionalProperties",
			reference(d, key->object));
	else
		schema = json_pack("{s:[s,s], s:o}", "type", "array", "null", "items",
			reference(d, key->object));
	if (key->n_max != MODEL_N_ANY)
		json_object_set_new(schema, key->type == MODEL_NAMED ? "maxProperties" : "maxItems",
			json_integer(key->n_max));
	return schema;
}

// One value or a list of them.
static json_t *schema_values(const struct model_key *key)
{
	json_t *one = schema_value(key);
	json_t *list = json_pack("{s:s, s:O, s:i}", "type", "array", "items", one, "minItems",
		key->may_be_empty ? 0 : 1);

	if (key->n_max != 0 && key->n_max != MODEL_N_ANY)
		json_object_set_new(list, "maxItems", json_integer(key->n_max));
	return json_pack("{s:[o,o]}", "anyOf", one, list);
}

static json_t *default_value(const struct model_key *key)
{
	if (key->type == MODEL_WHOLE)
		return json_integer(strtoll(key->default_text, NULL, 10));
	if (key->type == MODEL_BOOL)
		return json_boolean(strcmp(key->default_text, "true") == 0);
	return json_string(key->default_text);
}

static json_t *schema_key(struct definitions *d, const struct model_key *key)
{
	json_t *schema;

	if (key->type == MODEL_GROUP && key->object->may_be_yes)
		schema = json_pack("{s:[{s:[b,b,s,s]}, o]}", "anyOf", "enum", true, false, "yes",
			"no", schema_object(d, key->object));
	else if (key->type == MODEL_GROUP)
		schema = schema_object(d, key->object);
	else if (key->type == MODEL_NAMED || key->type == MODEL_LIST)
		schema = schema_section(d, key);
	else if (key->n_max != 0 || key->is_merged)
		schema = schema_values(key);
	else
		schema = schema_value(key);
	json_object_set_new(schema, "description", json_string(key->help));
	if (key->default_text != NULL)
		json_object_set_new(schema, "default", default_value(key));
	return schema;
}

// --- keys that only go with some drivers ---

static const struct model_key *find_key(const struct model_object *object, const char *name)
{
	const struct model_key *key = object->keys;

	while (key->key != NULL && strcmp(key->key, name) != 0)
		key++;
	return key;
}

// Holds where `driver` is one of these; absent, it is its default.
static json_t *is_driver(uint32_t drivers)
{
	const struct model_key *key = find_key(&model_port, "driver");
	json_t *names = json_array();
	bool has_default = false;
	json_t *schema;

	for (const struct model_choice *c = model_drivers; c->name != NULL; c++) {
		if (!(drivers >> c->value & 1))
			continue;
		json_array_append_new(names, json_string(c->name));
		if (strcmp(c->name, "null") == 0)
			json_array_append_new(names, json_null());
		has_default |= strcmp(c->name, key->default_text) == 0;
	}
	schema = json_pack("{s:{s:{s:o}}}", "properties", key->key, "enum", names);
	if (!has_default)
		json_object_set_new(schema, "required", json_pack("[s]", key->key));
	return schema;
}

static void add_drivers(const struct model_object *object, json_t *schema)
{
	json_t *rules = json_array();

	for (const struct model_key *key = object->keys; key->key != NULL; key++) {
		if (key->required_for != 0)
			json_array_append_new(rules,
				json_pack("{s:o, s:{s:[s]}}", "if", is_driver(key->required_for),
					"then", "required", key->key));
		if (key->drivers != 0)
			json_array_append_new(
				rules, json_pack("{s:{s:[s]}, s:o}", "if", "required", key->key,
					       "then", is_driver(key->drivers)));
	}
	if (json_array_size(rules) > 0)
		json_object_set(schema, "allOf", rules);
	json_decref(rules);
}

// --- objects ---

static json_t *schema_object(struct definitions *d, const struct model_object *object)
{
	json_t *properties = json_object(), *required = json_array();
	json_t *schema;

	for (const struct model_key *key = object->keys; key->key != NULL; key++) {
		json_object_set_new(properties, key->key, schema_key(d, key));
		if (key->is_required)
			json_array_append_new(required, json_string(key->key));
	}
	schema = json_pack("{s:o, s:b, s:O}", "properties", properties, "additionalProperties",
		false, "required", required);
	if (json_array_size(required) > 0 || object->wants_exactly_one)
		json_object_set_new(schema, "type", json_string("object"));
	else
		json_object_set_new(schema, "type", json_pack("[s,s]", "object", "null"));
	json_decref(required);
	if (object->wants_exactly_one) {
		json_object_set_new(schema, "minProperties", json_integer(1));
		json_object_set_new(schema, "maxProperties", json_integer(1));
	}
	add_drivers(object, schema);
	return schema;
}

int do_schema(const struct cli *cli)
{
	struct definitions d = {.all = json_object()};
	json_t *schema;
	int rc;

	if (cli->n_words != 1) {
		json_decref(d.all);
		return cli_wrong_usage("one word too many:", cli->words[1]);
	}
	schema = schema_object(&d, &model_config);
	json_object_set_new(
		schema, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
	json_object_set_new(schema, "title", json_string("Millrace " MILLRACE_VERSION));
	json_object_set_new(schema, "$defs", d.all);
	rc = json_dumpf(schema, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
	putchar('\n');
	json_decref(schema);
	return rc == 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
