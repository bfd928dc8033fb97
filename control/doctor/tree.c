// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 512 };

int tree_open(struct tree *tree, const char *root)
{
	tree->fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return tree->fd < 0 ? -errno : 0;
}

void tree_close(struct tree *tree)
{
	if (tree->fd >= 0)
		close(tree->fd);
	tree->fd = -1;
}

// False: it would be cut, and name something else.
static bool make_path(char path[PATH_BYTES], const char *fmt, va_list ap)
{
	int len = vsnprintf(path, PATH_BYTES, fmt, ap);

	return len > 0 && len < PATH_BYTES;
}

bool tree_has(const struct tree *tree, const char *fmt, ...)
{
	char path[PATH_BYTES];
	struct stat st;
	va_list ap;
	bool is_made;

	va_start(ap, fmt);
	is_made = make_path(path, fmt, ap);
	va_end(ap);
	return is_made && fstatat(tree->fd, path, &st, 0) == 0;
}

// Files of /proc and /sys tell no size and may give less at a time than is asked for.
static ssize_t read_bytes(const struct tree *tree, const char *path, char *out, size_t max)
{
	// a FIFO or a device in the place of a file must not hold us up
	int fd = openat(tree->fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t len = 0;
	ssize_t got = 0;

	if (fd < 0)
		return -1;
	while (len < max && (got = read(fd, out + len, max - len)) > 0)
		len += (size_t)got;
	close(fd);
	return got < 0 && len == 0 ? -1 : (ssize_t)len;
}

static void make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			*text = '?';
}

static bool read_line(const struct tree *tree, const char *path, char *out, size_t out_bytes)
{
	ssize_t len = read_bytes(tree, path, out, out_bytes - 1);

	out[len > 0 ? len : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	make_printable(out);
	return len >= 0;
}

bool tree_line(const struct tree *tree, char *out, size_t out_bytes, const char *fmt, ...)
{
	char path[PATH_BYTES];
	va_list ap;
	bool is_made;

	va_start(ap, fmt);
	is_made = make_path(path, fmt, ap);
	va_end(ap);
	out[0] = '\0';
	return is_made && read_line(tree, path, out, out_bytes);
}

int64_t tree_number(const struct tree *tree, int64_t otherwise, const char *fmt, ...)
{
	char path[PATH_BYTES], text[32] = "", *end;
	int64_t number;
	va_list ap;
	bool is_made;

	va_start(ap, fmt);
	is_made = make_path(path, fmt, ap);
	va_end(ap);
	if (!is_made || !read_line(tree, path, text, sizeof(text)))
		return otherwise;
	errno = 0;
	number = strtoll(text, &end, 0);
	return end == text || *end != '\0' || errno != 0 ? otherwise : number;
}

char *tree_text(const struct tree *tree, size_t max, const char *fmt, ...)
{
	char path[PATH_BYTES], *text;
	ssize_t len = -1;
	va_list ap;
	bool is_made;

	va_start(ap, fmt);
	is_made = make_path(path, fmt, ap);
	va_end(ap);
	text = malloc(max + 1);
	if (text != NULL && is_made)
		len = read_bytes(tree, path, text, max);
	if (len < 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

size_t tree_bytes(const struct tree *tree, char *out, size_t out_bytes, const char *fmt, ...)
{
	char path[PATH_BYTES];
	ssize_t len = -1;
	va_list ap;

	va_start(ap, fmt);
	if (make_path(path, fmt, ap))
		len = read_bytes(tree, path, out, out_bytes);
	va_end(ap);
	return len > 0 ? (size_t)len : 0;
}

bool tree_link(const struct tree *tree, char *out, size_t out_bytes, const char *fmt, ...)
{
	char path[PATH_BYTES], target[PATH_BYTES];
	const char *base;
	ssize_t len = -1;
	va_list ap;

	va_start(ap, fmt);
	if (make_path(path, fmt, ap))
		len = readlinkat(tree->fd, path, target, sizeof(target) - 1);
	va_end(ap);
	target[len > 0 ? len : 0] = '\0';
	base = strrchr(target, '/');
	snprintf(out, out_bytes, "%.*s", (int)out_bytes - 1, base != NULL ? base + 1 : target);
	make_printable(out);
	return len > 0;
}

static int by_name(const void *a, const void *b)
{
	return strverscmp(a, b);
}

static bool add_name(struct tree_names *names, unsigned *room, const char *name)
{
	if (names->n == *room) {
		unsigned more = *room == 0 ? 64 : *room * 2;
		void *list = realloc(names->list, more * sizeof(names->list[0]));

		if (list == NULL)
			return false;
		names->list = list;
		*room = more;
	}
	snprintf(names->list[names->n++], TREE_NAME_BYTES, "%s", name);
	return true;
}

void tree_names(const struct tree *tree, struct tree_names *out, const char *fmt, ...)
{
	char path[PATH_BYTES];
	unsigned room = 0;
	struct dirent *e;
	DIR *d = NULL;
	va_list ap;
	int fd = -1;

	*out = (struct tree_names){0};
	va_start(ap, fmt);
	if (make_path(path, fmt, ap))
		fd = openat(tree->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	va_end(ap);
	if (fd >= 0)
		d = fdopendir(fd);
	if (d == NULL && fd >= 0)
		close(fd);
	while (d != NULL && out->n < TREE_NAMES_MAX && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || strlen(e->d_name) >= TREE_NAME_BYTES)
			continue;
		if (!add_name(out, &room, e->d_name))
			break;
	}
	if (d != NULL)
		closedir(d);
	if (out->n > 0)
		qsort(out->list, out->n, sizeof(out->list[0]), by_name);
}

void tree_names_free(struct tree_names *names)
{
	free(names->list);
	*names = (struct tree_names){0};
}
