// SPDX-License-Identifier: BSD-3-Clause
// Files that are lists, one thing a line, from whoever writes such: opened without waiting,
// bounded, and split into lines without what does not count at their ends. Any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "cfg/base/error.h"

// A descriptor, which is the caller's to close, or -1 with the reason in `err`: also for what is no
// regular file, or has more than `bytes_max`. `st` is what it was, or zeroes where there is none.
int list_file_open(const char *path, size_t bytes_max, struct stat *st, struct error *err);
// Up to `n` bytes, fewer only at the end; or -errno.
long list_file_read(int fd, char *bytes, size_t n);

struct list_lines {
	const char *at, *end; // of what is left
	const char *line;     // the current one, no blanks at its ends; no NUL behind it
	size_t len;
	int number; // from 1; set it to go on behind other lines
};

// The next line; false behind the last.
bool list_lines_next(struct list_lines *lines);

static inline bool list_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}
// Takes the blanks off both ends.
const char *list_strip(const char *text, size_t *len);
