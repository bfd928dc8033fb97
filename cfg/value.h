// SPDX-License-Identifier: BSD-3-Clause
// One scalar of the model from its text: strict, nothing guessed. Any thread.
#pragma once

#include "cfg/base/arena.h"
#include "cfg/base/error.h"
#include "cfg/model.h"

// Writes the value to `out`, which has the type that model_type says; strings are copied into
// `arena`. 0, or -1 with the reason in `err`; without memory 0 and NULL strings: the arena knows.
int value_read(const struct model_key *key, const char *text, struct arena *arena, void *out,
	struct error *err);

// The pieces of it that other readers of values share.
bool value_is_name(const char *text, size_t len_max);
// What follows a leading "not " or "!"; `text` itself when there is none.
const char *value_after_not(const char *text);
int value_unexpected(
	const struct model_key *key, const char *text, const char *hint, struct error *err);

// "a whole number from 68 to 9600" into `out`, which it returns.
enum { VALUE_EXPECTED_BYTES = 160 };
const char *value_expected(const struct model_key *key, char *out);
