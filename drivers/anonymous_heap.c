// SPDX-License-Identifier: BSD-3-Clause
// Without hugepages DPDK takes its heap from a memfd, so that other processes could share it. Such
// memory comes in pages of 4 KiB, each of which faults by itself: a third of a second for the FIBs
// alone. Where the file cannot have the size, DPDK falls back to anonymous memory, and that may be
// on transparent huge pages. So it cannot, while EAL starts. Where DPDK should do otherwise one
// day, this changes nothing.
#include "drivers/anonymous_heap.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <rte_eal.h>
#include <rte_memory.h>

// A kernel that counts what is promised may not promise as much: a memfd is not counted.
static bool may_map(uint64_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return false;
	munmap(p, bytes);
	return true;
}

static int advise_huge_pages(const struct rte_memseg_list *list, void *arg)
{
	if (!list->external)
		madvise(list->base_va, list->len, MADV_HUGEPAGE); // a hint: fine without
	return 0;
}

int anonymous_heap_init(int argc, char **argv, uint64_t heap_bytes)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction signal_before;
	struct rlimit before, less;
	int rc;

	if (!may_map(heap_bytes) || getrlimit(RLIMIT_FSIZE, &before) < 0 ||
		before.rlim_cur < heap_bytes || sigaction(SIGXFSZ, &ignore, &signal_before) < 0)
		return rte_eal_init(argc, argv);
	less = before;
	less.rlim_cur = heap_bytes - 1;
	(void)setrlimit(RLIMIT_FSIZE, &less);
	rc = rte_eal_init(argc, argv);
	(void)setrlimit(RLIMIT_FSIZE, &before);
	sigaction(SIGXFSZ, &signal_before, NULL);
	if (rc >= 0)
		rte_memseg_list_walk(advise_huge_pages, NULL);
	return rc;
}
