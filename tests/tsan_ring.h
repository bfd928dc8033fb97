// SPDX-License-Identifier: BSD-3-Clause
// For ThreadSanitizer alone, given to the compiler by -include. A producer of one of DPDK's rings
// that waits for another one's turn to end reads the ring's tail without an order, and then moves
// it on: on x86 that is enough, but by C's model who reads the second one's tail knows nothing of
// the first one's packets. Waiting with acquire closes the gap.
#pragma once

#if __has_include(<rte_pause.h>)
#include <rte_pause.h>
#define rte_wait_until_equal_32(addr, expected, order)                                             \
	rte_wait_until_equal_32(addr, expected, __ATOMIC_ACQUIRE)
#endif
