// SPDX-License-Identifier: BSD-3-Clause
// The file of a set: one element a line, blanks around it, `#` begins a comment. Read whole or not
// at all, and with every fault's line. Anything may be in it: lines, their length and the file as a
// whole are bounded. Control thread.
#pragma once

#include <stddef.h>
#include <sys/stat.h>

#include "cfg/base/error.h"
#include "control/set_elements.h"

enum {
	SET_FILE_BYTES_MAX = 64 << 20,
	SET_FILE_LINE_MAX = 255, // bytes, without its end
	SET_FILE_FAULTS_MAX = 10,
};

struct set_file_faults {
	struct error list[SET_FILE_FAULTS_MAX]; // in the file's order; their file is the path
	unsigned n, n_more;
};

// Fills `out`, which is empty and has its kind, and `st` with what the file was, also when it is
// bad. 0, or -1 with at least one fault, and `out` is empty. `path` must outlive the faults.
int set_file_read(const char *path, struct set_elements *out, struct stat *st,
	struct set_file_faults *faults);

// The same from memory.
int set_file_parse(const char *path, const char *text, size_t text_bytes, struct set_elements *out,
	struct set_file_faults *faults);
