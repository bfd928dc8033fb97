// SPDX-License-Identifier: BSD-3-Clause
// `millrace explain`: what would become of a packet, step by step.
#pragma once

#include "control/cli/cli.h"

extern const struct grammar_arg explain_args[];

int do_explain(const struct cli *cli);
