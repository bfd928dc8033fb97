// SPDX-License-Identifier: BSD-3-Clause
// DPDK for unit tests: ordinary memory, no devices, no files, and the affinity of the test kept.
#pragma once

#include <sched.h>
#include <stdio.h>

#include <rte_eal.h>

static inline int eal_start(const char *megabytes)
{
	char *argv[] = {"test", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m",
		(char *)(uintptr_t)megabytes, "--log-level=*:error"};
	cpu_set_t cpus;
	int ret;

	sched_getaffinity(0, sizeof(cpus), &cpus);
	ret = rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])), argv);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	if (ret < 0)
		fprintf(stderr, "DPDK does not start\n");
	return ret < 0 ? -1 : 0;
}
