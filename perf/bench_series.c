// SPDX-License-Identifier: BSD-3-Clause
// The same case at one size after another: what perf/plot draws against routes and rules.
#include "perf/bench.h"

enum {
	FIB_LARGE_RESERVE_MB = 2000,
	FLOWS = 10000,
};

const struct bench_case bench_series[] = {
	{"fib4-1", "IPv4, random destinations, 1 route of the internet's mix", false, 1, 0,
		bench_fib4_make},
	{"fib4-100", "the same, 100 routes", false, 100, 0, bench_fib4_make},
	{"fib4-1k", "1,000 routes", false, 1000, 0, bench_fib4_make},
	{"fib4-10k", "10,000 routes", false, 10000, 0, bench_fib4_make},
	{"fib4-100k", "100,000 routes", false, 100000, 0, bench_fib4_make,
		.reserve_mb = FIB_LARGE_RESERVE_MB},
	{"fib6-1", "IPv6, the same, 1 route", false, 1, 0, bench_fib6_make},
	{"fib6-100", "100 routes", false, 100, 0, bench_fib6_make},
	{"fib6-1k", "1,000 routes", false, 1000, 0, bench_fib6_make},
	{"fib6-10k", "10,000 routes", false, 10000, 0, bench_fib6_make,
		.reserve_mb = FIB_LARGE_RESERVE_MB},
	{"fib6-100k", "100,000 routes", false, 100000, 0, bench_fib6_make,
		.reserve_mb = FIB_LARGE_RESERVE_MB},
	{"first-rules-10", "new-flow-10k with 10 rules", false, 10, FLOWS, bench_new_flow_make},
	{"first-rules-100", "100 rules", false, 100, FLOWS, bench_new_flow_make},
	{"first-rules-1k", "1,000 rules", false, 1000, FLOWS, bench_new_flow_make},
	{"first-rules-10k", "10,000 rules", false, 10000, FLOWS, bench_new_flow_make,
		{.base_ratio = 3}, "first-rules-10"},
	{"first-rules-100k", "100,000 rules", false, 100000, FLOWS, bench_new_flow_make},
	{"nat44-rules-10", "nat44-10k with 10 rules", false, 10, FLOWS, bench_nat_make},
	{"nat44-rules-100", "100 rules", false, 100, FLOWS, bench_nat_make},
	{"nat44-rules-1k", "1,000 rules", false, 1000, FLOWS, bench_nat_make},
	{"nat44-rules-10k", "10,000 rules", false, 10000, FLOWS, bench_nat_make},
	{"nat44-rules-100k", "100,000 rules", false, 100000, FLOWS, bench_nat_make},
	{0},
};
