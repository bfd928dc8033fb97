// SPDX-License-Identifier: BSD-3-Clause
// The commands about the config: plan, apply, confirm, rollback, history, diff. Each returns the
// exit code.
#pragma once

#include "control/cli/cli.h"

int do_plan(const struct cli *cli);
int do_apply(const struct cli *cli);
int do_confirm(const struct cli *cli);
int do_rollback(const struct cli *cli);
int do_history(const struct cli *cli);
int do_diff(const struct cli *cli);
