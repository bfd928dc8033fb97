// SPDX-License-Identifier: BSD-3-Clause
// Sets of CPUs as the kernel writes them: "0-3,8". Plain values. Any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CPU_LIST_MAX = 1024 }; // numbers from there on are left out

struct cpu_list {
	uint64_t bits[CPU_LIST_MAX / 64];
	unsigned n;
};

// As far as it makes sense; "" and "(null)" are the empty one.
void cpu_list_parse(const char *text, struct cpu_list *out);
void cpu_list_add(struct cpu_list *list, unsigned cpu);
void cpu_list_remove(struct cpu_list *list, unsigned cpu);
bool cpu_list_has(const struct cpu_list *list, unsigned cpu);
unsigned cpu_list_first(const struct cpu_list *list); // CPU_LIST_MAX: it is empty

// All numbers with that between them, as many as there is room for. Returns `out`.
const char *cpu_list_str(
	const struct cpu_list *list, const char *between, char *out, size_t out_bytes);
