// SPDX-License-Identifier: BSD-3-Clause
// Instructions, counted one by one: with the trap flag set the processor raises a debug exception
// after each, and the handler counts those. Exact and repeatable, needs no performance counters
// and no emulator, and sees the very code that is timed, AVX-512 included. About 1 us a step.
#include "perf/bench.h"

#include <signal.h>
#include <string.h>

static volatile uint64_t n_traps;

static void on_trap(int signal_number)
{
	n_traps++;
}

// 128 bytes below the stack pointer belong to the caller (System V ABI: the red zone).
static inline void trap_flag_set(void)
{
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "pushfq\n\t"
			 "orq $0x100, (%%rsp)\n\t"
			 "popfq\n\t"
			 "lea 128(%%rsp), %%rsp" ::
				 : "memory", "cc");
}

static inline void trap_flag_clear(void)
{
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "pushfq\n\t"
			 "andq $~0x100, (%%rsp)\n\t"
			 "popfq\n\t"
			 "lea 128(%%rsp), %%rsp" ::
				 : "memory", "cc");
}

uint64_t bench_count_steps(void (*fn)(void *), void *arg)
{
	struct sigaction action = {.sa_handler = on_trap};
	struct sigaction before;

	n_traps = 0;
	sigaction(SIGTRAP, &action, &before);
	trap_flag_set();
	fn(arg);
	trap_flag_clear();
	sigaction(SIGTRAP, &before, NULL);
	return n_traps;
}
