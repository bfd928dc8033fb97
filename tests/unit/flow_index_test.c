// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/flow_index.h"

static uint64_t state64 = 88172645463325252u;

static uint64_t random64(void)
{
	state64 ^= state64 << 13;
	state64 ^= state64 >> 7;
	state64 ^= state64 << 17;
	return state64 * 0x2545f4914f6cdd1du;
}

static bool has(const struct flow_index *index, uint64_t hash, uint32_t slot)
{
	const struct flow_bucket *bucket = NULL;

	while ((bucket = flow_index_next(index, hash, bucket)) != NULL)
		for (unsigned i = 0; i < BUCKET_SLOTS; i++)
			if (bucket->tags[i] == flow_tag(hash) && bucket->slots[i] == slot)
				return true;
	return false;
}

static unsigned in_first(const struct flow_index *index, uint64_t hash, uint32_t slot)
{
	const struct flow_bucket *bucket = &index->buckets[flow_bucket_first(index, hash)];

	for (unsigned i = 0; i < BUCKET_SLOTS; i++)
		if (bucket->tags[i] == flow_tag(hash) && bucket->slots[i] == slot)
			return 1;
	return 0;
}

static void the_other_bucket_of_the_other_is_the_first(void **state)
{
	for (uint32_t n = 16; n < 40000; n += n / 3) {
		struct flow_index index = {.n_buckets = n};

		for (unsigned i = 0; i < 1000; i++) {
			uint32_t b = (uint32_t)random64() % n;
			uint16_t tag = (uint16_t)(1 + random64() % 65535);
			uint32_t other = flow_bucket_other(&index, b, tag);

			assert_true(other < n);
			assert_int_equal(flow_bucket_other(&index, other, tag), b);
		}
	}
}

// Full to what was promised, come and gone at random, and empty again.
static void names_come_and_go_at_any_fill(void **state)
{
	static const struct {
		unsigned percent, in_first_percent;
	} rows[] = {{50, 96}, {87, 60}};
	enum { NAMES = 20000 };
	static uint64_t hashes[2 * NAMES];
	static bool is_in[2 * NAMES];

	for (unsigned r = 0; r < 2; r++) {
		struct flow_index index;
		unsigned n_in = 0, n_first = 0;

		assert_int_equal(flow_index_init(&index, NAMES, rows[r].percent), 0);
		for (uint32_t i = 0; i < 2 * NAMES; i++)
			hashes[i] = random64();
		for (unsigned step = 0; step < 2000000; step++) {
			uint32_t i = (uint32_t)random64() % (2 * NAMES);

			assert_int_equal(has(&index, hashes[i], i), is_in[i]);
			if (is_in[i]) {
				assert_true(flow_index_hints(&index, hashes[i]));
				flow_index_take(&index, hashes[i], i);
				n_in--;
			} else if (n_in < NAMES) {
				assert_true(flow_index_put(&index, hashes[i], i));
				n_in++;
			} else {
				continue;
			}
			is_in[i] = !is_in[i];
		}
		for (uint32_t i = 0; i < 2 * NAMES; i++)
			if (is_in[i])
				n_first += in_first(&index, hashes[i], i);
		assert_true(n_in > NAMES * 9 / 10);
		assert_true(n_first * 100 >= n_in * rows[r].in_first_percent);
		for (uint32_t i = 0; i < 2 * NAMES; i++)
			if (is_in[i])
				flow_index_take(&index, hashes[i], i);
		for (uint32_t b = 0; b < index.n_buckets; b++) {
			assert_int_equal(index.buckets[b].n_away, 0);
			for (unsigned i = 0; i < BUCKET_SLOTS; i++)
				assert_int_equal(index.buckets[b].tags[i], 0);
		}
		for (uint32_t i = 0; i < 2 * NAMES; i++)
			is_in[i] = false;
		flow_index_fini(&index);
	}
}

static void an_index_that_is_full_says_so_and_stays_sound(void **state)
{
	struct flow_index index;
	uint32_t n = 0;

	assert_int_equal(flow_index_init(&index, 16 * BUCKET_SLOTS, 100), 0);
	for (uint32_t i = 0; i < 10000; i++)
		n += flow_index_put(&index, random64(), i);
	assert_in_range(n, 16 * BUCKET_SLOTS * 9 / 10, 16 * BUCKET_SLOTS);
	flow_index_fini(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_other_bucket_of_the_other_is_the_first),
		cmocka_unit_test(names_come_and_go_at_any_fill),
		cmocka_unit_test(an_index_that_is_full_says_so_and_stays_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
