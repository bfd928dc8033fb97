// SPDX-License-Identifier: BSD-3-Clause
// What a single value of the model may be, as a JSON Schema (draft 2020-12): as strict as a pattern
// can be, and never stricter than cfg/value.h. What YAML reads as a number is one here.
#pragma once

#include <jansson.h>

#include "cfg/model.h"

json_t *schema_value(const struct model_key *key); // a new reference

// Of the names that a mapping may have as keys.
json_t *schema_name(size_t len_max);
