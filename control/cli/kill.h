// SPDX-License-Identifier: BSD-3-Clause
// `millrace kill` and `millrace clear`: what lives or was counted is ended, or begins anew.
#pragma once

#include "control/cli/cli.h"

int do_kill(const struct cli *cli);
int do_clear_counters(const struct cli *cli);
int do_clear_drops(const struct cli *cli);
int do_clear_neighbours(const struct cli *cli);
int do_clear_flows(const struct cli *cli);
