// SPDX-License-Identifier: BSD-3-Clause
// Files of /proc, /sys and the like below a root directory: the machine's own, or a recorded one of
// another machine. What is in them is nobody's promise: every read is bounded, and what a terminal
// would obey becomes '?'. Control thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TREE_NAME_BYTES = 64, TREE_NAMES_MAX = 65536 };

struct tree {
	int fd; // of the root
};

int tree_open(struct tree *tree, const char *root); // 0 or -errno
void tree_close(struct tree *tree);

// All paths are relative to the root, by a format.

bool tree_has(const struct tree *tree, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// The first line without its end, cut at `out_bytes`; "" and false when it cannot be read.
bool tree_line(const struct tree *tree, char *out, size_t out_bytes, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
// The first line as a number; `otherwise` when it is none or cannot be read.
int64_t tree_number(const struct tree *tree, int64_t otherwise, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
// All of it, at most `max` bytes, NUL-terminated, to be freed; NULL when it cannot be read.
char *tree_text(const struct tree *tree, size_t max, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
// As much of it as there is room for, whatever the bytes. Returns how many; 0 when it cannot be
// read.
size_t tree_bytes(const struct tree *tree, char *out, size_t out_bytes, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
// The last part of where a link points; "" and false when it is no link.
bool tree_link(const struct tree *tree, char *out, size_t out_bytes, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

// What is in a directory, without dots, by name and number ("eth2" before "eth10"). What is longer
// than a name here is left out.
struct tree_names {
	char (*list)[TREE_NAME_BYTES];
	unsigned n;
};

void tree_names(const struct tree *tree, struct tree_names *out, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void tree_names_free(struct tree_names *names);
