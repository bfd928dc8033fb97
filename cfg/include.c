// SPDX-License-Identifier: BSD-3-Clause
// Files are told apart by device and inode, so that no link makes a circle.
#include "cfg/include.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/merge.h"
#include "cfg/model.h"
#include "cfg/text_file.h"
#include "cfg/value.h"

#define INCLUDE_KEY "include"

static const struct cfg_place WHOLE_FILE;

struct opened {
	dev_t device;
	ino_t inode;
	struct cfg_place place; // of who includes it
	bool is_being_read;	// with what it includes
};

struct loader {
	struct arena *arena;
	struct report *report;
	struct opened files[INCLUDE_FILES_MAX]; // by their number
	size_t left_bytes;			// of all files together
	bool is_incomplete;			// something that is meant could not be read
};

// Where a path stands, and how deep.
struct inclusion {
	struct cfg_place place;
	const char *file; // that has it
	unsigned depth;
};

static const struct model_key *include_key(void)
{
	const struct model_key *key = model_config.keys;

	while (strcmp(key->key, INCLUDE_KEY) != 0)
		key++;
	return key;
}

static void complain(
	struct loader *l, const struct inclusion *by, const char *path, const char *why)
{
	char shown[REPORT_SHOWN_BYTES];

	report_add(
		l->report, by->place, "`" INCLUDE_KEY "`: %s: %s", report_shown(path, shown), why);
	l->is_incomplete = true;
}

// --- one file ---

// Whether it is the first time; says so when it is not.
static bool is_new(struct loader *l, const struct inclusion *by, const char *path,
	const struct text_file *file)
{
	char shown[REPORT_SHOWN_BYTES], line[REPORT_LINE_BYTES];

	for (unsigned i = 0; i < l->report->n_files; i++) {
		const struct opened *opened = &l->files[i];

		if (opened->device != file->device || opened->inode != file->inode)
			continue;
		if (opened->is_being_read)
			complain(l, by, path, "leads back to itself");
		else
			report_add(l->report, by->place,
				"`" INCLUDE_KEY
				"`: %s is included a second time, the first is on %s",
				report_shown(path, shown),
				report_line(l->report, by->place, opened->place, line));
		return false;
	}
	return true;
}

static struct yaml_node *parse(
	struct loader *l, const struct inclusion *by, const char *path, unsigned *number)
{
	struct yaml_node *root = NULL;
	struct text_file file;
	int result = text_file_read(path, by->depth > 0, l->left_bytes, &file);

	if (result != 0 && by->depth == 0) {
		report_add(l->report, WHOLE_FILE, "cannot be read: %s", text_file_why_not(result));
	} else if (result != 0) {
		complain(l, by, path, text_file_why_not(result));
	} else if (by->depth > 0 && file.bytes > l->left_bytes) {
		complain(l, by, path, "all files together are larger than one may be");
	} else if (by->depth == 0 || is_new(l, by, path, &file)) {
		*number = by->depth == 0 ? 0 : report_add_file(l->report, path);
		l->files[*number] = (struct opened){file.device, file.inode, by->place, true};
		root = yaml_tree_parse(file.text, file.bytes, *number, l->arena, l->report);
		l->is_incomplete |= root == NULL;
		l->left_bytes -= file.bytes < l->left_bytes ? file.bytes : l->left_bytes;
	}
	free(file.text);
	return root;
}

static void merge_path(
	struct loader *l, const struct inclusion *by, const char *path, struct yaml_node *into);

// --- what a file includes ---

static int is_yaml(const struct dirent *entry)
{
	static const char ending[] = ".yaml";
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len >= sizeof(ending) &&
	       strcmp(entry->d_name + len - (sizeof(ending) - 1), ending) == 0;
}

