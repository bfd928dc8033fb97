// SPDX-License-Identifier: BSD-3-Clause
// What the router says of its uplinks, for people.
#pragma once

#include <jansson.h>
#include <stdio.h>

void print_uplinks(const json_t *result, FILE *out);
void print_uplink_ping(const json_t *result, FILE *out);
