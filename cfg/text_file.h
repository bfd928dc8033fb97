// SPDX-License-Identifier: BSD-3-Clause
// The whole of a file that a person wrote, in memory. Control thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct text_file {
	char *text; // freed by the caller; no NUL at its end
	size_t bytes;
	dev_t device;
	ino_t inode;
};

// Reads at most `bytes_max` and one more, which tells that there is more. 0 or -errno: -EINVAL
// where `must_be_regular` and it is a socket, a device or the like, which may never end.
int text_file_read(const char *path, bool must_be_regular, size_t bytes_max, struct text_file *out);

const char *text_file_why_not(int error); // a constant, from the -errno
