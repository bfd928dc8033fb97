// SPDX-License-Identifier: BSD-3-Clause
// Who would answer a question for a name, in a sentence.
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "control/cli/grammar.h"

extern const struct grammar_arg explain_dns_args[];

void print_explain_dns(const json_t *result, FILE *out);
