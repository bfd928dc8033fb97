// SPDX-License-Identifier: BSD-3-Clause
// A worker without work: pauses first, then sleeps until a packet comes or somebody wakes it. Only
// here does a worker make system calls of its own accord, and never while packets come.
#pragma once

#include "dataplane/worker.h"

// After a turn that found nothing, the n_empty-th in a row. The worker's thread.
void sleep_when_idle(struct worker *w, unsigned n_empty);
