// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/doctor/machine.h"

#define HUGE  "sys/kernel/mm/hugepages/hugepages-%ukB"
#define ABOUT "memory"

enum {
	MEMINFO_MAX = 64 << 10,
	KB_PER_MB = 1024,
	ENOUGH_MB = 512, // README, "One core and 512 MiB of memory are enough"
	// The kernel keeps some of what there is for itself before it counts: a machine of 512 MiB
	// shows less.
	KERNEL_MB = 64,
	PAGE_2M_KB = 2048,
	PAGE_1G_KB = 1 << 20,
	WISHED_PAGES = 256, // of 2 MB: the packet buffers and half a million flows
};

// "MemTotal:        8039148 kB"; 0 when it is not there.
static uint64_t find_kb(const char *info, const char *key)
{
	const char *at = info == NULL ? NULL : strstr(info, key);
	uint64_t kb = 0;

	if (at == NULL || (at != info && at[-1] != '\n') ||
		sscanf(at + strlen(key), ":%" SCNu64, &kb) != 1)
		return 0;
	return kb;
}

static void say_total(const struct tree *tree, struct findings *out)
{
	char *info = tree_text(tree, MEMINFO_MAX, "proc/meminfo");
	uint64_t total = find_kb(info, "MemTotal") / KB_PER_MB;
	uint64_t free_mb = find_kb(info, "MemAvailable") / KB_PER_MB;

	free(info);
	if (total == 0)
		finding_add(out, VERDICT_UNSEEN, "memory-unseen", ABOUT,
			"/proc/meminfo does not tell how much memory there is.");
	else if (total + KERNEL_MB < ENOUGH_MB)
		finding_add(out, VERDICT_WARNING, "memory-small", ABOUT,
			"%" PRIu64 " MiB, of which %" PRIu64
			" are free: the router is made for %d or more. It will hold fewer flows, "
			"or not start: its log says what it needs.",
			total, free_mb, ENOUGH_MB);
	else
		finding_add(out, VERDICT_FINE, "memory", ABOUT,
			"%" PRIu64 " MiB, of which %" PRIu64 " are free.", total, free_mb);
}

static bool is_mounted(const struct tree *tree)
{
	char *mounts = tree_text(tree, MEMINFO_MAX, "proc/self/mounts");
	bool is_found = mounts != NULL && strstr(mounts, " hugetlbfs ") != NULL;

	free(mounts);
	return is_found;
}

// "always [madvise] never": either of the first two will do, the heap asks for them.
static bool has_transparent(const struct tree *tree)
{
	char text[64];

	return tree_line(tree, text, sizeof(text), "sys/kernel/mm/transparent_hugepage/enabled") &&
	       strstr(text, "[never]") == NULL;
}

static void say_hugepages(const struct tree *tree, struct findings *out)
{
	int64_t n_2m = tree_number(tree, 0, HUGE "/nr_hugepages", PAGE_2M_KB);
	int64_t free_2m = tree_number(tree, 0, HUGE "/free_hugepages", PAGE_2M_KB);
	int64_t n_1g = tree_number(tree, 0, HUGE "/nr_hugepages", PAGE_1G_KB);
	int64_t free_1g = tree_number(tree, 0, HUGE "/free_hugepages", PAGE_1G_KB);
	struct finding *finding;

	if (n_2m + n_1g > 0) {
		finding_add(out, VERDICT_FINE, "hugepages", ABOUT,
			"Hugepages: %" PRId64 " of 2 MB (%" PRId64 " free), %" PRId64
			" of 1 GB (%" PRId64 " free), %s, which the router does not need.",
			n_2m, free_2m, n_1g, free_1g, is_mounted(tree) ? "mounted" : "not mounted");
		return;
	}
	if (has_transparent(tree)) {
		finding_add(out, VERDICT_FINE, "hugepages-transparent", ABOUT,
			"No hugepages are reserved; the kernel's transparent ones are used.");
		return;
	}
	finding = finding_add(out, VERDICT_WARNING, "hugepages-none", ABOUT,
		"No hugepages are reserved, and transparent ones are off: tables of many flows or "
		"routes are slower than they could be.");
	finding_fix(finding, "sysctl -w vm.nr_hugepages=%d", WISHED_PAGES);
	finding_fix(
		finding, "echo vm.nr_hugepages=%d >/etc/sysctl.d/80-millrace.conf", WISHED_PAGES);
}

void look_at_memory(const struct machine *machine, struct findings *out)
{
	say_total(&machine->tree, out);
	say_hugepages(&machine->tree, out);
}
