// SPDX-License-Identifier: BSD-3-Clause
// Monotonic time. Any thread but workers, which read the TSC once a burst.
#pragma once

#include <stdint.h>

uint64_t clock_now_ms(void);
uint64_t clock_now_ns(void);
