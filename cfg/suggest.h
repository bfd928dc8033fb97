// SPDX-License-Identifier: BSD-3-Clause
// What somebody may have meant who wrote a word that is not known. Any thread.
#pragma once

#include <stddef.h>

// The word of best closeness so far. Start from { .written = ... }, offer each known word, read
// `best`: NULL when none is close.
struct suggestion {
	const char *written;
	const char *best;
	unsigned distance;
};

void suggest_offer(struct suggestion *suggestion, const char *word);

// ", did you mean `best`?" or "" into `out`, which it returns.
const char *suggest_str(const struct suggestion *suggestion, char *out, size_t out_bytes);
