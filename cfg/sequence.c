// SPDX-License-Identifier: BSD-3-Clause
// Equal ends are taken off first. What is left is sorted on both sides, so that each text finds its
// like on the other side; the longest rising run of those (patience sorting) keeps the order.
#include "cfg/sequence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	const char *text;
	unsigned index;
};

struct pile {
	unsigned top;	// index in before, whose match is the least that ends a run of this length
	unsigned match; // its
};

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order = strcmp(a->text, b->text);

	return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static void sort(const char *const *texts, unsigned first, unsigned end, struct entry *out)
{
	for (unsigned i = first; i < end; i++)
		out[i - first] = (struct entry){texts[i], i};
	qsort(out, end - first, sizeof(*out), compare_entries);
}

// Who is like whom, whatever the order.
static void pair(const struct entry *before, unsigned n_before, const struct entry *after,
	unsigned n_after, unsigned *match)
{
	for (unsigned i = 0, j = 0; i < n_before && j < n_after;) {
		int order = strcmp(before[i].text, after[j].text);

		if (order == 0)
			match[before[i++].index] = after[j++].index;
		else if (order < 0)
			i++;
		else
			j++;
	}
}

// Drops the pairs of `match` that are not in the longest run in which it rises. `under` has the
// entry that each stands on.
static void keep_longest_rise(
	unsigned *match, unsigned first, unsigned end, struct pile *piles, unsigned *under)
{
	unsigned n_piles = 0, kept;

	for (unsigned i = first; i < end; i++) {
		unsigned low = 0, high = n_piles;

		if (match[i] == SEQUENCE_NONE)
			continue;
		while (low < high) {
			unsigned middle = low + (high - low) / 2;

			if (piles[middle].match < match[i])
				low = middle + 1;
			else
				high = middle;
		}
		under[i - first] = low > 0 ? piles[low - 1].top : SEQUENCE_NONE;
		piles[low] = (struct pile){i, match[i]};
		if (low == n_piles)
			n_piles++;
	}
	kept = n_piles > 0 ? piles[n_piles - 1].top : SEQUENCE_NONE;
	for (unsigned i = end; i > first; i--) {
		if (i - 1 == kept)
			kept = under[i - 1 - first];
		else
			match[i - 1] = SEQUENCE_NONE;
	}
}

int sequence_match(const char *const *before, unsigned n_before, const char *const *after,
	unsigned n_after, unsigned *match)
{
	unsigned first = 0, end_before = n_before, end_after = n_after;
	struct entry *sorted_before, *sorted_after;
	struct pile *piles;
	unsigned *under;
	int result = -ENOMEM;

	for (unsigned i = 0; i < n_before; i++)
		match[i] = SEQUENCE_NONE;
	for (; first < n_before && first < n_after && strcmp(before[first], after[first]) == 0;
		first++)
		match[first] = first;
	while (end_before > first && end_after > first &&
		strcmp(before[end_before - 1], after[end_after - 1]) == 0)
		match[--end_before] = --end_after;
	if (end_before == first || end_after == first)
		return 0;

	sorted_before = calloc(end_before - first, sizeof(*sorted_before));
	sorted_after = calloc(end_after - first, sizeof(*sorted_after));
	piles = calloc(end_before - first, sizeof(*piles));
	under = calloc(end_before - first, sizeof(*under));
	if (sorted_before != NULL && sorted_after != NULL && piles != NULL && under != NULL) {
		sort(before, first, end_before, sorted_before);
		sort(after, first, end_after, sorted_after);
		pair(sorted_before, end_before - first, sorted_after, end_after - first, match);
		keep_longest_rise(match, first, end_before, piles, under);
		result = 0;
	}
	free(under);
	free(piles);
	free(sorted_after);
	free(sorted_before);
	return result;
}
