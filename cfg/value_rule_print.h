// SPDX-License-Identifier: BSD-3-Clause
// The way back from cfg/value_rule.h. Called by cfg/value_print.c. Any thread.
#pragma once

#include "cfg/base/text_out.h"
#include "cfg/model.h"

// As value_print.
void value_rule_print(const struct model_key *key, const void *value, struct text_out *out);

// One word, or several in brackets.
struct value_list {
	struct text_out *out;
	unsigned n; // words in all
	unsigned n_added;
};

void value_list_add(struct value_list *list, const char *word); // that needs no quotes
