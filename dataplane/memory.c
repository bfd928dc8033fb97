// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/memory.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	HUGE_PAGE = 2 << 20,
	CACHE_LINE = 64,
};

static uint64_t round_up(uint64_t bytes)
{
	return (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

// Transparent huge pages rather than reserved ones: they need no reservation, cost nothing until
// written, and go back by themselves. They want a start on their own boundary, so a page more is
// mapped and the ends are cut off.
void *memory_map(uint64_t bytes)
{
	uint64_t want = round_up(bytes);
	uint8_t *raw = mmap(NULL, want + HUGE_PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *start;
	uint64_t before;

	if (raw == MAP_FAILED)
		return NULL;
	start = (uint8_t *)(uintptr_t)round_up((uintptr_t)raw);
	before = (uint64_t)(start - raw);
	if (before > 0)
		munmap(raw, before);
	if (before < HUGE_PAGE)
		munmap(start + want, HUGE_PAGE - before);
	madvise(start, want, MADV_HUGEPAGE); // a hint: fine without
	return start;
}

void memory_unmap(void *p, uint64_t bytes)
{
	if (p != NULL)
		munmap(p, round_up(bytes));
}

void *memory_new(uint64_t bytes)
{
	uint64_t lines = (bytes + CACHE_LINE - 1) / CACHE_LINE;
	void *p;

	if (bytes >= HUGE_PAGE)
		return memory_map(bytes);
	p = aligned_alloc(CACHE_LINE, lines * CACHE_LINE);
	if (p != NULL)
		memset(p, 0, lines * CACHE_LINE);
	return p;
}

void memory_free(void *p, uint64_t bytes)
{
	if (bytes >= HUGE_PAGE)
		memory_unmap(p, bytes);
	else
		free(p);
}
