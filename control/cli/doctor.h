// SPDX-License-Identifier: BSD-3-Clause
// The command that looks at the machine: what is fine for a router, what is not, and what puts it
// right. Returns the exit code: 1 when something keeps the router from running.
#pragma once

#include "control/cli/cli.h"

int do_doctor(const struct cli *cli);
