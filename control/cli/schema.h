// SPDX-License-Identifier: BSD-3-Clause
// millrace schema: the table of cfg/model.h as a JSON Schema (draft 2020-12), with which editors
// complete and check a file while it is written.
#pragma once

#include "control/cli/cli.h"

int do_schema(const struct cli *cli);