// In the order of bytes, whatever the language of the machine.
static int compare_entries(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

// False: it is none.
static bool merge_directory(
	struct loader *l, const struct inclusion *by, const char *path, struct yaml_node *into)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_yaml, compare_entries);

	if (n < 0 && errno == ENOTDIR)
		return false;
	if (n < 0)
		complain(l, by, path, text_file_why_not(-errno));
	for (int i = 0; i < n; i++) {
		char *name = NULL;

		if (asprintf(&name, "%s/%s", path, entries[i]->d_name) < 0)
			complain(l, by, path, text_file_why_not(-ENOMEM));
		else
			merge_path(l, by, name, into);
		free(name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return true;
}

// From the directory of the file that has it.
static char *path_from(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');
	char *joined = NULL;

	if (path[0] == '/' || slash == NULL)
		return strdup(path);
	return asprintf(&joined, "%.*s/%s", (int)(slash - file), file, path) < 0 ? NULL : joined;
}

static void merge_path_or_directory(
	struct loader *l, const struct inclusion *by, const char *value, struct yaml_node *into)
{
	char *path = path_from(by->file, value);

	if (path == NULL)
		complain(l, by, value, text_file_why_not(-ENOMEM));
	else if (!merge_directory(l, by, path, into))
		merge_path(l, by, path, into);
	free(path);
}

static void merge_item(struct loader *l, const char *file, unsigned depth, struct yaml_node *item,
	struct yaml_node *into)
{
	struct inclusion by = {item->place, file, depth + 1};
	struct error err;
	const char *value;

	l->is_incomplete |= item->is_bad;
	if (item->is_bad)
		return;
	if (item->kind != YAML_KIND_SCALAR || yaml_tree_is_empty(item)) {
		error_set(&err, "expected the path of a file or directory, or a list of them");
	} else if (depth == INCLUDE_DEPTH_MAX) {
		error_set(&err, "nested more than %d deep", INCLUDE_DEPTH_MAX);
	} else if (value_read(include_key(), item->text, l->arena, &value, &err) == 0) {
		merge_path_or_directory(l, &by, item->text, into);
		return;
	}
	report_add(l->report, item->place, "`" INCLUDE_KEY "`: %s", err.text);
	l->is_incomplete = true;
}

// The keys of `root` one by one, those that are included in the place of the key that includes
// them.
static void merge_root(struct loader *l, const char *file, unsigned depth, struct yaml_node *root,
	struct yaml_node *into)
{
	struct yaml_node part = {.kind = YAML_KIND_MAPPING};
	struct yaml_node *next, **tail = &part.first;

	for (struct yaml_node *child = root->first; child != NULL; child = next) {
		struct yaml_node *item = NULL;

		next = child->next;
		child->next = NULL;
		if (strcmp(child->key, INCLUDE_KEY) != 0) {
			*tail = child;
			tail = &child->next;
			part.n_children++;
			continue;
		}
		merge_file(into, &part, l->report);
		part = (struct yaml_node){.kind = YAML_KIND_MAPPING};
		tail = &part.first;
		while ((item = yaml_tree_next_item(child, item)) != NULL)
			merge_item(l, file, depth, item, into);
	}
	merge_file(into, &part, l->report);
}

static void merge_path(
	struct loader *l, const struct inclusion *by, const char *path, struct yaml_node *into)
{
	struct yaml_node *root;
	unsigned number = 0;

	if (l->report->n_files == INCLUDE_FILES_MAX) {
		complain(l, by, path, "too many files");
		return;
	}
	root = parse(l, by, path, &number);
	if (root == NULL)
		return;
	l->is_incomplete |= root->kind != YAML_KIND_MAPPING;
	if (root->kind == YAML_KIND_MAPPING)
		merge_root(l, path, by->depth, root, into);
	else if (!root->is_bad)
		report_add(l->report, root->place,
			"expected a mapping of keys to values such as `ports: ...`");
	l->files[number].is_being_read = false;
}

// --- all of it ---

static struct yaml_node *load(struct loader *l, const char *path)
{
	struct inclusion whole = {.file = path};
	unsigned number = 0;
	struct yaml_node *root = parse(l, &whole, path, &number);
	struct yaml_node *merged;

	if (yaml_tree_get(root, INCLUDE_KEY) == NULL)
		return root;
	merged = arena_alloc(l->arena, sizeof(*merged));
	if (merged == NULL)
		return NULL;
	merged->kind = YAML_KIND_MAPPING;
	merged->place = root->place;
	merge_root(l, path, 0, root, merged);
	merge_finish(merged, l->arena, l->report);
	// what is missing would be found missing
	return l->is_incomplete ? NULL : merged;
}

struct yaml_node *include_load(const char *path, struct arena *arena, struct report *report)
{
	struct loader *l = calloc(1, sizeof(*l));
	struct yaml_node *root;

	if (l == NULL) {
		report_add(report, WHOLE_FILE, "not enough memory to read it");
		return NULL;
	}
	l->arena = arena;
	l->report = report;
	l->left_bytes = YAML_TREE_TEXT_BYTES_MAX;
	root = load(l, path);
	free(l);
	return root;
}

void include_refuse(struct yaml_node *root, struct report *report)
{
	struct yaml_node *node = yaml_tree_get(root, INCLUDE_KEY);

	if (node == NULL)
		return;
	report_add(report, node->key_place,
		"`" INCLUDE_KEY "`: only a file can include others, not a text");
	node->is_bad = true;
}
