// SPDX-License-Identifier: BSD-3-Clause
// One element of a set, or of what stands in a rule instead of one, from its text. cfg/firewall.h
// has what others need of it. Any thread.
#pragma once

#include "cfg/base/arena.h"
#include "cfg/firewall.h"
#include "cfg/words.h"

// "a port such as 443, 8000-8099 or https"; a constant.
const char *element_expected(enum cfg_set_kind kind);

// The name of the kind's key in a set, "addresses"; a constant.
const char *element_kind_name(enum cfg_set_kind kind);

// The words of the kind, tables of them up to NULL.
const struct word *const *element_words(enum cfg_set_kind kind);

// An element with its strings in `arena`. 0, or -1 with the reason in `err`.
int element_read(enum cfg_set_kind kind, const char *text, struct arena *arena,
	struct cfg_element *out, struct error *err);

// The same or the name of a set, and either one after "not " or "!". A name may turn out to be of
// an interface or of a set of them: it is given as an interface.
int element_read_match(enum cfg_set_kind kind, const char *text, struct arena *arena,
	struct cfg_element *out, struct error *err);
