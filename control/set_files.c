// SPDX-License-Identifier: BSD-3-Clause
#include "control/set_files.h"

#include <errno.h>
#include <stdlib.h>

#include "cfg/base/log.h"

enum { SETTLED_SEC = 2 }; // nobody has written to it for so long

struct loaded_file {
	const struct cfg_set *set;
	struct set_elements elements;
	struct set_elements before; // while is_new
	bool is_new;
	struct stat seen; // as it was when it was last read, good or bad
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

	if (set_file_read(file->set->file, &read, &file->seen, faults) != 0)
		return -1;
	// Read twice before anybody took it: what is in force stays what can be reverted to.
	if (file->is_new)
		set_elements_fini(&file->elements);
	else
		file->before = file->elements;
	file->elements = read;
	file->is_new = true;
	log_info(log_object("set", file->set->name).text, "%u elements from %s", read.n,
		file->set->file);
	return 0;
}

int set_files_open(struct set_files *files, const struct config *config)
{
	struct set_file_faults faults;

	*files = (struct set_files){.list = calloc(config->n_sets + 1, sizeof(files->list[0]))};
	if (files->list == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < config->n_sets; i++) {
		const struct cfg_set *set = &config->sets[i];
		struct loaded_file *file = &files->list[files->n];

		if (set->file == NULL)
			continue;
		files->n++;
		file->set = set;
		file->elements.kind = set->kind;
		if (reload(file, &faults) != 0)
			log_faults(file, &faults);
	}
	return 0;
}

void set_files_close(struct set_files *files)
{
	set_files_keep(files);
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

int set_files_reload(
	struct set_files *files, const struct cfg_set *set, struct set_file_faults *faults)
{
	struct loaded_file *file = find(files, set);

	*faults = (struct set_file_faults){0};
	return file == NULL ? -ENOENT : reload(file, faults);
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

bool set_files_check(struct set_files *files, time_t now)
{
	struct set_file_faults faults;
	bool is_new = false;

	for (unsigned i = 0; i < files->n; i++) {
		struct loaded_file *file = &files->list[i];
		struct stat st;

		// A file that is gone is left alone: its set keeps what it had.
		if (stat(file->set->file, &st) != 0 || is_same(&st, &file->seen))
			continue;
		// A time of change in the future, of a clock that was wrong, tells nothing.
		if (st.st_mtim.tv_sec <= now && now - st.st_mtim.tv_sec < SETTLED_SEC)
			continue;
		if (reload(file, &faults) == 0)
			is_new = true;
		else
			log_faults(file, &faults);
	}
	return is_new;
}

void set_files_keep(struct set_files *files)
{
	for (unsigned i = 0; i < files->n; i++) {
		struct loaded_file *file = &files->list[i];

		if (file->is_new)
			set_elements_fini(&file->before);
		file->is_new = false;
	}
}

void set_files_revert(struct set_files *files)
{
	for (unsigned i = 0; i < files->n; i++) {
		struct loaded_file *file = &files->list[i];

		if (!file->is_new)
			continue;
		set_elements_fini(&file->elements);
		file->elements = file->before;
		file->is_new = false;
	}
}
