// SPDX-License-Identifier: BSD-3-Clause
#include "control/list_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char *why_not(const struct stat *st, size_t bytes_max)
{
	if (S_ISDIR(st->st_mode))
		return "it is a directory";
	if (!S_ISREG(st->st_mode))
		return "it is no regular file";
	return (size_t)st->st_size > bytes_max ? "it is larger than" : NULL;
}

int list_file_open(const char *path, size_t bytes_max, struct stat *st, struct error *err)
{
	// Not blocking: a FIFO is opened at once, and then refused.
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int error = errno;
	const char *why;

	if (fd < 0) {
		if (stat(path, st) != 0)
			*st = (struct stat){0};
		return error_set(err, "cannot be read: %s", strerror(error));
	}
	if (fstat(fd, st) != 0) {
		error = errno;
		close(fd);
		return error_set(err, "cannot be read: %s", strerror(error));
	}
	why = why_not(st, bytes_max);
	if (why == NULL)
		return fd;
	close(fd);
	if (S_ISREG(st->st_mode))
		return error_set(err, "cannot be read: %s %zu MiB", why, bytes_max >> 20);
	return error_set(err, "cannot be read: %s", why);
}

long list_file_read(int fd, char *bytes, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t more = read(fd, bytes + got, n - got);

		if (more < 0 && errno == EINTR)
			continue;
		if (more < 0)
			return -errno;
		if (more == 0)
			break;
		got += (size_t)more;
	}
	return (long)got;
}

const char *list_strip(const char *text, size_t *len)
{
	while (*len > 0 && list_is_blank(text[*len - 1]))
		(*len)--;
	for (; *len > 0 && list_is_blank(*text); text++)
		(*len)--;
	return text;
}

bool list_lines_next(struct list_lines *lines)
{
	const char *newline;

	if (lines->at >= lines->end)
		return false;
	newline = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
	lines->line = lines->at;
	lines->len = (size_t)((newline == NULL ? lines->end : newline) - lines->at);
	lines->at = newline == NULL ? lines->end : newline + 1;
	lines->number++;
	lines->line = list_strip(lines->line, &lines->len);
	return true;
}
