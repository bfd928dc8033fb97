// SPDX-License-Identifier: BSD-3-Clause
// What the DNS forwarder has done, for people.
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "control/cli/grammar.h"

extern const struct grammar_arg dns_args[];

void print_dns(const json_t *result, FILE *out);
