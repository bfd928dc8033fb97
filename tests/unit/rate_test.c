// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/rate.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cfg/base/addr.h"
#include "tests/unit/random.h"

enum { THREADS = 4, SOURCES = 1024, NOW_MS = 1000000 };

static const uint64_t seeds[2] = {0x243f6a8885a308d3, 0x13198a2e03707344};
static const uint8_t no_source[16];

// File-wide, so that a test that fails half-way leaves none behind.
static struct rate_table *table;

static int setup(void **state)
{
	table = rate_table_new(SOURCES, seeds);
	return table == NULL;
}

static int teardown(void **state)
{
	rate_table_free(table);
	table = NULL;
	return 0;
}

static uint16_t claim(struct dp_rate rate)
{
	uint16_t cell;

	assert_int_equal(rate_check(&rate, NULL), 0);
	assert_int_equal(rate_claim(table, &rate, 1, &cell), 0);
	return cell;
}

static bool shared(uint16_t cell, uint64_t now_ms)
{
	return rate_take(table, cell, IP_V4, no_source, now_ms);
}

static bool from4(uint16_t cell, uint32_t source, uint64_t now_ms)
{
	return rate_take(table, cell, IP_V4, (const uint8_t *)&source, now_ms);
}

static unsigned take_all4(uint16_t cell, uint32_t source, uint64_t now_ms)
{
	unsigned n = 0;

	while (from4(cell, source, now_ms))
		n++;
	return n;
}

// GCRA in whole numbers: time in parts of 1/packets ms, so that an increment has no remainder.
struct exact {
	struct dp_rate rate;
	unsigned __int128 tat;
};

static bool exact_take(struct exact *exact, uint64_t now_ms)
{
	unsigned __int128 now = (unsigned __int128)now_ms * exact->rate.packets;
	uint64_t increment = (uint64_t)exact->rate.per_sec * 1000;
	unsigned __int128 from = exact->tat > now ? exact->tat : now;

	if (from - now > (unsigned __int128)increment * (exact->rate.burst - 1))
		return false;
	exact->tat = from + increment;
	return true;
}

// --- one rate for all ---

static void every_packet_is_answered_as_whole_numbers_say(void **state)
{
	static const struct {
		struct dp_rate rate;
		unsigned step_ms_max;
	} rows[] = {
		{{5, 1, 1}, 150},
		{{5, 1, 10}, 150},
		{{10, 60, 3}, 4000},
		{{3, 1, 1}, 200},
		{{3, 1, 7}, 400},
		{{7, 60, 4}, 9000},
		{{1, 3600, 2}, 1500000},
		{{1, RATE_PERIOD_MAX_SEC, 1}, 40000000}, // 13 years
		{{1000, 1, 100}, 1},
		{{1024, 1, 100}, 1},
		{{997, 1, 1}, 3},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint16_t cell = claim(rows[i].rate);
		struct exact exact = {.rate = rows[i].rate};
		uint64_t now_ms = NOW_MS;
		unsigned taken = 0;

		for (unsigned k = 0; k < 20000; k++) {
			bool want = exact_take(&exact, now_ms);

			if (shared(cell, now_ms) != want)
				fail_msg("row %u, packet %u at %lu ms: %d expected", i, k,
					(unsigned long)now_ms, want);
			taken += want;
			now_ms += random32() % (rows[i].step_ms_max + 1);
		}
		assert_in_range(taken, 100, 19900); // both answers were tried
	}
}

static void over_an_hour_a_flood_gets_the_rate_and_one_burst(void **state)
{
	static const struct dp_rate rows[] = {
		{5, 1, 5}, {10, 60, 1}, {3, 1, 2}, {100, 1, 50}, {7, 60, 7}, {1000000, 1, 1000}};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint64_t ms = rows[i].packets > 1000 ? 100 : 3600 * 1000;
		uint16_t cell = claim(rows[i]);
		uint64_t taken = 0;

		for (uint64_t t = 0; t <= ms; t++)
			while (shared(cell, NOW_MS + t))
				taken++;
		assert_int_equal(taken,
			rows[i].burst + ms * rows[i].packets / (rows[i].per_sec * UINT64_C(1000)));
	}
}

static void a_clock_that_is_behind_neither_gives_nor_takes(void **state)
{
	uint16_t cell = claim((struct dp_rate){10, 1, 5});

	for (unsigned i = 0; i < 5; i++)
		assert_true(shared(cell, NOW_MS));
	assert_false(shared(cell, NOW_MS - 50)); // another worker's
	assert_false(shared(cell, NOW_MS));
	assert_false(shared(cell, NOW_MS + 99));
	assert_true(shared(cell, NOW_MS + 100));
	assert_false(shared(cell, NOW_MS + 100));
}

