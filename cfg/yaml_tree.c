// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/yaml_tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct builder {
	yaml_parser_t parser;
	struct arena *arena;
	struct report *report;
	const char *text;
	size_t text_bytes;
	unsigned file;
	unsigned n_nodes;
};

static struct cfg_place place_of(const struct builder *b, yaml_mark_t mark)
{
	return (struct cfg_place){(int)mark.line + 1, (int)mark.column + 1, b->file};
}

static struct cfg_place whole_file(const struct builder *b)
{
	return (struct cfg_place){.file = b->file};
}

// Columns count characters, so UTF-8's continuation bytes do not.
static bool starts_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static struct cfg_place place_of_offset(const struct builder *b, size_t offset)
{
	struct cfg_place place = {1, 1, b->file};

	for (size_t i = 0; i < offset && i < b->text_bytes; i++) {
		if (b->text[i] == '\n') {
			place.line++;
			place.column = 1;
		} else if (starts_character(b->text[i])) {
			place.column++;
		}
	}
	return place;
}

static char character_at(const struct builder *b, size_t index)
{
	for (size_t i = 0; i < b->text_bytes; i++) {
		if (starts_character(b->text[i]) && index-- == 0)
			return b->text[i];
	}
	return '\0';
}

// What people trip over most, in words that help more than the parser's.
static const char *syntax_hint(const struct builder *b)
{
	const char *context = b->parser.context != NULL ? b->parser.context : "";
	char c = character_at(b, b->parser.problem_mark.index);
	bool starts_nothing = strstr(b->parser.problem, "cannot start any token") != NULL;

	if (c == '@' && starts_nothing)
		return "; the name of a set needs no `@`, other text goes in quotes";
	if (c == '\t' && starts_nothing)
		return "; a tab cannot indent, use spaces";
	if (strstr(b->parser.problem, "unexpected ':'") != NULL ||
		(c == ':' && strstr(context, "flow") != NULL))
		return "; within { } or [ ] put IPv6 addresses that begin or end with `:` in "
		       "quotes";
	if (starts_nothing)
		return "; put text that begins with this character in quotes";
	return "";
}

static void report_syntax(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;

	if (p->error == YAML_MEMORY_ERROR) {
		report_add(b->report, whole_file(b), "not enough memory to read it");
		return;
	}
	if (p->error == YAML_READER_ERROR) {
		// either not UTF-8 or a character that YAML does not have
		report_add(b->report, place_of_offset(b, p->problem_offset),
			"not a text in UTF-8: %s (byte 0x%02x)", p->problem,
			p->problem_offset < b->text_bytes
				? (unsigned char)b->text[p->problem_offset]
				: 0);
		return;
	}
	if (p->context != NULL && p->context_mark.line != p->problem_mark.line)
		report_add(b->report, place_of(b, p->problem_mark),
			"not YAML: %s %s from line %d%s", p->problem, p->context,
			(int)p->context_mark.line + 1, syntax_hint(b));
	else
		report_add(b->report, place_of(b, p->problem_mark), "not YAML: %s%s%s%s",
			p->problem, p->context != NULL ? " " : "",
			p->context != NULL ? p->context : "", syntax_hint(b));
}

static bool next_event(struct builder *b, yaml_event_t *event)
{
	if (yaml_parser_parse(&b->parser, event))
		return true;
	report_syntax(b);
	return false;
}

static int compare_keys(const void *left, const void *right)
{
	const struct yaml_node *a = *(struct yaml_node *const *)left;
	const struct yaml_node *b = *(struct yaml_node *const *)right;
	int order = strcmp(a->key, b->key);

	if (order != 0)
		return order;
	return cfg_place_order(a->key_place, b->key_place);
}

void yaml_tree_report_second(
	struct report *report, const struct yaml_node *second, const struct yaml_node *first)
{
	char shown[REPORT_SHOWN_BYTES], line[REPORT_LINE_BYTES];

	report_add(report, second->key_place, "`%s` is here a second time, the first is on %s",
		report_shown(first->key, shown),
		report_line(report, second->key_place, first->key_place, line));
}

// Sorted, because a mapping may have as many keys as the file has room for.
void yaml_tree_drop_duplicates(
	struct yaml_node *mapping, struct arena *arena, struct report *report)
{
	const struct yaml_node *original = NULL;
	struct yaml_node **sorted;
	unsigned n = 0;

