// SPDX-License-Identifier: BSD-3-Clause
// Large tables of the workers: zeroed, aligned to transparent huge pages where the kernel has
// them; pages never written cost nothing. Control thread.
#pragma once

#include <stdint.h>

// NULL when there is no address space or the limit is reached.
void *memory_map(uint64_t bytes);
void memory_unmap(void *p, uint64_t bytes); // NULL is fine
