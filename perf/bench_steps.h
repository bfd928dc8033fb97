// SPDX-License-Identifier: BSD-3-Clause
// Where the clocks of a burst go, step by step: a verb of its own of the benchmark.
#pragma once

// The program's arguments from `steps` on; returns the exit status.
int bench_steps_main(int argc, char **argv);
