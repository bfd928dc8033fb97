// SPDX-License-Identifier: BSD-3-Clause
// A worker without work: polls on for a while, then sleeps until a packet comes or somebody wakes
// it. Only here does a worker make system calls of its own accord, and never while packets come.
// How long it polls follows from how long it was without work before: traffic that keeps coming
// finds it awake, a quiet house's router sleeps. The worker's thread.
#pragma once

#include "dataplane/worker.h"

// After a turn that found nothing.
void sleep_when_idle(struct worker *w);
// After one that found something.
void sleep_idle_over(struct worker *w);
// How long it polls next time, when it did so for `poll_us` and was without work for `idle_us`.
uint32_t sleep_poll_next_us(uint32_t poll_us, uint64_t idle_us);
