// SPDX-License-Identifier: BSD-3-Clause
// A line of commands as words: with quotes and backslashes as a shell has them, # begins a comment.
#pragma once

#include "control/cli/cli.h"

struct line_words;

struct line_words *line_words_new(void); // NULL: no memory
void line_words_free(struct line_words *words);

// 0 with the words, which are valid until the next call; -1 with the reason.
int line_words_split(struct line_words *words, const char *line, const char *const **out,
	int *n_words, struct error *err);

// Splits and runs it. A line without words does nothing.
int line_run(const struct cli *cli, struct line_words *words, const char *line);
