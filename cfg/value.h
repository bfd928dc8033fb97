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

// Why the address cannot be a host's in its own subnet, "the network's broadcast address"; or NULL.
const char *value_why_not_in_subnet(const struct ip_prefix *host);

// "a whole number from 68 to 9600" into `out`, which it returns.
enum { VALUE_EXPECTED_BYTES = 160 };
const char *value_expected(const struct model_key *key, char *out);
