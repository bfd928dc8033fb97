// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "perf/traffic.h"

static struct histogram histogram;

static int empty(void **state)
{
	histogram = (struct histogram){0};
	return 0;
}

static void an_empty_one_says_zero(void **state)
{
	assert_int_equal(histogram_permille(&histogram, 500), 0);
	assert_int_equal(histogram_permille(&histogram, 999), 0);
}

static void small_values_are_exact(void **state)
{
	for (uint64_t i = 1; i <= 60; i++)
		histogram_add(&histogram, i);
	assert_int_equal(histogram_permille(&histogram, 1), 1);
	assert_int_equal(histogram_permille(&histogram, 500), 30);
	assert_int_equal(histogram_permille(&histogram, 990), 60);
	assert_int_equal(histogram_permille(&histogram, 1000), 60);
}

// Never less than the value, and at most one part of 64 more.
static void large_values_are_right_to_a_sixty_fourth(void **state)
{
	static const uint64_t values[] = {63, 64, 65, 127, 128, 1000, 4095, 4096, 123456, 999999999,
		(1ull << 40) + 12345, UINT64_MAX / 2, UINT64_MAX};

	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		uint64_t seen;

		histogram = (struct histogram){0};
		histogram_add(&histogram, values[i]);
		histogram_add(&histogram, UINT64_MAX);
		seen = histogram_permille(&histogram, 500);
		assert_true(seen >= values[i]);
		assert_true(seen - values[i] <= values[i] / 64);
	}
}

static void the_last_is_not_above_the_largest_seen(void **state)
{
	histogram_add(&histogram, 1000001);
	assert_int_equal(histogram_permille(&histogram, 999), 1000001);
}

static void one_slow_of_a_thousand_is_not_in_p99_9(void **state)
{
	for (unsigned i = 0; i < 999; i++)
		histogram_add(&histogram, 10);
	histogram_add(&histogram, 1 << 20);
	assert_int_equal(histogram_permille(&histogram, 999), 10);
	assert_int_equal(histogram_permille(&histogram, 1000), 1 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_one_says_zero, empty),
		cmocka_unit_test_setup(small_values_are_exact, empty),
		cmocka_unit_test_setup(large_values_are_right_to_a_sixty_fourth, empty),
		cmocka_unit_test_setup(the_last_is_not_above_the_largest_seen, empty),
		cmocka_unit_test_setup(one_slow_of_a_thousand_is_not_in_p99_9, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