static void nonsense_is_refused(void **state)
{
	static const struct {
		struct dp_rate rate;
		int result;
	} rows[] = {
		{{1, 1, 1}, 0},
		{{0, 1, 1}, -EINVAL},
		{{1, 0, 1}, -EINVAL},
		{{1, 1, 0}, -EINVAL},
		{{1, RATE_PERIOD_MAX_SEC, 1}, 0},
		{{1, RATE_PERIOD_MAX_SEC + 1, 1}, -EINVAL},
		{{RATE_PER_SEC_MAX, 1, 1}, 0},
		{{RATE_PER_SEC_MAX + 1, 1, 1}, -EINVAL},
		{{RATE_PER_SEC_MAX, 1, UINT32_MAX}, 0},
		{{1, 60, UINT32_MAX}, -EINVAL},
		{{1, 1, 1 << 28}, 0},
		{{1, 1, 1 << 29}, -EINVAL},
		{{UINT32_MAX, UINT32_MAX, UINT32_MAX}, -EINVAL},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error err = {0};

		if (rate_check(&rows[i].rate, &err) != rows[i].result)
			fail_msg("row %u: %s", i, err.text);
		assert_int_equal(err.text[0] != '\0', rows[i].result != 0);
	}
	assert_null(rate_table_new(RATE_SOURCES_MAX + 1u, seeds));
}

// --- claims ---

static void the_same_rate_goes_on_under_the_next_policy(void **state)
{
	const struct dp_rate old[] = {{5, 1, 2}, {5, 1, 2}, {9, 1, 2}};
	const struct dp_rate new[] = {{9, 1, 2}, {5, 1, 2}, {1, 1, 2}, {5, 1, 2}};
	uint16_t old_cells[3], new_cells[4];

	assert_int_equal(rate_claim(table, old, 3, old_cells), 0);
	assert_int_not_equal(old_cells[0], old_cells[1]); // equal ones are two all the same
	for (unsigned i = 0; i < 2; i++)
		assert_true(shared(old_cells[0], NOW_MS));
	assert_true(shared(old_cells[1], NOW_MS));
	assert_int_equal(rate_claim(table, new, 4, new_cells), 0);
	assert_int_equal(new_cells[0], old_cells[2]);
	assert_int_equal(new_cells[1], old_cells[0]);
	assert_int_equal(new_cells[3], old_cells[1]);
	rate_release(table, old_cells, 3);
	assert_false(shared(new_cells[1], NOW_MS));
	assert_true(shared(new_cells[3], NOW_MS));
	assert_false(shared(new_cells[3], NOW_MS));
	assert_true(shared(new_cells[2], NOW_MS));
}

static void a_cell_that_another_rate_takes_begins_afresh(void **state)
{
	static struct dp_rate rates[RATE_CELLS];
	static uint16_t cells[RATE_CELLS];
	const struct dp_rate limit = {1, 3600, 1, true};
	uint16_t cell, again;

	for (unsigned i = 0; i < RATE_CELLS; i++)
		rates[i] = (struct dp_rate){1, 3601 + i, 1, true};
	cell = claim(limit);
	assert_true(from4(cell, 7, NOW_MS));
	assert_false(from4(cell, 7, NOW_MS));
	rate_release(table, &cell, 1);
	assert_int_equal(rate_claim(table, rates, RATE_CELLS, cells), 0); // every one
	assert_true(from4(cells[RATE_CELLS - 1], 7, NOW_MS));		  // it got that cell
	assert_int_equal(cells[RATE_CELLS - 1], cell);
	assert_int_equal(rate_claim(table, &limit, 1, &again), -ENOSPC);
	rate_release(table, cells, RATE_CELLS);
	again = claim(limit);
	assert_true(from4(again, 7, NOW_MS)); // its past is gone with its cell
}

