// SPDX-License-Identifier: BSD-3-Clause
// The commands about the config: plan, apply, confirm, rollback, history, diff. Those that do
// return the exit code.
#pragma once

#include "control/cli/cli.h"

int do_plan(const struct cli *cli);
int do_apply(const struct cli *cli);
int do_rollback(const struct cli *cli);
int do_config_show(const struct cli *cli); // what takes a while to read

void print_confirmed(const json_t *result, FILE *out);
void print_history(const json_t *result, FILE *out);
void print_changes(const json_t *result, FILE *out);
