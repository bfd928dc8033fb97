// SPDX-License-Identifier: BSD-3-Clause
// What may come next at a place of a command line, names that live in the daemon included: for the
// shells' completion and for ours.
#pragma once

#include "control/cli/cli.h"

enum { OFFERS_MAX = 1024, OFFER_HELP_BYTES = 96 };

struct offer {
	char word[GRAMMAR_WORD_BYTES], help[OFFER_HELP_BYTES];
};

struct offers {
	const struct cli *cli;
	const char *begun;
	unsigned n;
	struct offer list[OFFERS_MAX];
};

// After `words`, those that begin with `begun`. NULL: no memory. The caller frees it.
struct offers *offers_collect(
	const struct cli *cli, const char *const *words, int n_words, const char *begun);
