// SPDX-License-Identifier: BSD-3-Clause
// Captures whose filter matches no frame of the benchmark's.
#pragma once

#include "perf/bench.h"

int bench_capture_start(struct dataplane *dp, bool is_thorough, struct error *err);
