// SPDX-License-Identifier: BSD-3-Clause
// A translation of the config as one line, in the words that the file takes: "masquerade: wan,
// from: 198.18.0.0/24". Any thread.
#pragma once

#include <stdio.h>

#include "cfg/nat.h"

void nat_text_write(FILE *out, const struct cfg_nat *nat);

const char *nat_kind_text(enum cfg_nat_kind kind); // "one-to-one"; a constant
