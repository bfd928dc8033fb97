// SPDX-License-Identifier: BSD-3-Clause
// A full table of both families, loaded and changed while a worker forwards.
#pragma once

// Like main: `argv[0]` is the mode's name. The exit code.
int bench_routes_main(int argc, char **argv);
