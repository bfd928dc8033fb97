// SPDX-License-Identifier: BSD-3-Clause
// The scalars that only rules have, each a small language of its own: durations, rates, times of
// the week, marks, TCP flags, DSCPs. Called by cfg/value.c. Any thread.
#pragma once

#include "cfg/base/error.h"
#include "cfg/model.h"

// As value_read.
int value_rule_read(const struct model_key *key, const char *text, void *out, struct error *err);

const char *value_rule_expected(enum model_type type); // a constant
