// SPDX-License-Identifier: BSD-3-Clause
// The commands that change what is in sets: ban, unban, sets reload. Each returns the exit code.
#pragma once

#include "control/cli/cli.h"

int do_ban(const struct cli *cli);
int do_unban(const struct cli *cli);
int do_sets(const struct cli *cli);
