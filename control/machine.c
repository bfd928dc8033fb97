// SPDX-License-Identifier: BSD-3-Clause
#include "control/machine.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// "0::/system.slice/millrace.service" is the line of cgroup v2.
static bool read_own_cgroup(char path[PATH_MAX])
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];
	bool is_found = false;

	while (f != NULL && !is_found && fgets(line, sizeof(line), f) != NULL) {
		is_found = strncmp(line, "0::/", 4) == 0;
		line[strcspn(line, "\n")] = '\0';
	}
	if (f != NULL)
		fclose(f);
	if (is_found)
		memcpy(path, line + 3, strlen(line + 3) + 1);
	return is_found;
}

static uint64_t cgroup_limit(const char *cgroup)
{
	char path[PATH_MAX + 32];
	uint64_t bytes = UINT64_MAX;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.max", cgroup);
	f = fopen(path, "re");
	if (f == NULL)
		return UINT64_MAX;
	if (fscanf(f, "%" SCNu64, &bytes) != 1) // "max"
		bytes = UINT64_MAX;
	fclose(f);
	return bytes;
}

uint64_t machine_memory_bytes(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
	uint64_t least =
		pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes : UINT64_MAX;
	char cgroup[PATH_MAX];
	char *end;

	if (read_own_cgroup(cgroup))
		for (;; *end = '\0') { // the limits of all above hold too
			uint64_t limit = cgroup_limit(cgroup);

			least = limit < least ? limit : least;
			end = strrchr(cgroup, '/');
			if (end == NULL)
				break;
		}
	return least != UINT64_MAX ? least : 0;
}
