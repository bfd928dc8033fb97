// SPDX-License-Identifier: BSD-3-Clause
// A line of keys and values as the config file takes them between braces, and elements of sets.
// Any thread.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "cfg/config.h"
#include "cfg/words.h"

struct text_line {
	FILE *out;
	bool has_keys;
};

void text_line_key(struct text_line *line, const char *key); // its value is for the caller
void text_line_word(struct text_line *line, const char *key, const char *word);
void text_line_quoted(struct text_line *line, const char *key, const char *text);
void text_line_family(struct text_line *line, uint8_t family); // IP_NONE: both
// Nothing where there are none.
void text_line_names(struct text_line *line, const char *key, const struct cfg_names *names);
void text_line_match(struct text_line *line, const char *key, enum cfg_set_kind kind,
	const struct cfg_match *match);

// The `n` items of a value, with brackets around more than one.
struct text_list {
	FILE *out;
	unsigned n, i;
};

void text_list_item(struct text_list *list); // before each
void text_list_end(const struct text_list *list);

void element_text_write(FILE *out, enum cfg_set_kind kind, const struct cfg_element *element);
const char *set_kind_text(enum cfg_set_kind kind); // "addresses"; a constant

// The word for a number, or NULL.
const char *text_word_of(const struct word *words, uint32_t value);
