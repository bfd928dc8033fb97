// SPDX-License-Identifier: BSD-3-Clause
// A rule of the config as one line, in the words that the file takes: "from: lan, to: wan,
// protocol: tcp, port: [80, 443], action: accept". What the config's checks completed is there
// too. Rules that say the same have the same text. Any thread.
#pragma once

#include <stdio.h>

#include "cfg/firewall.h"

void rule_text_write(FILE *out, const struct cfg_rule *rule); // without its comment

const char *action_text(enum cfg_action action); // "accept"; a constant
