// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/suggest.h"

#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 31 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

// Changes from one word to the other: a letter put in, left out, replaced, or two neighbours
// swapped (optimal string alignment). Both words are at most WORD_MAX long.
static unsigned edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][WORD_MAX + 1]; // the current one and the two before, in turns

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3];
		const unsigned *second_above = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned replaced = above[j - 1] + (a[i - 1] != b[j - 1]);

			row[j] = min3(above[j] + 1, row[j - 1] + 1, replaced);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				second_above[j - 2] + 1 < row[j])
				row[j] = second_above[j - 2] + 1;
		}
	}
	return rows[a_len % 3][b_len];
}

void suggest_offer(struct suggestion *suggestion, const char *word)
{
	size_t written_len = strlen(suggestion->written);
	size_t word_len = strlen(word);
	unsigned distance;

	if (written_len > WORD_MAX || word_len > WORD_MAX)
		return;
	// a third of the word wrong is still that word; more is another
	distance = edit_distance(suggestion->written, written_len, word, word_len);
	if (distance > (word_len > 3 ? word_len / 3 : 1) || distance >= word_len)
		return;
	if (suggestion->best == NULL || distance < suggestion->distance) {
		suggestion->best = word;
		suggestion->distance = distance;
	}
}

const char *suggest_str(const struct suggestion *suggestion, char *out, size_t out_bytes)
{
	if (suggestion->best != NULL)
		snprintf(out, out_bytes, ", did you mean `%s`?", suggestion->best);
	else
		out[0] = '\0';
	return out;
}
