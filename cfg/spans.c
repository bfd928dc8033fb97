// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/spans.h"

#include <stdlib.h>

static const unsigned __int128 LAST = ~(unsigned __int128)0;

static int compare(const void *left, const void *right)
{
	const struct span *a = left, *b = right;

	return a->first < b->first ? -1 : a->first > b->first;
}

void spans_tidy(struct spans *spans)
{
	struct span *list = spans->list;
	unsigned kept = 0;

	if (spans->n < 2)
		return;
	qsort(list, spans->n, sizeof(*list), compare);
	for (unsigned i = 1; i < spans->n; i++) {
		bool is_apart = list[kept].last != LAST && list[i].first > list[kept].last + 1;

		if (is_apart)
			list[++kept] = list[i];
		else if (list[i].last > list[kept].last)
			list[kept].last = list[i].last;
	}
	spans->n = kept + 1;
}

// The first range that ends at `number` or later, or NULL.
static const struct span *find(const struct spans *spans, unsigned __int128 number)
{
	unsigned first = 0, end = spans->n;

	while (first < end) {
		unsigned middle = first + (end - first) / 2;

		if (spans->list[middle].last < number)
			first = middle + 1;
		else
			end = middle;
	}
	return first < spans->n ? &spans->list[first] : NULL;
}

bool spans_cover(const struct spans *outer, const struct spans *inner)
{
	for (unsigned i = 0; i < inner->n; i++) {
		const struct span *span = &inner->list[i];
		const struct span *around = find(outer, span->first);

		if (around == NULL || around->first > span->first || around->last < span->last)
			return false;
	}
	return true;
}

bool spans_meet(const struct spans *a, const struct spans *b)
{
	for (unsigned i = 0; i < a->n; i++) {
		const struct span *beside = find(b, a->list[i].first);

		if (beside != NULL && beside->first <= a->list[i].last)
			return true;
	}
	return false;
}

bool spans_cover_rest(const struct spans *outer, const struct spans *hole, unsigned __int128 max)
{
	unsigned __int128 next = 0; // all before is in one of them
	unsigned i = 0, j = 0;

	while (i < outer->n || j < hole->n) {
		bool is_outer = j == hole->n ||
				(i < outer->n && outer->list[i].first <= hole->list[j].first);
		const struct span *span = is_outer ? &outer->list[i++] : &hole->list[j++];

		if (span->first > next)
			return false;
		if (span->last >= max)
			return true;
		if (span->last >= next)
			next = span->last + 1;
	}
	return false;
}

struct span_block span_first_block(const struct span *span, unsigned bits)
{
	struct span_block block = {.first = span->first, .len = (unsigned char)bits};
	unsigned __int128 size_less_one = 0;

	while (block.len > 0) {
		unsigned __int128 larger = size_less_one << 1 | 1;

		if ((span->first & larger) != 0 || larger > span->last - span->first)
			break;
		size_less_one = larger;
		block.len--;
	}
	return block;
}

unsigned spans_blocks(
	const struct spans *spans, unsigned bits, struct span_block *out, unsigned n_max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < spans->n; i++) {
		struct span rest = spans->list[i];

		for (;;) {
			struct span_block block = span_first_block(&rest, bits);
			unsigned free_bits = bits - block.len;
			unsigned __int128 last =
				free_bits == 128
					? LAST
					: block.first + (((unsigned __int128)1 << free_bits) - 1);

			if (n == n_max)
				return n_max + 1;
			out[n++] = block;
			if (last >= rest.last)
				break;
			rest.first = last + 1;
		}
	}
	return n;
}
