// SPDX-License-Identifier: BSD-3-Clause
// Which thread runs which worker, and what is left of a worker that has gone from one to another:
// all of it. The threads are real ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_cycles.h>

#include "dataplane/thread.h"
#include "drivers/steering.h"
#include "tests/unit/dataplane_fixture.h"
#include "tests/unit/random.h"

enum { WORKERS = 2, LIMIT_MS = 5000, ROUNDS = 200, RANDOM_ROUNDS = 500, CORES = 80 };

// --- who runs where ---

static unsigned n_of(const struct crew *crew, unsigned n_workers, unsigned thread)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_workers; i++)
		n += crew->runner[i] == thread;
	return n;
}

static void arrange(struct crew *crew, unsigned n_workers, unsigned n, const int *cores)
{
	struct crew next;

	crew_arrange(crew, cores, n, n_workers, &next);
	*crew = next;
}

static void each_of_the_first_gets_a_thread_of_its_own(void **state)
{
	struct crew crew;

	crew_init(&crew);
	arrange(&crew, 3, 3, (const int[]){5, 6, 6});
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(crew.runner[i], i);
	assert_int_equal(crew.cores[0], 5);
	assert_int_equal(crew.cores[1], 6);
	assert_int_equal(crew.cores[2], 6);
	assert_int_equal(crew.cores[3], -1);
}

static void who_loses_his_core_goes_to_the_least_laden(void **state)
{
	struct crew crew;

	crew_init(&crew);
	arrange(&crew, 4, 3, (const int[]){1, 2, 3}); // 0 3 | 1 | 2
	assert_int_equal(crew.runner[3], 0);
	arrange(&crew, 4, 2, (const int[]){3, 1});
	assert_int_equal(crew.cores[1], -1);
	assert_int_equal(crew.runner[0], 0);
	assert_int_equal(crew.runner[1], 2);
	assert_int_equal(crew.runner[2], 2);
	assert_int_equal(crew.runner[3], 0);
}

static void a_core_more_takes_the_last_from_the_most_laden(void **state)
{
	struct crew crew;

	crew_init(&crew);
	arrange(&crew, 4, 1, (const int[]){7});
	assert_int_equal(n_of(&crew, 4, 0), 4);
	arrange(&crew, 4, 2, (const int[]){7, 8});
	assert_int_equal(crew.runner[0], 0);
	assert_int_equal(crew.runner[1], 0);
	assert_int_equal(crew.runner[2], 1);
	assert_int_equal(crew.runner[3], 1);
}

static void assert_cores(const struct crew *crew, const int *cores, unsigned n)
{
	int wanted[CORES] = {0};

	for (unsigned i = 0; i < n; i++)
		wanted[cores[i]]++;
	for (unsigned i = 0; i < CREW_MAX; i++)
		if (crew->cores[i] >= 0)
			wanted[crew->cores[i]]--;
	for (unsigned i = 0; i < CORES; i++)
		assert_int_equal(wanted[i], 0);
}

static void assert_even(const struct crew *crew, unsigned n_workers, unsigned n_threads)
{
	for (unsigned i = 0; i < CREW_MAX; i++)
		if (crew->cores[i] < 0)
			assert_int_equal(n_of(crew, n_workers, i), 0);
		else
			assert_in_range(n_of(crew, n_workers, i), n_workers / n_threads,
				(n_workers + n_threads - 1) / n_threads);
}

// A thread that is there before and after gives workers or gets some, but not both.
static void assert_no_swaps(const struct crew *before, const struct crew *after, unsigned n_workers)
{
	bool gives[CREW_MAX] = {false}, gets[CREW_MAX] = {false};

	for (unsigned i = 0; i < n_workers; i++)
		if (before->runner[i] != after->runner[i] && before->runner[i] != CREW_NOBODY) {
			gives[before->runner[i]] = true;
			gets[after->runner[i]] = true;
		}
	for (unsigned i = 0; i < CREW_MAX; i++)
		if (before->cores[i] >= 0 && before->cores[i] == after->cores[i])
			assert_false(gives[i] && gets[i]);
}