static void a_third_policy_is_refused_and_leaves_the_two_alone(void **state)
{
	static struct dp_rate rates[3][DP_RATES_MAX];
	static uint16_t cells[3][DP_RATES_MAX];

	for (unsigned p = 0; p < 3; p++)
		for (unsigned i = 0; i < DP_RATES_MAX; i++)
			rates[p][i] = (struct dp_rate){1, 1, 1 + p * DP_RATES_MAX + i};
	assert_int_equal(rate_claim(table, rates[0], DP_RATES_MAX, cells[0]), 0);
	assert_int_equal(rate_claim(table, rates[1], DP_RATES_MAX, cells[1]), 0);
	assert_true(shared(cells[0][0], NOW_MS));
	assert_int_equal(rate_claim(table, rates[2], DP_RATES_MAX, cells[2]), -ENOSPC);
	assert_false(shared(cells[0][0], NOW_MS));
	rate_release(table, cells[0], DP_RATES_MAX);
	assert_int_equal(rate_claim(table, rates[2], DP_RATES_MAX, cells[2]), 0);
}

// --- rates per source ---

static void each_source_has_a_rate_of_its_own(void **state)
{
	const struct dp_rate rates[] = {{5, 1, 3, true}, {5, 1, 4, true}};
	uint16_t cells[2];

	assert_int_equal(rate_claim(table, rates, 2, cells), 0);
	for (uint32_t source = 0; source < 20; source++) {
		assert_int_equal(take_all4(cells[0], source, NOW_MS), 3);
		assert_int_equal(take_all4(cells[1], source, NOW_MS), 4);
	}
	for (uint32_t source = 0; source < 20; source++)
		assert_int_equal(take_all4(cells[0], source, NOW_MS + 400), 2);
}

static void an_ip6_source_is_its_64(void **state)
{
	uint8_t a[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 1}, b[16], c[16];
	uint16_t cell = claim((struct dp_rate){1, 1, 1, true});

	memcpy(b, a, sizeof(b));
	memcpy(c, a, sizeof(c));
	b[15] = 99;
	c[7] = 2;
	assert_true(rate_take(table, cell, IP_V6, a, NOW_MS));
	assert_false(rate_take(table, cell, IP_V6, b, NOW_MS));
	assert_true(rate_take(table, cell, IP_V6, c, NOW_MS));
	memset(a, 0, sizeof(a));
	assert_true(rate_take(table, cell, IP_V6, a, NOW_MS));
	assert_true(rate_take(table, cell, IP_V4, a, NOW_MS)); // 0.0.0.0 is not ::/64
}

// Workers that race for a place may leave one rate's time with another's source.
static void a_time_that_its_rate_cannot_have_left_is_not_believed(void **state)
{
	uint16_t cell = claim((struct dp_rate){1, 1, 2, true});

	assert_int_equal(take_all4(cell, 7, NOW_MS + 900), 2);
	assert_false(from4(cell, 7, NOW_MS)); // a clock that is behind
	assert_int_equal(take_all4(cell, 8, NOW_MS + 3600 * 1000), 2);
	assert_int_equal(take_all4(cell, 8, NOW_MS), 2);
}

// Millions of sources that send one packet each, all at the very time.
static void random_sources_do_not_lift_a_limit(void **state)
{
	const struct dp_rate rates[] = {{1, 1, 10, true}, {1, 3600, 10, true}};
	uint16_t cells[2];
	unsigned limited = 0;

	assert_int_equal(rate_claim(table, rates, 2, cells), 0);
	for (uint32_t source = 0; source < SOURCES / 8; source++)
		assert_int_equal(take_all4(cells[0], source, NOW_MS), 10);
	for (unsigned i = 0; i < 2000000; i++)
		from4(cells[i % 2], 1 << 20 | random32(), NOW_MS);
	for (uint32_t source = 0; source < SOURCES / 8; source++)
		limited += !from4(cells[0], source, NOW_MS);
	assert_int_equal(limited, SOURCES / 8);
}

static void with_a_burst_of_one_a_flood_smaller_than_the_table_lifts_few_limits(void **state)
{
	uint16_t cell = claim((struct dp_rate){1, 60, 1, true});
	unsigned forgotten = 0;

	for (uint32_t source = 0; source < SOURCES / 8; source++)
		assert_true(from4(cell, source, NOW_MS));
	for (unsigned i = 0; i < SOURCES / 4; i++)
		from4(cell, 1 << 20 | random32(), NOW_MS + 1);
	for (uint32_t source = 0; source < SOURCES / 8; source++)
		forgotten += from4(cell, source, NOW_MS + 2);
	assert_in_range(forgotten, 0, SOURCES / 8 / 20); // 1.2 % may be expected
}

static void a_source_that_was_pushed_out_is_soon_known_again(void **state)
{
	uint16_t cell = claim((struct dp_rate){1, 60, 5, true});
	unsigned taken = 0;

	// every place is taken by sources at their limit
	for (uint32_t source = 0; source < SOURCES * 4; source++)
		take_all4(cell, 1 << 20 | source, NOW_MS);
	for (unsigned i = 0; i < 1000; i++)
		taken += from4(cell, 7, NOW_MS + 1);
	assert_int_equal(taken, 5);
}

