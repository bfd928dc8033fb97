// SPDX-License-Identifier: BSD-3-Clause
// Asks what would become of the live flows under a policy that is not in force.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/forecast.h"
#include "tests/unit/dataplane_fixture.h"

// Calls `fn` for each that would end; how many were judged.
static inline uint64_t foresee(struct fixture *f, const struct dp_policy *policy,
	void (*fn)(void *ctx, const struct dp_foreseen *foreseen), void *ctx)
{
	struct error err;
	struct compiled_policy *next = dataplane_policy_compile(f->dp, policy, &err);
	struct dp_forecast *forecast =
		dataplane_forecast_new(f->dp, &(struct dp_forecast_of){.policy = next});
	struct dp_foreseen ends[DP_FORECAST_LOOKS];
	uint64_t judged = 0;
	unsigned n;
	int more;

	assert_non_null(next);
	assert_non_null(forecast);
	do {
		more = dataplane_forecast_some(forecast, ends, &n, &judged);
		assert_true(more >= 0);
		for (unsigned i = 0; i < n; i++)
			fn(ctx, &ends[i]);
	} while (more > 0);
	dataplane_forecast_free(forecast);
	dataplane_policy_free(next);
	return judged;
}