static void any_change_ends_even_and_moves_nobody_for_nothing(void **state)
{
	struct crew crew;

	for (unsigned round = 0; round < RANDOM_ROUNDS; round++) {
		unsigned n_workers = 1 + random_below(DP_WORKERS_MAX);

		crew_init(&crew);
		for (unsigned k = 0; k < 8; k++) {
			unsigned n = 1 + random_below(n_workers);
			struct crew before = crew;
			int cores[DP_WORKERS_MAX];

			for (unsigned i = 0; i < n; i++)
				cores[i] = (int)random_below(CORES);
			arrange(&crew, n_workers, n, cores);
			assert_cores(&crew, cores, n);
			assert_even(&crew, n_workers, n);
			assert_no_swaps(&before, &crew, n_workers);
		}
	}
}

// --- threads ---

static void wait_for_turn(struct worker *w)
{
	uint64_t turns = __atomic_load_n(&w->turns, __ATOMIC_RELAXED);

	worker_wake(w);
	for (unsigned ms = 0; __atomic_load_n(&w->turns, __ATOMIC_RELAXED) == turns; ms++) {
		if (ms == LIMIT_MS)
			fail_msg("worker %u does not turn", w->index);
		usleep(1000);
	}
}

static unsigned n_threads_of(const struct dataplane *dp)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CREW_MAX; i++)
		n += dp->crew.threads[i] != NULL;
	return n;
}

static void set(struct dataplane *dp, unsigned n, const int *cores)
{
	struct error err = {0};

	if (dataplane_cores_set(dp, cores, n, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(n_threads_of(dp), n);
	for (unsigned i = 0; i < WORKERS; i++)
		wait_for_turn(&dp->workers[i]);
}

static int core_of(const struct dataplane *dp, unsigned worker)
{
	struct dp_worker_stats stats;

	assert_int_equal(dataplane_worker_stats(dp, worker, &stats), 0);
	return stats.core;
}

static int open_two(void **state)
{
	static struct fixture f;

	fixture_open(&f, WORKERS, true);
	*state = &f;
	return 0;
}

static int open_two_on_one(void **state)
{
	open_two(state);
	return dataplane_cores_set(((struct fixture *)*state)->dp, (const int[]){0}, 1, NULL);
}

static void start(struct fixture *f)
{
	struct error err = {0};

	if (dataplane_start(f->dp, &err) != 0)
		fail_msg("%s", err.text);
}

static void workers_come_and_go_and_all_turn_on(void **state)
{
	struct fixture *f = *state;
	unsigned in_use = rte_mempool_in_use_count(drivers_pool());

	start(f);
	assert_int_equal(n_threads_of(f->dp), 1);
	for (unsigned i = 0; i < ROUNDS; i++) {
		set(f->dp, 1, (const int[]){(int)(i % 2)});
		assert_int_equal(core_of(f->dp, 0), i % 2);
		assert_int_equal(core_of(f->dp, 1), i % 2);
		set(f->dp, 2, (const int[]){0, 1});
		assert_int_equal(core_of(f->dp, 0) + core_of(f->dp, 1), 1);
	}
	dataplane_stop(f->dp);
	assert_int_equal(n_threads_of(f->dp), 0);
	assert_int_equal(rte_mempool_in_use_count(drivers_pool()), in_use);
}

// A packet that leads to the other worker is in its inbox while that one is moved about.
static void what_waits_in_an_inbox_is_not_lost(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out;
	struct dp_counter none = {0};
	uint64_t n_flows = 0;

	start(f);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct worker *w;
		struct rte_mbuf *m;

		frame.sport = (uint16_t)(5000 + i);
		w = &f->dp->workers[steering_worker(steering_bucket(frame.sport), WORKERS)];
		m = frame_build(f, &frame);
		m->packet_type = INBOX_RX;
		m->port = FIXTURE_LAN;
		assert_int_equal(rte_ring_mp_enqueue(w->inbox, m), 0);
		worker_wake(w);
		set(f->dp, 1 + i % 2, (const int[]){(int)(i / 2 % 2), (int)(1 - i / 2 % 2)});
	}
	dataplane_stop(f->dp);
	for (unsigned i = 0; i < WORKERS; i++)
		n_flows += f->dp->workers[i].flows.n_used;
	assert_int_equal(n_flows, ROUNDS);
	assert_true(dataplane_counter(f->dp, COUNTER_FLOW_CREATED, &none));
	assert_int_equal(none.packets, ROUNDS);
}

// Each with its share of what it may have, and none with the other's.
static void counters_and_flows_go_with_their_worker(void **state)
{
	struct fixture *f = *state;
	struct dp_worker_stats before[WORKERS], after[WORKERS];

	for (unsigned i = 0; i < 100; i++) {
		struct frame frame = fixture_udp_out;
		struct frame answer;

		frame.sport = (uint16_t)(6000 + i);
		if (steering_worker(steering_bucket(frame.sport), WORKERS) == 0)
			assert_true(fixture_exchange(f, &frame, &answer));
	}
	for (unsigned i = 0; i < WORKERS; i++)
		dataplane_worker_stats(f->dp, i, &before[i]);
	assert_int_not_equal(before[0].flows, 0);
	start(f);
	set(f->dp, 1, (const int[]){1});
	set(f->dp, 2, (const int[]){1, 0});
	set(f->dp, 1, (const int[]){0});
	dataplane_stop(f->dp);
	for (unsigned i = 0; i < WORKERS; i++) {
		dataplane_worker_stats(f->dp, i, &after[i]);
		assert_int_equal(after[i].flows, before[i].flows);
		assert_int_equal(after[i].flow_capacity, before[i].flow_capacity);
		assert_true(after[i].turns > before[i].turns);
	}
}

static void what_cannot_be_is_refused_and_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};

	start(f);
	assert_int_equal(dataplane_cores_set(f->dp, (const int[]){0, 1, 0}, 3, &err), -1);
	assert_non_null(strstr(err.text, "3 cores: there must be 1 to 2"));
	assert_int_equal(dataplane_cores_set(f->dp, NULL, 0, &err), -1);
	// a core that no machine has: the thread for the first one goes again
	assert_int_equal(dataplane_cores_set(f->dp, (const int[]){1, CPU_SETSIZE}, 2, &err), -1);
	assert_non_null(strstr(err.text, "cannot start a thread"));
	assert_int_equal(n_threads_of(f->dp), 1);
	assert_int_equal(core_of(f->dp, 0), 0);
	assert_int_equal(core_of(f->dp, 1), 0);
	wait_for_turn(&f->dp->workers[0]);
	wait_for_turn(&f->dp->workers[1]);
}

