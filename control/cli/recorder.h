// SPDX-License-Identifier: BSD-3-Clause
// millrace show recorder, and millrace recorder write.
#pragma once

#include <stdio.h>

#include "control/cli/cli.h"

void print_recorder(const json_t *result, FILE *out);
int do_recorder(const struct cli *cli);
