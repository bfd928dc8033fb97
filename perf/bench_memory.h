// SPDX-License-Identifier: BSD-3-Clause
// What the tables take of memory: resident bytes before and after, divided by how many were added.
#pragma once

// `perf/bench memory`; returns the exit code.
int bench_memory_main(int argc, char **argv);
