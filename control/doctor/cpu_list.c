// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/cpu_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool cpu_list_has(const struct cpu_list *list, unsigned cpu)
{
	return cpu < CPU_LIST_MAX && (list->bits[cpu / 64] >> (cpu % 64) & 1) != 0;
}

void cpu_list_add(struct cpu_list *list, unsigned cpu)
{
	if (cpu >= CPU_LIST_MAX || cpu_list_has(list, cpu))
		return;
	list->bits[cpu / 64] |= UINT64_C(1) << (cpu % 64);
	list->n++;
}

void cpu_list_remove(struct cpu_list *list, unsigned cpu)
{
	if (!cpu_list_has(list, cpu))
		return;
	list->bits[cpu / 64] &= ~(UINT64_C(1) << (cpu % 64));
	list->n--;
}

unsigned cpu_list_first(const struct cpu_list *list)
{
	unsigned cpu = 0;

	while (cpu < CPU_LIST_MAX && !cpu_list_has(list, cpu))
		cpu++;
	return cpu;
}

void cpu_list_parse(const char *text, struct cpu_list *out)
{
	*out = (struct cpu_list){0};
	while (*text >= '0' && *text <= '9') {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (unsigned long cpu = first; cpu <= last && cpu < CPU_LIST_MAX; cpu++)
			cpu_list_add(out, (unsigned)cpu);
		if (*end != ',')
			break;
		text = end + 1;
	}
}

const char *cpu_list_str(
	const struct cpu_list *list, const char *between, char *out, size_t out_bytes)
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned cpu = 0; cpu < CPU_LIST_MAX; cpu++) {
		char one[24];
		int n;

		if (!cpu_list_has(list, cpu))
			continue;
		n = snprintf(one, sizeof(one), "%s%u", len == 0 ? "" : between, cpu);
		if (len + (size_t)n >= out_bytes)
			break;
		memcpy(out + len, one, (size_t)n + 1);
		len += (size_t)n;
	}
	return out;
}
