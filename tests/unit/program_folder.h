// SPDX-License-Identifier: BSD-3-Clause
// A folder of a test's own for the programs that it writes.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct program_folder {
	char path[64], program[96], told[96];
};

static inline int program_folder_make(struct program_folder *folder)
{
	snprintf(folder->path, sizeof(folder->path), "/tmp/millrace-hook-XXXXXX");
	if (mkdtemp(folder->path) == NULL)
		return -1;
	snprintf(folder->program, sizeof(folder->program), "%s/hook", folder->path);
	snprintf(folder->told, sizeof(folder->told), "%s/told", folder->path);
	return 0;
}

static inline int program_folder_remove(const struct program_folder *folder)
{
	unlink(folder->program);
	unlink(folder->told);
	return rmdir(folder->path);
}

// A script of the shell. 0 or -1.
static inline int program_folder_write(const struct program_folder *folder, const char *script)
{
	FILE *file = fopen(folder->program, "w");

	if (file == NULL)
		return -1;
	fprintf(file, "#!/bin/sh\n%s\n", script);
	return fclose(file) == 0 ? chmod(folder->program, 0755) : -1;
}