static void places_that_are_over_are_used_again(void **state)
{
	uint16_t cell = claim((struct dp_rate){1, 1, 2, true});

	for (unsigned round = 0; round < 50; round++)
		for (uint32_t source = 0; source < SOURCES / 8; source++)
			assert_int_equal(
				take_all4(cell, round << 16 | source, NOW_MS + round * 2000), 2);
}

// --- several workers ---

struct crew {
	pthread_barrier_t barrier;
	uint16_t cell;
	unsigned n_sources; // 0: one rate for all
	unsigned steps, step_ms, tries;
	_Atomic unsigned taken[64];
};

static void *crew_run(void *arg)
{
	struct crew *crew = arg;

	for (unsigned step = 0; step < crew->steps; step++) {
		uint64_t now_ms = NOW_MS + (uint64_t)step * crew->step_ms;

		pthread_barrier_wait(&crew->barrier);
		for (unsigned i = 0; i < crew->tries; i++) {
			uint32_t source = crew->n_sources > 0 ? i % crew->n_sources : 0;

			if (from4(crew->cell, source, now_ms))
				atomic_fetch_add(&crew->taken[source], 1);
		}
	}
	return NULL;
}

static void crew_work(struct crew *crew)
{
	pthread_t threads[THREADS];

	assert_int_equal(pthread_barrier_init(&crew->barrier, NULL, THREADS), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, crew_run, crew), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&crew->barrier);
}

static void workers_together_get_what_one_would(void **state)
{
	struct crew crew = {.steps = 100, .step_ms = 10, .tries = 400};

	crew.cell = claim((struct dp_rate){3000, 1, 100});
	crew_work(&crew);
	assert_int_equal(crew.taken[0], 100 + 99 * 30); // to the packet
}

static void workers_share_each_source_s_rate(void **state)
{
	struct crew crew = {.n_sources = 64, .steps = 20, .step_ms = 100, .tries = 64 * 20};

	crew.cell = claim((struct dp_rate){100, 1, 10, true});
	crew_work(&crew);
	// Two that race for a place at the beginning may let a packet pass unseen, each once.
	for (unsigned i = 0; i < 64; i++)
		assert_in_range(crew.taken[i], 10 + 19 * 10, 10 + 19 * 10 + THREADS);
}

static void *churn_run(void *arg)
{
	struct crew *crew = arg;
	uint32_t x = (uint32_t)(uintptr_t)&crew;

	pthread_barrier_wait(&crew->barrier);
	for (unsigned i = 0; i < 100000; i++) {
		x = x * 1664525 + 1013904223;
		from4(crew->cell, x >> 8, NOW_MS);
		if (from4(crew->cell, 7, NOW_MS))
			atomic_fetch_add(&crew->taken[0], 1);
	}
	return NULL;
}

static void a_limit_holds_while_workers_race_for_every_place(void **state)
{
	struct crew crew = {0};
	pthread_t threads[THREADS];

	crew.cell = claim((struct dp_rate){1, 1, 100, true});
	assert_int_equal(pthread_barrier_init(&crew.barrier, NULL, THREADS), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn_run, &crew), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&crew.barrier);
	assert_in_range(crew.taken[0], 100, 200);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_packet_is_answered_as_whole_numbers_say),
		TEST(over_an_hour_a_flood_gets_the_rate_and_one_burst),
		TEST(a_clock_that_is_behind_neither_gives_nor_takes),
		TEST(nonsense_is_refused),
		TEST(the_same_rate_goes_on_under_the_next_policy),
		TEST(a_cell_that_another_rate_takes_begins_afresh),
		TEST(a_third_policy_is_refused_and_leaves_the_two_alone),
		TEST(each_source_has_a_rate_of_its_own),
		TEST(an_ip6_source_is_its_64),
		TEST(a_time_that_its_rate_cannot_have_left_is_not_believed),
		TEST(random_sources_do_not_lift_a_limit),
		TEST(with_a_burst_of_one_a_flood_smaller_than_the_table_lifts_few_limits),
		TEST(a_source_that_was_pushed_out_is_soon_known_again),
		TEST(places_that_are_over_are_used_again),
		TEST(workers_together_get_what_one_would),
		TEST(workers_share_each_source_s_rate),
		TEST(a_limit_holds_while_workers_race_for_every_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
