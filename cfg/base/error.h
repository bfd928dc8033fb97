// SPDX-License-Identifier: BSD-3-Clause
// What went wrong with something a person wrote or asked for, in words for that person. The
// caller owns the struct; every function that fails with one has filled `text`. `file` is borrowed
// and `line`, `column` count from 1; they are NULL and 0 where no file is concerned. Any thread.
#pragma once

#include <stddef.h>

struct error {
	char text[480];
	const char *file;
	int line;
	int column;
	// of a warning: what it is called for programs, a constant, and what to do about it
	const char *id; // NULL: no warning
	char fix[240];
};

// Writes the sentence, cut at the size of `text`; `err` may be NULL. Leaves errno alone.
// Returns -1 so that a failing function can end with `return error_set(...)`.
int error_set(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// "file:line:column: text" into `out`, which it returns; of a warning
// "file:line:column: warning: text [id]" and, where there is one, a second line with the fix.
const char *error_str(const struct error *err, char *out, size_t out_bytes);
enum { ERROR_STR_BYTES = 1024 }; // enough, but for paths of unusual length
