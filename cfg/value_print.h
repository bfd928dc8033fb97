// SPDX-License-Identifier: BSD-3-Clause
// The way back from cfg/value.h: one value of the model as the shortest text that reads as the same
// value, on one line, fit for any place in YAML. Any thread.
#pragma once

#include "cfg/base/text_out.h"
#include "cfg/model.h"

// `value` has the type that model_type says. Of a key that is_merged: one value or a list.
void value_print(const struct model_key *key, const void *value, struct text_out *out);

// In quotes where YAML needs them: a text, or what may be a number to its reader.
void value_print_text(const char *text, struct text_out *out);
void value_print_scalar(const char *text, struct text_out *out);
