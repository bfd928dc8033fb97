// SPDX-License-Identifier: BSD-3-Clause
// Two answers to one question, some time apart: what was counted in between, per second.
#pragma once

#include <jansson.h>

// Turns the counters of `now` into rates since `before`, which may be NULL: then into nothing. Rows
// are known again by what they are about, wherever they stand.
void rates_of(json_t *now, const json_t *before, double seconds);

// The largest of a list of counters first, as the daemon has the totals; the others as they were.
void rates_sort_counters(json_t *answer);
