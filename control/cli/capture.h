// SPDX-License-Identifier: BSD-3-Clause
// millrace capture: packets of the running router to a file or a pipe, as pcapng.
#pragma once

#include "control/cli/cli.h"

int do_capture(const struct cli *cli);
