// SPDX-License-Identifier: BSD-3-Clause
// Views of what rules, translations and sets are and have done. See show.h.
#pragma once

#include <jansson.h>
#include <stdio.h>

void print_firewall(const json_t *result, FILE *out);
void print_counters(const json_t *result, FILE *out);
void print_nat(const json_t *result, FILE *out);
void print_zones(const json_t *result, FILE *out);
void print_sets(const json_t *result, FILE *out);
void print_set(const json_t *result, FILE *out);
