// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/one_line.h"

#include <string.h>

#include "cfg/value_print.h"

static bool is_said(
	const struct model_object *object, const struct model_key *key, const char *base)
{
	return object->is_bare ||
	       (*(const uint64_t *)(base + object->said_offset) >> (key - object->keys) & 1);
}

size_t one_line_stride(const struct model_key *key)
{
	if (key->type == MODEL_LIST || key->type == MODEL_NAMED)
		return key->object->bytes;
	return key->stride != 0 ? key->stride : key->bytes;
}

const char *one_line_array(const struct model_key *key, const char *base, unsigned *n)
{
	bool is_pointer = key->is_pointer || key->type == MODEL_LIST || key->type == MODEL_NAMED;
	const char *at = base + key->offset;

	*n = *(const unsigned *)(base + key->count_offset);
	return is_pointer ? *(const char *const *)at : at;
}

static void print_values(const struct model_key *key, const char *base, struct text_out *out)
{
	unsigned n;
	const char *array = one_line_array(key, base, &n);

	if (n == 0 && key->none_text != NULL) {
		text_out_add(out, key->none_text);
	} else if (n == 1) {
		value_print(key, array, out);
	} else {
		text_out_add(out, "[");
		for (unsigned i = 0; i < n; i++) {
			text_out_add(out, i > 0 ? ", " : "");
			value_print(key, array + i * one_line_stride(key), out);
		}
		text_out_add(out, "]");
	}
}

void one_line_value(const struct model_key *key, const char *base, struct text_out *out)
{
	if (key->type == MODEL_GROUP)
		one_line_object(key->object, base + key->offset, out);
	else if (key->n_max != 0)
		print_values(key, base, out);
	else
		value_print(key, base + key->offset, out);
}

static bool is_default(const struct model_key *key, const char *base, struct text_out *out)
{
	size_t begin = out->n;
	bool is_equal;

	if (key->default_text == NULL)
		return false;
	one_line_value(key, base, out);
	is_equal = !out->is_exhausted && strcmp(out->bytes + begin, key->default_text) == 0;
	text_out_cut(out, begin);
	return is_equal;
}

static bool has_any(const struct model_object *object, const char *base, struct text_out *out)
{
	for (const struct model_key *key = object->keys; key->key != NULL; key++) {
		if (one_line_has(object, key, base, out))
			return true;
	}
	return false;
}

bool one_line_has(const struct model_object *object, const struct model_key *key, const char *base,
	struct text_out *out)
{
	unsigned n;

	if (key->type == MODEL_GROUP)
		return key->has_offset != 0 ? *(const bool *)(base + key->has_offset)
					    : is_said(object, key, base) &&
						      has_any(key->object, base + key->offset, out);
	if (key->type == MODEL_LIST || key->type == MODEL_NAMED) {
		one_line_array(key, base, &n);
		return n > 0;
	}
	if (!is_said(object, key, base))
		return false;
	if (key->n_max != 0) {
		one_line_array(key, base, &n);
		return n > 0 || key->may_be_empty || key->none_text != NULL;
	}
	return !is_default(key, base, out);
}

void one_line_object(const struct model_object *object, const char *base, struct text_out *out)
{
	const char *between = " ";

	if (object->is_bare) {
		one_line_value(&object->keys[0], base, out);
		return;
	}
	if (object->may_be_yes && !has_any(object, base, out)) {
		text_out_add(out, "yes");
		return;
	}
	text_out_add(out, "{");
	for (const struct model_key *key = object->keys; key->key != NULL; key++) {
		if (!one_line_has(object, key, base, out))
			continue;
		text_out_add(out, between);
		text_out_addf(out, "%s: ", key->key);
		one_line_value(key, base, out);
		between = ", ";
	}
	text_out_add(out, between[0] == ',' ? " }" : "}");
}

bool one_line_is_flat(const struct model_object *object)
{
	for (const struct model_key *key = object->keys; key->key != NULL; key++) {
		if (key->type == MODEL_LIST || key->type == MODEL_NAMED)
			return false;
		if (key->type == MODEL_GROUP && !one_line_is_flat(key->object))
			return false;
	}
	return true;
}