static void before_the_start_it_says_where_they_will_be(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(dataplane_cores_set(f->dp, (const int[]){1}, 1, NULL), 0);
	assert_int_equal(n_threads_of(f->dp), 0);
	start(f);
	assert_int_equal(core_of(f->dp, 0), 1);
	assert_int_equal(core_of(f->dp, 1), 1);
}

// Both sleep on one thread: whoever gives one of them work ends it.
static void each_of_those_that_sleep_together_can_be_woken(void **state)
{
	struct fixture *f = *state;

	start(f);
	for (unsigned i = 0; i < 20; i++) {
		struct worker *w = &f->dp->workers[i % WORKERS];
		uint64_t begin;

		for (unsigned ms = 0; !atomic_load(&w->is_asleep); ms++) {
			assert_in_range(ms, 0, LIMIT_MS);
			usleep(1000);
		}
		begin = rte_rdtsc();
		worker_wake(w);
		wait_for_turn(w);
		assert_in_range((rte_rdtsc() - begin) * 1000 / rte_get_tsc_hz(), 0, LIMIT_MS);
	}
}

#define THREADS(name, open) cmocka_unit_test_setup_teardown(name, open, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_of_the_first_gets_a_thread_of_its_own),
		cmocka_unit_test(who_loses_his_core_goes_to_the_least_laden),
		cmocka_unit_test(a_core_more_takes_the_last_from_the_most_laden),
		cmocka_unit_test(any_change_ends_even_and_moves_nobody_for_nothing),
		THREADS(workers_come_and_go_and_all_turn_on, open_two_on_one),
		THREADS(what_waits_in_an_inbox_is_not_lost, open_two),
		THREADS(counters_and_flows_go_with_their_worker, open_two),
		THREADS(what_cannot_be_is_refused_and_changes_nothing, open_two_on_one),
		THREADS(before_the_start_it_says_where_they_will_be, open_two),
		THREADS(each_of_those_that_sleep_together_can_be_woken, open_two_on_one),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
