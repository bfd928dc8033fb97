// SPDX-License-Identifier: BSD-3-Clause
// For ThreadSanitizer alone, given to the compiler by -include. A producer of one of DPDK's rings
// that waits for another one's turn to end reads the ring's tail without an order, and then moves
// it on: on x86 that is enough, but by C's model who reads the second one's tail knows nothing of
// the first one's packets. Waiting with acquire closes the gap. And whoever it waits for may be
// without a core, as slow as all is here and with more workers than cores: it lets them run.
#pragma once

#if __has_include(<rte_pause.h>)
#include <sched.h>

#include <rte_pause.h>

static inline void tsan_ring_wait(const volatile uint32_t *addr, uint32_t expected)
{
	while (__atomic_load_n(addr, __ATOMIC_ACQUIRE) != expected)
		sched_yield();
}

#define rte_wait_until_equal_32(addr, expected, order) tsan_ring_wait(addr, expected)
#endif
