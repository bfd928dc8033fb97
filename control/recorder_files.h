// SPDX-License-Identifier: BSD-3-Clause
// The directory of the recorder's files: so many and so large in all, the oldest goes. A file has
// its name only once it is whole; what a killed router left half written goes at the next start.
// Packets are nobody's business: only the owner reads them. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cfg/base/error.h"

enum { RECORDER_NAME_BYTES = 96, RECORDER_FILES_MAX = 1000 };

struct recorder_files {
	const char *directory; // the caller's, as long as this is used
	unsigned n_max;	       // 1 to RECORDER_FILES_MAX
	uint64_t bytes_max;
};

struct recorder_file {
	char name[RECORDER_NAME_BYTES]; // "record-20261122T214401.123Z-link-down.pcapng"
	int directory_fd, fd;		// -1: not open
};

struct recorder_entry {
	char name[RECORDER_NAME_BYTES];
	uint64_t bytes;
};

// Makes the directory where it is missing (its parent too). 0, or -1 with the reason.
int recorder_files_begin(const struct recorder_files *files, struct error *err);
// A new file for the caller to write, named after the time and `cause`. 0, or -1 with the reason.
int recorder_files_open(const struct recorder_files *files, const char *cause, int64_t wall_ms,
	struct recorder_file *file, struct error *err);
// Of the whole ones the oldest go until `n` more of `bytes` have room.
void recorder_files_make_room(const struct recorder_files *files, unsigned n, uint64_t bytes);
// It gets its name. 0, or -1 with the reason, and it is gone.
int recorder_files_finish(struct recorder_file *file, struct error *err);
void recorder_files_drop(struct recorder_file *file); // one that is not open is fine
// The newest last; how many there are, of which `max` are written.
unsigned recorder_files_list(
	const struct recorder_files *files, struct recorder_entry *out, unsigned max);
