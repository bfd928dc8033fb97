// SPDX-License-Identifier: BSD-3-Clause
// millrace check: what is wrong with a config, and what is doubtful, without a router.
#pragma once

#include "control/cli/cli.h"

// Each returns the process's exit code.
int do_check(const struct cli *cli);
int do_check_list(const struct cli *cli);
