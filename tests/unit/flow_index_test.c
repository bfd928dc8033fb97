// SPDX-License-Identifier: BSD-3-Clause
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
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
	for (uint32_t i = 0; i < 10000; i++) {
		uint64_t hash = random64();
		bool has_room = flow_index_has_room(&index, hash); // foreseen as it then is

		assert_int_equal(flow_index_put(&index, hash, i), has_room);
		n += has_room;
	}
	assert_in_range(n, 16 * BUCKET_SLOTS * 9 / 10, 16 * BUCKET_SLOTS);
	flow_index_fini(&index);
}

// A packet goes astray when a stranger's name is taken for its own.
static void strangers_hardly_ever_seem_known(void **state)
{
	enum { NAMES = 50000, STRANGERS = 4000000 };
	struct flow_index index;
	unsigned n_known = 0;

	assert_int_equal(flow_index_init(&index, NAMES, 50), 0);
	for (uint32_t i = 0; i < NAMES; i++)
		assert_true(flow_index_put(&index, random64(), i));
	for (unsigned i = 0; i < STRANGERS; i++)
		n_known += flow_index_hints(&index, random64());
	assert_in_range(n_known, 0, 12); // one in four millions, where both families are asked
	flow_index_fini(&index);
}

enum { MOVED = 3000, COMING = 2000 };

static struct flow_index moving;
static uint64_t staying[MOVED], coming[COMING];
static _Atomic bool must_stop;

static void *push_around(void *arg)
{
	uint32_t n = 0;

	while (!atomic_load(&must_stop)) {
		do
			coming[n] = random64();
		while (flow_index_put(&moving, coming[n], MOVED + n) && ++n < COMING);
		while (n > 0) {
			n--;
			flow_index_take(&moving, coming[n], MOVED + n);
		}
	}
	return NULL;
}

// Answers would begin flows of their own where they come in.
static void a_name_is_hinted_at_while_others_push_it_from_bucket_to_bucket(void **state)
{
	pthread_t owner;

	assert_int_equal(flow_index_init(&moving, MOVED + COMING, 95), 0);
	for (uint32_t i = 0; i < MOVED; i++)
		assert_true(flow_index_put(&moving, staying[i] = random64(), i));
	assert_int_equal(pthread_create(&owner, NULL, push_around, NULL), 0);
	for (unsigned i = 0; i < 10000000; i++)
		assert_true(flow_index_hints(&moving, staying[i % MOVED]));
	atomic_store(&must_stop, true);
	pthread_join(owner, NULL);
	flow_index_fini(&moving);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_other_bucket_of_the_other_is_the_first),
		cmocka_unit_test(names_come_and_go_at_any_fill),
		cmocka_unit_test(an_index_that_is_full_says_so_and_stays_sound),
		cmocka_unit_test(strangers_hardly_ever_seem_known),
		cmocka_unit_test(a_name_is_hinted_at_while_others_push_it_from_bucket_to_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
