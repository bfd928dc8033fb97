// SPDX-License-Identifier: BSD-3-Clause
// `millrace explain`: what would become of a packet, step by step.
#pragma once

#include "control/cli/cli.h"

extern const struct grammar_arg explain_args[], explain_live_args[];

int do_explain(const struct cli *cli);
int do_explain_live(const struct cli *cli);
// Asks with these parameters, and prints the answer; takes them. The exit code.
int explain_ask(const struct cli *cli, json_t *params);
