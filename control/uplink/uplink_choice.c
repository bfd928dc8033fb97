// SPDX-License-Identifier: BSD-3-Clause
#include "control/uplink/uplink_choice.h"

#include <stddef.h>

// The lower the better.
static unsigned rank_of(const struct uplink_candidate *candidate)
{
	switch (candidate->state) {
	case UPLINK_UP:
		return 0;
	case UPLINK_DEGRADED:
	case UPLINK_RECOVERING:
		return 1;
	case UPLINK_DOWN:
		return candidate->is_link_up ? 2 : 3;
	}
	return 3;
}

static bool is_better(const struct uplink_candidate *a, const struct uplink_candidate *b)
{
	if (rank_of(a) != rank_of(b))
		return rank_of(a) < rank_of(b);
	return a->priority < b->priority;
}

static const struct uplink_candidate *best_of(const struct uplink_candidate *list, unsigned n)
{
	const struct uplink_candidate *best = NULL;

	for (unsigned i = 0; i < n; i++)
		if (list[i].has_way && (best == NULL || is_better(&list[i], best)))
			best = &list[i];
	return best;
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
	while (b != 0) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

// Without what they have in common, and no more than a route has room for: small shares are kept.
static void fit_shares(struct uplink_candidate *list, unsigned n)
{
	uint32_t sum = 0, common = 0;

	for (unsigned i = 0; i < n; i++) {
		common = common_divisor(list[i].shares, common);
		sum += list[i].shares;
	}
	for (unsigned i = 0; i < n && common > 1; i++)
		list[i].shares /= common;
	sum = common > 1 ? sum / common : sum;
	while (sum > UPLINK_SHARES_MAX) {
		struct uplink_candidate *largest = &list[0];

		for (unsigned i = 1; i < n; i++)
			if (list[i].shares >= largest->shares)
				largest = &list[i];
		largest->shares--;
		sum--;
	}
}

unsigned uplink_choose(struct uplink_candidate *list, unsigned n)
{
	const struct uplink_candidate *best = best_of(list, n);
	unsigned n_used = 0;

	for (unsigned i = 0; i < n; i++) {
		bool is_used = best != NULL && list[i].has_way && !is_better(best, &list[i]);

		list[i].shares = is_used ? list[i].weight : 0;
		n_used += is_used;
	}
	if (n_used > 1)
		fit_shares(list, n);
	else
		for (unsigned i = 0; i < n; i++)
			list[i].shares = list[i].shares > 0;
	return n_used;
}

const char *uplink_why_not(const struct uplink_candidate *list, unsigned n, unsigned index)
{
	const struct uplink_candidate *best = best_of(list, n), *candidate = &list[index];

	if (candidate->shares > 0)
		return NULL;
	if (!candidate->has_way)
		return "no next router";
	if (best != NULL && rank_of(best) < rank_of(candidate))
		return uplink_state_name(candidate->state);
	return "priority";
}
