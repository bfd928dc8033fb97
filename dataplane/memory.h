// SPDX-License-Identifier: BSD-3-Clause
// Large tables of the workers: zeroed, aligned to transparent huge pages where the kernel has
// them; pages never written cost nothing. Control thread.
#pragma once

#include <stdint.h>

// NULL when there is no address space or the limit is reached.
void *memory_map(uint64_t bytes);
void memory_unmap(void *p, uint64_t bytes); // NULL is fine

// The same for tables that may also be small: those come from the heap, aligned to a cache line.
void *memory_new(uint64_t bytes);
void memory_free(void *p, uint64_t bytes); // NULL is fine
