// SPDX-License-Identifier: BSD-3-Clause
// millrace capture: packets of the running router to a file or a pipe, as pcapng.
#pragma once

#include "control/cli/cli.h"

#define CAPTURE_USAGE                                                                              \
	"capture [on INTERFACE]... [rx|tx|drop]... [filter EXPRESSION] [count N]\n"                \
	"      [for 10s] [snap BYTES] [all] [to FILE|-]   packets, as pcapng"

int do_capture(const struct cli *cli);
