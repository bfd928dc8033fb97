// SPDX-License-Identifier: BSD-3-Clause
// Parts of a config on one line of YAML, along the table in cfg/model.c: what a file of shortest
// form would say. `base` is the struct that the object was read into. Any thread.
#pragma once

#include "cfg/base/text_out.h"
#include "cfg/model.h"

// Whether such a file has the key: something is said, and not only the default. `out` is as it was.
bool one_line_has(const struct model_object *object, const struct model_key *key, const char *base,
	struct text_out *out);

// The value of a key that the file has and that is no MODEL_LIST and no MODEL_NAMED: "busy",
// "[1, 2]", "{ set: banned }".
void one_line_value(const struct model_key *key, const char *base, struct text_out *out);

// "{ from: lan, action: accept }" of an object that is flat.
void one_line_object(const struct model_object *object, const char *base, struct text_out *out);

// Holds no MODEL_LIST and no MODEL_NAMED, however deep.
bool one_line_is_flat(const struct model_object *object);

// The array of a key with several values or objects, with steps of one_line_stride bytes.
const char *one_line_array(const struct model_key *key, const char *base, unsigned *n);
size_t one_line_stride(const struct model_key *key);
