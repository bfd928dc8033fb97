// SPDX-License-Identifier: BSD-3-Clause
// A thread whose workers have no work: polls on for a while, then sleeps until a packet comes or
// somebody wakes one of them. Only here does it make system calls of its own accord, and never
// while packets come. How long it polls follows from how long it was without work before: traffic
// that keeps coming finds it awake, a quiet house's router sleeps. The thread's own.
#pragma once

#include "dataplane/thread.h"

// After turns of all its workers that found nothing.
void sleep_when_idle(struct thread *t);
// After those of which one found something.
void sleep_idle_over(struct thread *t);
// How long it polls next time, when it did so for `poll_us` and was without work for `idle_us`.
uint32_t sleep_poll_next_us(uint32_t poll_us, uint64_t idle_us);
