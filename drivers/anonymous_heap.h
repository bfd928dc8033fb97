// SPDX-License-Identifier: BSD-3-Clause
// DPDK's heap on transparent huge pages, where none are reserved.
#pragma once

#include <stdint.h>

// rte_eal_init with `--no-huge -m heap_bytes` among the arguments; its result. Control thread,
// before there are others.
int anonymous_heap_init(int argc, char **argv, uint64_t heap_bytes);