	if (mapping->n_children < 2)
		return;
	sorted = arena_alloc_array(arena, mapping->n_children, sizeof(struct yaml_node *));
	if (sorted == NULL)
		return;
	for (struct yaml_node *child = mapping->first; child != NULL; child = child->next)
		sorted[n++] = child;
	qsort(sorted, n, sizeof(struct yaml_node *), compare_keys);

	original = sorted[0];
	for (unsigned i = 1; i < n; i++) {
		if (strcmp(sorted[i]->key, original->key) != 0) {
			original = sorted[i];
			continue;
		}
		yaml_tree_report_second(report, sorted[i], original);
		sorted[i]->key = NULL;
	}
	for (struct yaml_node **link = &mapping->first; *link != NULL;) {
		if ((*link)->key != NULL) {
			link = &(*link)->next;
			continue;
		}
		*link = (*link)->next;
		mapping->n_children--;
	}
}

static void refuse_anchor_and_tag(struct builder *b, const yaml_event_t *event,
	const yaml_char_t *anchor, const yaml_char_t *tag)
{
	static const char yaml_tags[] = "tag:yaml.org,2002:"; // written `!!`
	char shown[REPORT_SHOWN_BYTES];
	const char *tag_text = (const char *)tag;

	if (anchor != NULL)
		report_add(b->report, place_of(b, event->start_mark),
			"anchors are not supported: remove `&%s` and write the value where it is "
			"used",
			report_shown((const char *)anchor, shown));
	if (tag_text == NULL)
		return;

	bool is_yaml = strncmp(tag_text, yaml_tags, sizeof(yaml_tags) - 1) == 0;

	report_add(b->report, place_of(b, event->start_mark),
		"tags are not supported: remove `%s%s`%s", is_yaml ? "!!" : "",
		report_shown(is_yaml ? tag_text + sizeof(yaml_tags) - 1 : tag_text, shown),
		is_yaml ? "" : ", or write `not ...` for all but that");
}

static bool build_scalar(struct builder *b, const yaml_event_t *event, struct yaml_node *node)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;

	refuse_anchor_and_tag(b, event, event->data.scalar.anchor, event->data.scalar.tag);
	node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->is_bad = event->data.scalar.tag != NULL; // it may have been meant as text
	if (memchr(text, '\0', len) != NULL) {
		report_add(b->report, node->place, "a text cannot have a NUL character in it");
		node->is_bad = true;
		len = 0;
	}
	node->text = arena_strndup(b->arena, text, len);
	return node->text != NULL;
}

static struct yaml_node *build(struct builder *b, const yaml_event_t *event, unsigned depth);

static bool build_list(struct builder *b, struct yaml_node *list, unsigned depth)
{
	struct yaml_node **tail = &list->first;

	for (;;) {
		yaml_event_t event;

		if (!next_event(b, &event))
			return false;
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return true;
		}
		*tail = build(b, &event, depth);
		yaml_event_delete(&event);
		if (*tail == NULL)
			return false;
		tail = &(*tail)->next;
		list->n_children++;
	}
}

// Whether `key` can be one; says why not.
static bool check_key(struct builder *b, const struct yaml_node *key)
{
	if (key->is_bad)
		return false;
	if (key->kind != YAML_KIND_SCALAR) {
		report_add(b->report, key->place, "a key must be a word, not a list or a mapping");
		return false;
	}
	if (!key->is_quoted && strcmp(key->text, "<<") == 0) {
		report_add(b->report, key->place,
			"merge keys (`<<`) are not supported: write the keys out");
		return false;
	}
	if (key->text[0] == '\0') {
		report_add(b->report, key->place, "a key is missing before this `:`");
		return false;
	}
	return true;
}

static bool build_mapping(struct builder *b, struct yaml_node *mapping, unsigned depth)
{
	struct yaml_node **tail = &mapping->first;

	for (;;) {
		struct yaml_node *key, *value;
		yaml_event_t event;

		if (!next_event(b, &event))
			return false;
		if (event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			yaml_tree_drop_duplicates(mapping, b->arena, b->report);
			return true;
		}
		key = build(b, &event, depth);
		yaml_event_delete(&event);
		if (key == NULL || !next_event(b, &event))
			return false;
		value = build(b, &event, depth);
		yaml_event_delete(&event);
		if (value == NULL)
			return false;
		if (!check_key(b, key))
			continue;
		value->key = key->text;
		value->key_place = key->place;
		*tail = value;
		tail = &value->next;
		mapping->n_children++;
	}
}

