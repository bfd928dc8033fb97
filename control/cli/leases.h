// SPDX-License-Identifier: BSD-3-Clause
// Leases of the DHCP server, for people and as a table of comma-separated values.
#pragma once

#include "control/cli/cli.h"

extern const struct grammar_arg lease_args[];

void print_leases(const json_t *result, FILE *out);
void print_dhcp(const json_t *result, FILE *out);
int do_leases_export(const struct cli *cli);
