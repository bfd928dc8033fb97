// SPDX-License-Identifier: BSD-3-Clause
// What fits on a line is on one; what does not has a line for each of its keys or values.
#include "cfg/print.h"

#include "cfg/base/text_out.h"
#include "cfg/model.h"
#include "cfg/one_line.h"
#include "cfg/value_print.h"

enum { LINE_MAX = 96, INDENT = 2 };

struct printer {
	struct text_out out;
	size_t line; // where the last one begins
};

static void begin_line(struct printer *p, unsigned indent)
{
	if (p->out.n > 0)
		text_out_add(&p->out, "\n");
	p->line = p->out.n;
	text_out_addf(&p->out, "%*s", (int)indent, "");
}

// Keeps what was added since `begin`, or takes it back when the line is too long.
static bool keep(struct printer *p, size_t begin)
{
	bool fits = p->out.n - p->line <= LINE_MAX;

	if (!fits)
		text_out_cut(&p->out, begin);
	return fits;
}

static void print_key(
	struct printer *p, const struct model_key *key, const char *base, unsigned indent);

// One line a key. Of an item, the first one is on the line that is there.
static void print_keys(struct printer *p, const struct model_object *object, const char *base,
	unsigned indent, bool is_item)
{
	for (const struct model_key *key = object->keys; key->key != NULL; key++) {
		if (!one_line_has(object, key, base, &p->out))
			continue;
		if (!is_item)
			begin_line(p, indent);
		is_item = false;
		text_out_addf(&p->out, "%s:", key->key);
		print_key(p, key, base, indent);
	}
}

// What stands after the name of an object, or after the key of a group.
static void print_object(
	struct printer *p, const struct model_object *object, const char *base, unsigned indent)
{
	size_t begin = p->out.n;

	if (one_line_is_flat(object)) {
		text_out_add(&p->out, " ");
		one_line_object(object, base, &p->out);
		if (keep(p, begin))
			return;
	}
	print_keys(p, object, base, indent + INDENT, false);
	if (p->out.n == begin)
		text_out_add(&p->out, " {}");
}

static void print_values(
	struct printer *p, const struct model_key *key, const char *base, unsigned indent)
{
	size_t begin = p->out.n;
	const char *array;
	unsigned n = 0;

	text_out_add(&p->out, " ");
	one_line_value(key, base, &p->out);
	if (key->n_max == 0)
		return;
	array = one_line_array(key, base, &n);
	if (n < 2 || keep(p, begin))
		return;
	for (unsigned i = 0; i < n; i++) {
		begin_line(p, indent + INDENT);
		text_out_add(&p->out, "- ");
		value_print(key, array + i * one_line_stride(key), &p->out);
	}
}

static void print_items(
	struct printer *p, const struct model_key *key, const char *base, unsigned indent)
{
	unsigned n;
	const char *array = one_line_array(key, base, &n);

	if (n == 0)
		text_out_add(&p->out, " []");
	for (unsigned i = 0; i < n; i++) {
		const char *item = array + i * key->object->bytes;
		size_t begin;

		begin_line(p, indent + INDENT);
		text_out_add(&p->out, "- ");
		begin = p->out.n;
		if (one_line_is_flat(key->object))
			one_line_object(key->object, item, &p->out);
		if (p->out.n == begin || !keep(p, begin))
			print_keys(p, key->object, item, indent + 2 * INDENT, true);
	}
}

static void print_named(
	struct printer *p, const struct model_key *key, const char *base, unsigned indent)
{
	const struct model_object *object = key->object;
	unsigned n;
	const char *array = one_line_array(key, base, &n);

	for (unsigned i = 0; i < n; i++) {
		const char *element = array + i * object->bytes;

		begin_line(p, indent + INDENT);
		value_print_text(*(const char *const *)(element + object->name_offset), &p->out);
		text_out_add(&p->out, ":");
		if (object->is_bare)
			print_key(p, &object->keys[0], element, indent + INDENT);
		else
			print_object(p, object, element, indent + INDENT);
	}
}

static void print_key(
	struct printer *p, const struct model_key *key, const char *base, unsigned indent)
{
	if (key->type == MODEL_GROUP)
		print_object(p, key->object, base + key->offset, indent);
	else if (key->type == MODEL_NAMED)
		print_named(p, key, base, indent);
	else if (key->type == MODEL_LIST)
		print_items(p, key, base, indent);
	else
		print_values(p, key, base, indent);
}

// A file must say something, even if it is nothing.
static void print_empty(struct printer *p)
{
	const struct model_key *key = model_config.keys;

	while (key->type != MODEL_NAMED)
		key++;
	text_out_addf(&p->out, "%s: {}", key->key);
}

char *config_print(const struct config *config, size_t *bytes)
{
	struct printer p = {0};

	print_keys(&p, &model_config, (const char *)config, 0, false);
	if (p.out.n == 0)
		print_empty(&p);
	text_out_add(&p.out, "\n");
	if (p.out.is_exhausted) {
		text_out_fini(&p.out);
		return NULL;
	}
	*bytes = p.out.n;
	return p.out.bytes;
}