// The node that begins with `event`, or NULL when there is no going on: reported, unless it was
// for want of memory, which the arena knows.
static struct yaml_node *build(struct builder *b, const yaml_event_t *event, unsigned depth)
{
	struct cfg_place place = place_of(b, event->start_mark);
	struct yaml_node *node;

	if (b->n_nodes++ == YAML_TREE_NODES_MAX) {
		report_add(b->report, place, "more than %d values: reading stops here",
			YAML_TREE_NODES_MAX);
		return NULL;
	}
	node = arena_alloc(b->arena, sizeof(*node));
	if (node == NULL)
		return NULL;
	node->place = place;
	if (event->type == YAML_SCALAR_EVENT)
		return build_scalar(b, event, node) ? node : NULL;
	if (event->type == YAML_ALIAS_EVENT) {
		char shown[REPORT_SHOWN_BYTES];

		report_add(b->report, place,
			"aliases are not supported: write the value of `*%s` here",
			report_shown((const char *)event->data.alias.anchor, shown));
		node->is_bad = true;
		node->text = "";
		return node;
	}
	// The parser's own time grows with the square of the depth, so there is no reading past
	// this.
	if (depth == YAML_TREE_DEPTH_MAX) {
		report_add(b->report, place, "nested more than %d deep: reading stops here",
			YAML_TREE_DEPTH_MAX);
		return NULL;
	}
	if (event->type == YAML_SEQUENCE_START_EVENT) {
		refuse_anchor_and_tag(b, event, event->data.sequence_start.anchor,
			event->data.sequence_start.tag);
		node->kind = YAML_KIND_LIST;
		return build_list(b, node, depth + 1) ? node : NULL;
	}
	refuse_anchor_and_tag(
		b, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
	node->kind = YAML_KIND_MAPPING;
	return build_mapping(b, node, depth + 1) ? node : NULL;
}

// Stream start, document start, the root, document end, stream end.
static struct yaml_node *build_document(struct builder *b)
{
	struct yaml_node *root = NULL;
	yaml_event_t event;
	bool is_done = false;

	while (!is_done && next_event(b, &event)) {
		if (event.type == YAML_STREAM_END_EVENT) {
			if (root == NULL)
				report_add(b->report, (struct cfg_place){1, 1, b->file},
					"the file says nothing: expected sections such as "
					"`ports:`");
			is_done = true;
		} else if (event.type == YAML_DOCUMENT_START_EVENT) {
			if (root != NULL) {
				report_add(b->report, place_of(b, event.start_mark),
					"a second document begins here: a configuration is one");
				is_done = true;
			}
		} else if (event.type != YAML_STREAM_START_EVENT &&
			   event.type != YAML_DOCUMENT_END_EVENT) {
			root = build(b, &event, 0);
			is_done = root == NULL;
		}
		yaml_event_delete(&event);
	}
	return is_done ? root : NULL;
}

struct yaml_node *yaml_tree_parse(const char *text, size_t text_bytes, unsigned file,
	struct arena *arena, struct report *report)
{
	struct builder b = {.arena = arena,
		.report = report,
		.text = text,
		.text_bytes = text_bytes,
		.file = file};
	struct yaml_node *root;

	if (text_bytes > YAML_TREE_TEXT_BYTES_MAX) {
		report_add(report, whole_file(&b), "larger than %d MiB",
			YAML_TREE_TEXT_BYTES_MAX / (1024 * 1024));
		return NULL;
	}
	if (!yaml_parser_initialize(&b.parser)) {
		report_add(report, whole_file(&b), "not enough memory to read it");
		return NULL;
	}
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, text_bytes);
	root = build_document(&b);
	yaml_parser_delete(&b.parser);
	return root;
}

struct yaml_node *yaml_tree_get(const struct yaml_node *mapping, const char *key)
{
	if (mapping == NULL || mapping->kind != YAML_KIND_MAPPING)
		return NULL;
	for (struct yaml_node *child = mapping->first; child != NULL; child = child->next) {
		if (strcmp(child->key, key) == 0)
			return child;
	}
	return NULL;
}

bool yaml_tree_is_empty(const struct yaml_node *node)
{
	return node->kind == YAML_KIND_SCALAR && !node->is_quoted && node->text[0] == '\0';
}

struct yaml_node *yaml_tree_next_item(struct yaml_node *list, const struct yaml_node *item)
{
	if (list->kind == YAML_KIND_LIST)
		return item == NULL ? list->first : item->next;
	return item == NULL ? list : NULL;
}
