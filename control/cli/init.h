// SPDX-License-Identifier: BSD-3-Clause
// The command that writes a first file for this machine. Returns the exit code.
#pragma once

#include "control/cli/cli.h"

int do_init(const struct cli *cli);
