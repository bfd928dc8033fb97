// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/bounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/random.h"

enum { MANY = 400000 };

static struct bounds32 bounds;
static uint32_t keys[MANY];

static int teardown(void **state)
{
	bounds32_fini(&bounds);
	bounds = (struct bounds32){0};
	return 0;
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

// The first `n` of `keys`, sorted, each once; returns how many those are.
static uint32_t build(uint32_t n)
{
	uint32_t kept = 0;

	qsort(keys, n, sizeof(keys[0]), compare);
	for (uint32_t i = 0; i < n; i++)
		if (kept == 0 || keys[i] != keys[kept - 1])
			keys[kept++] = keys[i];
	bounds32_fini(&bounds);
	assert_int_equal(bounds32_init(&bounds, kept), 0);
	for (uint32_t i = 0; i < kept; i++)
		bounds.keys[i] = keys[i];
	assert_int_equal(bounds32_index(&bounds), 0);
	return kept;
}

static uint32_t plain_rank(uint32_t n, uint32_t x)
{
	uint32_t low = 0;

	while (n > low) {
		uint32_t middle = low + (n - low) / 2;

		if (keys[middle] <= x)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

// Each key, its neighbours, the ends of all numbers, and others.
static void check(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t asked[] = {keys[i], keys[i] - 1, keys[i] + 1, random32()};

		assert_int_equal(bounds32_key(&bounds, i), keys[i]);
		for (unsigned k = 0; k < sizeof(asked) / sizeof(asked[0]); k++)
			if (bounds32_rank(&bounds, asked[k]) != plain_rank(n, asked[k]))
				fail_msg("%u of %u keys at or below %u, not %u",
					bounds32_rank(&bounds, asked[k]), n, asked[k],
					plain_rank(n, asked[k]));
	}
	assert_int_equal(bounds32_rank(&bounds, 0), plain_rank(n, 0));
	assert_int_equal(bounds32_rank(&bounds, UINT32_MAX), n);
}

static void a_rank_is_that_of_a_plain_search_at_every_size(void **state)
{
	static const uint32_t sizes[] = {0, 1, 2, 15, 16, 17, 31, 32, 33, 240, 255, 256, 257, 271,
		272, 273, 4095, 4096, 4097, 4352, 16383, 16384, 65535, 65537, MANY};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (uint32_t k = 0; k < sizes[i]; k++)
			keys[k] = random32();
		check(build(sizes[i]));
	}
	assert_non_null(bounds.index);
}

static void the_least_and_the_largest_number_may_be_keys(void **state)
{
	for (uint32_t n = 2; n < 600; n++) {
		for (uint32_t k = 0; k < n; k++)
			keys[k] = k < n / 2 ? k : UINT32_MAX - (n - 1 - k);
		assert_int_equal(build(n), n);
		check(n);
		assert_int_equal(bounds32_rank(&bounds, 0), 1);
		assert_int_equal(bounds32_rank(&bounds, UINT32_MAX - 1), n - 1);
	}
}

// Hosts of one network have no index that would tell them apart.
static void keys_that_crowd_are_found_by_layers(void **state)
{
	for (uint32_t k = 0; k < MANY; k++)
		keys[k] = UINT32_C(10) << 24 | random_below(1 << 23);
	check(build(MANY));
	assert_null(bounds.index);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_rank_is_that_of_a_plain_search_at_every_size),
		TEST(the_least_and_the_largest_number_may_be_keys),
		TEST(keys_that_crowd_are_found_by_layers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
