// SPDX-License-Identifier: BSD-3-Clause
// The daemon's log: `show log` and `log`.
#pragma once

#include "control/cli/cli.h"

extern const struct grammar_arg log_show_args[], log_change_args[];

void print_log(const json_t *result, FILE *out);
void print_parts(const json_t *result, FILE *out);
