// SPDX-License-Identifier: BSD-3-Clause
// What the machine, or the container that this is in, has of memory. Control thread.
#pragma once

#include <stdint.h>

// The machine's RAM, or less where a cgroup (v2) allows this process no more. 0: nobody says.
uint64_t machine_memory_bytes(void);
