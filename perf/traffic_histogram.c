// SPDX-License-Identifier: BSD-3-Clause
// Values below 64 have a bucket each; above, the six bits after the leading one choose it.
#include "perf/traffic.h"

enum { SUB_BUCKETS = 1 << HISTOGRAM_SUB_BITS };

static unsigned bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < SUB_BUCKETS)
		return (unsigned)value;
	shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
	return ((shift + 1) << HISTOGRAM_SUB_BITS) + (unsigned)((value >> shift) - SUB_BUCKETS);
}

// The largest value of a bucket: a percentile never flatters.
static uint64_t bucket_top(unsigned bucket)
{
	unsigned shift;

	if (bucket < SUB_BUCKETS)
		return bucket;
	shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
	return ((uint64_t)(SUB_BUCKETS + bucket % SUB_BUCKETS) << shift) + ((1ull << shift) - 1);
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
	histogram->counts[bucket_of(value)]++;
	histogram->n++;
	if (value > histogram->max)
		histogram->max = value;
}

uint64_t histogram_permille(const struct histogram *histogram, unsigned permille)
{
	uint64_t wanted = (histogram->n * permille + 999) / 1000;
	uint64_t seen = 0;

	if (histogram->n == 0)
		return 0;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->counts[i];
		if (seen >= wanted && seen > 0)
			return bucket_top(i) < histogram->max ? bucket_top(i) : histogram->max;
	}
	return histogram->max;
}
