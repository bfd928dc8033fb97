// SPDX-License-Identifier: BSD-3-Clause
// millrace check: what is wrong with a config, and what is doubtful, without a router.
#pragma once

#include "control/cli/cli.h"

// Returns the process's exit code.
int check_run(const struct cli *cli);
