// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "cfg/base/log_limit.h"

static struct log_limit limit;

static struct log_place *place_of(uintptr_t key, uint64_t now_ms)
{
	return log_limit_place(&limit, key, LOG_LEVEL_INFO, LOG_PART_CONTROL, now_ms);
}

static unsigned take_many(uintptr_t key, unsigned n, uint64_t now_ms)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < n; i++)
		taken += log_limit_take(place_of(key, now_ms), now_ms);
	return taken;
}

static void a_place_has_a_burst_and_then_a_rate(void **state)
{
	memset(&limit, 0, sizeof(limit));
	assert_int_equal(take_many(7, 1000, 5000), LOG_LIMIT_BURST);
	assert_int_equal(take_many(8, 1, 5000), 1); // another place does not care
	assert_int_equal(take_many(7, 1000, 5000 + LOG_LIMIT_REFILL_MS / 10), LOG_LIMIT_BURST / 10);
	assert_int_equal(take_many(7, 1000, 5000 + 100ull * LOG_LIMIT_REFILL_MS), LOG_LIMIT_BURST);
	assert_int_equal(
		place_of(7, 5000)->n_left_out, 3000 - 2 * LOG_LIMIT_BURST - LOG_LIMIT_BURST / 10);
}

static void what_was_left_out_is_due_after_a_while_and_once(void **state)
{
	struct log_place *place;
	unsigned i = 0;

	memset(&limit, 0, sizeof(limit));
	take_many(7, LOG_LIMIT_BURST + 3, 5000);
	assert_null(log_limit_due(&limit, &i, false, 5000 + LOG_LIMIT_TELL_MS - 1));
	i = 0;
	place = log_limit_due(&limit, &i, false, 5000 + LOG_LIMIT_TELL_MS);
	assert_ptr_equal(place, place_of(7, 5000));
	assert_int_equal(place->n_left_out, 3);
	log_limit_told(place, 5000 + LOG_LIMIT_TELL_MS);
	i = 0;
	assert_null(log_limit_due(&limit, &i, true, 5000 + LOG_LIMIT_TELL_MS));
}

static void more_places_than_there_is_room_for_are_limited_too(void **state)
{
	uint64_t taken = 0, left_out = 0;

	memset(&limit, 0, sizeof(limit));
	for (uintptr_t key = 1; key <= 4 * LOG_LIMIT_PLACES; key++)
		taken += take_many(key * 4096, 2 * LOG_LIMIT_BURST, 5000);
	assert_in_range(
		taken, LOG_LIMIT_PLACES * LOG_LIMIT_BURST / 2, LOG_LIMIT_PLACES * LOG_LIMIT_BURST);
	for (unsigned i = 0; i < LOG_LIMIT_PLACES; i++)
		left_out += limit.places[i].n_left_out;
	assert_int_equal(taken + left_out, 4ull * LOG_LIMIT_PLACES * 2 * LOG_LIMIT_BURST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_place_has_a_burst_and_then_a_rate),
		cmocka_unit_test(what_was_left_out_is_due_after_a_while_and_once),
		cmocka_unit_test(more_places_than_there_is_room_for_are_limited_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
