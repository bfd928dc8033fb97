// SPDX-License-Identifier: BSD-3-Clause
// Which cores the workers run on, and which one is left to control.
#pragma once

#include <sched.h>

#include "cfg/config.h"

struct cores {
	int workers[CFG_CORES_MAX]; // that the workers run on
	unsigned n_cores;
	unsigned n_workers; // as many or more: then they take turns
	int control;	    // -1: no core is free of workers
};

// The config's choice, or all allowed cores but the first. 0, or -1 when the config names one
// that is not there or not allowed. A core named twice has two threads. There are as many workers
// as the config says, else as many as cores.
int cores_choose(struct cores *cores, const struct config *config, const cpu_set_t *allowed,
	struct error *err);

// Takes all threads of the process but the workers' own off their cores, where another one is
// allowed.
void cores_leave_to_workers(const struct cores *cores, const cpu_set_t *allowed);

// "1-3,5" into `out`, which it returns.
const char *cores_str(const struct cores *cores, char *out, size_t out_bytes);
