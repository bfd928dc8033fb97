// SPDX-License-Identifier: BSD-3-Clause
// millrace capture: packets of the running router to a file or a pipe, as pcapng.
#pragma once

#include "control/cli/cli.h"

int do_capture(const struct cli *cli);
// What the method begins, which takes `last_sec`, to where the command's word `to` says.
int capture_fetch(const struct cli *cli, const char *method);
