// SPDX-License-Identifier: BSD-3-Clause
#include "control/set_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/error.h"
#include "cfg/base/log.h"

enum { SETTLED_SEC = 2 }; // nobody has written to it for so long

struct loaded_file {
	const struct cfg_set *set;
	struct set_elements elements;
	bool is_new;	  // it was read
	bool is_good;	  // what was last read of it
	struct stat seen; // as it was then
};

static struct loaded_file *find(const struct set_files *files, const struct cfg_set *set)
{
	for (unsigned i = 0; i < files->n; i++)
		if (files->list[i].set == set)
			return &files->list[i];
	return NULL;
}

static void log_faults(const struct loaded_file *file, const struct set_file_faults *faults)
{
	char text[1024];

	for (unsigned i = 0; i < faults->n; i++)
		log_error(log_object("set", file->set->name).text, "%s",
			error_str(&faults->list[i], text, sizeof(text)));
	if (faults->n_more > 0)
		log_error(log_object("set", file->set->name).text, "%s: %u more faults",
			file->set->file, faults->n_more);
	log_error(log_object("set", file->set->name).text,
		"it keeps what it had of its file, %u elements", file->elements.n);
}

static int reload(struct loaded_file *file, struct set_file_faults *faults)
{
	struct set_elements read = {.kind = file->set->kind};

	file->is_good = set_file_read(file->set->file, &read, &file->seen, faults) == 0;
	if (!file->is_good)
		return -1;
	set_elements_fini(&file->elements);
	file->elements = read;
	file->is_new = true;
	log_info(log_object("set", file->set->name).text, "%u elements from %s", read.n,
		file->set->file);
	return 0;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

// The time of its last change of any kind too: who may read it may be what has changed, and tools
// that copy may keep the time of writing.
static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       is_same_time(&a->st_mtim, &b->st_mtim) && is_same_time(&a->st_ctim, &b->st_ctim);
}

// NULL: the set has none. There is room for one of each set.
static struct loaded_file *add_file(struct set_files *files, const struct cfg_set *set)
{
	struct loaded_file *file = &files->list[files->n];

	if (set->file == NULL)
		return NULL;
	files->n++;
	file->set = set;
	file->elements.kind = set->kind;
	return file;
}

int set_files_open(struct set_files *files, const struct config *config)
{
	struct set_file_faults faults;

	*files = (struct set_files){.list = calloc(config->n_sets + 1, sizeof(files->list[0]))};
	if (files->list == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < config->n_sets; i++) {
		const struct cfg_set *set = &config->sets[i];
		struct loaded_file *file = add_file(files, set);

		if (file == NULL)
			continue;
		if (reload(file, &faults) != 0)
			log_faults(file, &faults);
	}
	return 0;
}

// What an earlier config had of the same file, for a set of the same name and kind. NULL: nothing.
static const struct loaded_file *find_earlier(
	const struct set_files *before, const struct cfg_set *set)
{
	for (unsigned i = 0; i < before->n; i++) {
		const struct cfg_set *its = before->list[i].set;

		if (its->kind == set->kind && strcmp(its->name, set->name) == 0 &&
			strcmp(its->file, set->file) == 0)
			return &before->list[i];
	}
	return NULL;
}

static bool is_unchanged(const struct loaded_file *file)
{
	struct stat st;

	return stat(file->set->file, &st) == 0 && is_same(&st, &file->seen);
}

static bool has_changed(const struct loaded_file *file, time_t now)
{
	struct stat st;

	// A file that is gone is left alone: its set keeps what it had.
	if (stat(file->set->file, &st) != 0 || is_same(&st, &file->seen))
		return false;
	// A time of change in the future, of a clock that was wrong, tells nothing.
	return st.st_mtim.tv_sec > now || now - st.st_mtim.tv_sec >= SETTLED_SEC;
}

static int copy(struct loaded_file *file, const struct loaded_file *earlier, struct error *err)
{
	if (set_elements_append(&file->elements, &earlier->elements) != 0)
		return error_set(err, "no memory for the files of sets");
	file->seen = earlier->seen;
	file->is_good = earlier->is_good;
	return 0;
}

// A file that was bad may be good for a config that is applied, by what it names.
static bool is_left(const struct loaded_file *earlier, const struct set_files_wish *wish)
{
	if (wish->set != NULL)
		return strcmp(earlier->set->name, wish->set) != 0;
	switch (wish->how) {
	case SET_FILES_STRICT:
		return earlier->is_good && is_unchanged(earlier);
	case SET_FILES_LENIENT:
		return true;
	case SET_FILES_ANEW:
		return !has_changed(earlier, wish->now);
	}
	return false;
}

static int follow(struct loaded_file *file, const struct loaded_file *earlier,
	const struct set_files_wish *wish, struct error *err)
{
	struct set_file_faults faults = {0};
	bool is_strict = wish->how == SET_FILES_STRICT || wish->set != NULL;
	char text[512];

	if (earlier != NULL && is_left(earlier, wish))
		return copy(file, earlier, err);
	if (reload(file, &faults) == 0)
		return 0;
	if (is_strict)
		return error_set(err,
			wish->set != NULL ? "the set %s keeps what it had: %s%s"
					  : "the file of the set %s: %s%s",
			file->set->name, error_str(&faults.list[0], text, sizeof(text)),
			faults.n + faults.n_more > 1 ? "; and there is more" : "");
	if (earlier != NULL && set_elements_append(&file->elements, &earlier->elements) != 0)
		return error_set(err, "no memory for the files of sets");
	log_faults(file, &faults);
	return 0;
}

int set_files_follow(struct set_files *files, const struct config *config,
	const struct set_files *before, const struct set_files_wish *wish, struct error *err)
{
	bool is_there = wish->set == NULL;

	*files = (struct set_files){.list = calloc(config->n_sets + 1, sizeof(files->list[0]))};
	if (files->list == NULL)
		return error_set(err, "no memory for the files of sets");
	for (unsigned i = 0; i < config->n_sets; i++) {
		const struct cfg_set *set = &config->sets[i];
		struct loaded_file *file = add_file(files, set);

		if (file == NULL)
			continue;
		if (follow(file, find_earlier(before, set), wish, err) != 0) {
			set_files_close(files);
			return -1;
		}
		is_there |= wish->set != NULL && strcmp(set->name, wish->set) == 0;
	}
	return is_there ? 0 : error_set(err, "the set %s has no file", wish->set);
}

bool set_files_are_new(const struct set_files *files)
{
	for (unsigned i = 0; i < files->n; i++)
		if (files->list[i].is_new)
			return true;
	return false;
}

void set_files_close(struct set_files *files)
{
	for (unsigned i = 0; i < files->n; i++)
		set_elements_fini(&files->list[i].elements);
	free(files->list);
	*files = (struct set_files){0};
}

const struct set_elements *set_files_find(const struct set_files *files, const struct cfg_set *set)
{
	const struct loaded_file *file = find(files, set);

	return file == NULL ? NULL : &file->elements;
}

bool set_files_have_changed(const struct set_files *files, time_t now)
{
	for (unsigned i = 0; i < files->n; i++)
		if (has_changed(&files->list[i], now))
			return true;
	return false;
}
