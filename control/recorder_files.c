// SPDX-License-Identifier: BSD-3-Clause
#include "control/recorder_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "record-"
#define SUFFIX ".pcapng"
#define HALF   ".half" // of one that is being written

enum { PATH_BYTES = PATH_MAX };

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), n_end = strlen(end);

	return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

static bool is_ours(const char *name, const char *suffix)
{
	return strncmp(name, PREFIX, strlen(PREFIX)) == 0 && ends_with(name, suffix) &&
	       strlen(name) < RECORDER_NAME_BYTES + strlen(HALF);
}

static int is_whole(const struct dirent *entry)
{
	return is_ours(entry->d_name, SUFFIX) && strlen(entry->d_name) < RECORDER_NAME_BYTES;
}

static int is_half(const struct dirent *entry)
{
	return is_ours(entry->d_name, SUFFIX HALF);
}

static uint64_t size_of(int directory_fd, const char *name)
{
	struct stat st;

	return fstatat(directory_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)st.st_size
									  : 0;
}

static int open_directory(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void free_names(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

// --- the directory ---

static void remove_halves(const char *directory)
{
	struct dirent **names = NULL;
	int fd = open_directory(directory);
	int n = fd < 0 ? -1 : scandirat(fd, ".", &names, is_half, alphasort);

	for (int i = 0; i < n; i++)
		unlinkat(fd, names[i]->d_name, 0);
	if (n >= 0)
		free_names(names, n);
	if (fd >= 0)
		close(fd);
}

int recorder_files_begin(const struct recorder_files *files, struct error *err)
{
	char parent[PATH_BYTES];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", files->directory);
	slash = strrchr(parent, '/');
	if (slash != NULL && slash != parent) {
		*slash = '\0';
		mkdir(parent, 0755); // where that fails, so does the next one
	}
	if (mkdir(files->directory, 0700) != 0 && errno != EEXIST)
		return error_set(err, "cannot make %s: %s", files->directory, strerror(errno));
	remove_halves(files->directory);
	return 0;
}

void recorder_files_make_room(const struct recorder_files *files, unsigned n, uint64_t bytes)
{
	struct dirent **names = NULL;
	int fd = open_directory(files->directory);
	int n_there = fd < 0 ? -1 : scandirat(fd, ".", &names, is_whole, alphasort);
	uint64_t sum = bytes;

	for (int i = 0; i < n_there; i++)
		sum += size_of(fd, names[i]->d_name);
	for (int i = 0; i < n_there; i++) { // by their names the oldest come first
		if ((unsigned)(n_there - i) + n <= files->n_max && sum <= files->bytes_max)
			break;
		sum -= size_of(fd, names[i]->d_name);
		unlinkat(fd, names[i]->d_name, 0);
	}
	if (n_there >= 0)
		free_names(names, n_there);
	if (fd >= 0)
		close(fd);
}

unsigned recorder_files_list(
	const struct recorder_files *files, struct recorder_entry *out, unsigned max)
{
	struct dirent **names = NULL;
	int fd = open_directory(files->directory);
	int n = fd < 0 ? -1 : scandirat(fd, ".", &names, is_whole, alphasort);

	for (int i = 0; i < n && (unsigned)i < max; i++) {
		snprintf(out[i].name, sizeof(out[i].name), "%.*s", RECORDER_NAME_BYTES - 1,
			names[i]->d_name);
		out[i].bytes = size_of(fd, names[i]->d_name);
	}
	if (n >= 0)
		free_names(names, n);
	if (fd >= 0)
		close(fd);
	return n < 0 ? 0 : (unsigned)n;
}

// --- a file ---

static void half_name(const struct recorder_file *file, char to[PATH_BYTES])
{
	snprintf(to, PATH_BYTES, "%s" HALF, file->name);
}

int recorder_files_open(const struct recorder_files *files, const char *cause, int64_t wall_ms,
	struct recorder_file *file, struct error *err)
{
	time_t sec = (time_t)(wall_ms / 1000);
	char path[PATH_BYTES], when[32];
	struct tm tm;

	gmtime_r(&sec, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%S", &tm);
	snprintf(file->name, sizeof(file->name), PREFIX "%s.%03dZ-%.16s" SUFFIX, when,
		(int)(wall_ms % 1000), cause);
	half_name(file, path);
	file->fd = -1;
	file->directory_fd = open_directory(files->directory);
	if (file->directory_fd >= 0)
		file->fd = openat(file->directory_fd, path,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file->fd >= 0)
		return 0;
	error_set(err, "cannot write into %s: %s", files->directory, strerror(errno));
	recorder_files_drop(file);
	return -1;
}

static void close_file(struct recorder_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->directory_fd >= 0)
		close(file->directory_fd);
	file->fd = file->directory_fd = -1;
}

int recorder_files_finish(struct recorder_file *file, struct error *err)
{
	char path[PATH_BYTES];

	half_name(file, path);
	if (renameat(file->directory_fd, path, file->directory_fd, file->name) == 0) {
		close_file(file);
		return 0;
	}
	error_set(err, "cannot name %s: %s", file->name, strerror(errno));
	recorder_files_drop(file);
	return -1;
}

void recorder_files_drop(struct recorder_file *file)
{
	char path[PATH_BYTES];

	if (file->fd >= 0) {
		half_name(file, path);
		unlinkat(file->directory_fd, path, 0);
	}
	close_file(file);
}
