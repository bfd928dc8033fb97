// SPDX-License-Identifier: BSD-3-Clause
// When a thread without work sleeps, and when it polls on: its own steps, taken by the test, with a
// worker on ports that cannot wake it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_cycles.h>

#include "dataplane/sleep.h"
#include "tests/unit/dataplane_fixture.h"

enum { LEAST_US = 10, LONGEST_US = 500, PERIODS = 40, TRIES = 20 };

struct world {
	struct fixture f;
	struct thread *t;
};

static int open_thread(void **state)
{
	static struct world world;
	struct thread *t;

	fixture_open(&world.f, 1, false);
	t = world.t = thread_new(world.f.dp, 0, 0);
	assert_non_null(t);
	thread_follow(t, 1);
	t->must_prepare = false;
	t->sleep_serial = world.f.w->snap->serial;
	t->sleep_fds[0] = (struct pollfd){.fd = t->wake_fd, .events = POLLIN};
	t->sleep_fds[1] = (struct pollfd){.fd = world.f.w->wake_fd, .events = POLLIN};
	t->n_sleep_fds = 2;
	t->can_be_woken = false;
	*state = &world;
	return 0;
}

static int close_thread(void **state)
{
	struct world *world = *state;

	thread_follow(world->t, 0);
	thread_free(world->t);
	fixture_close(&world->f);
	return 0;
}

static uint64_t now_us(void)
{
	return rte_rdtsc() / (rte_get_tsc_hz() / 1000000);
}

// Without work for so long, then with some: how often it slept.
static unsigned idle_for(struct thread *t, uint64_t us)
{
	const uint64_t sleeps = t->workers[0]->sleeps;
	const uint64_t end = now_us() + us;

	while (now_us() < end)
		sleep_when_idle(t);
	sleep_idle_over(t);
	return (unsigned)(t->workers[0]->sleeps - sleeps);
}

static void how_long_it_polls_follows_how_long_it_was_idle(void **state)
{
	static const struct {
		uint32_t poll_us;
		uint64_t idle_us;
		uint32_t next_us;
	} rows[] = {
		{0, 1, LEAST_US}, // as it starts
		{LEAST_US, 5, LEAST_US},
		{LEAST_US, 200, 2 * LEAST_US},
		{160, 200, 320},
		{320, 200, 320},
		{320, 400, LONGEST_US}, // and no more than that
		{LONGEST_US, LONGEST_US, LONGEST_US},
		{LONGEST_US, LONGEST_US + 1, LONGEST_US / 2},
		{LONGEST_US, 1000000, LONGEST_US / 2},
		{LEAST_US, 1000000, LEAST_US},
		{LEAST_US, UINT64_MAX, LEAST_US},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			sleep_poll_next_us(rows[i].poll_us, rows[i].idle_us), rows[i].next_us);
}

// A packet every 200 us is 5,000 a second. A program that takes the core away ends it, and rightly:
// before others, if we may, and else once in so many tries nobody does.
static void one_that_packets_keep_coming_to_does_not_sleep(void **state)
{
	static const struct sched_param first = {.sched_priority = 1}, none;
	struct thread *t = ((struct world *)*state)->t;
	unsigned slept = 1;

	(void)sched_setscheduler(0, SCHED_FIFO, &first);
	for (unsigned try = 0; try < TRIES && slept > 0; try++) {
		slept = 0;
		for (unsigned i = 0; i < PERIODS / 2; i++)
			idle_for(t, 200);
		for (unsigned i = 0; i < PERIODS / 2; i++)
			slept += idle_for(t, 200);
	}
	assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &none), 0);
	if (slept > 0)
		fail_msg("it sleeps each time, and polls for %u us", t->poll_us);
}

static void one_without_traffic_polls_no_longer_than_it_must(void **state)
{
	struct thread *t = ((struct world *)*state)->t;

	unsigned slept = 0;

	t->poll_us = LONGEST_US;
	for (unsigned i = 0; i < PERIODS; i++)
		slept += idle_for(t, 2000);
	assert_in_range(slept, PERIODS, PERIODS * 200);
	assert_int_equal(t->poll_us, LEAST_US);
}

static void one_that_others_take_the_core_from_leaves_it_to_them(void **state)
{
	struct thread *t = ((struct world *)*state)->t;
	uint64_t sleeps;

	t->poll_us = LONGEST_US;
	sleep_when_idle(t);
	sleeps = t->workers[0]->sleeps;
	usleep(150); // as if another program had run
	sleep_when_idle(t);
	assert_int_equal(t->poll_us, LEAST_US);
	assert_int_equal(t->workers[0]->sleeps, sleeps + 1);
}

static void *burn(void *arg)
{
	_Atomic bool *must_stop = arg;

	while (!atomic_load(must_stop))
		continue;
	return NULL;
}

// A core that a program wants all of the time: more often than not it has run before the worker
// had polled to the end.
static void one_that_polls_lets_others_run(void **state)
{
	struct thread *t = ((struct world *)*state)->t;
	_Atomic bool must_stop = false;
	cpu_set_t before, one;
	unsigned n_gave = 0;
	pthread_t other;

	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(pthread_create(&other, NULL, burn, &must_stop), 0);
	for (unsigned i = 0; i < PERIODS; i++) {
		t->poll_us = LONGEST_US;
		idle_for(t, LONGEST_US / 2);
		n_gave += t->poll_us < LONGEST_US;
	}
	atomic_store(&must_stop, true);
	pthread_join(other, NULL);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_in_range(n_gave, PERIODS / 2, PERIODS);
}

static void a_busy_one_never_sleeps(void **state)
{
	struct thread *t = ((struct world *)*state)->t;

	t->is_busy = true;
	assert_int_equal(idle_for(t, 2000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_long_it_polls_follows_how_long_it_was_idle),
		cmocka_unit_test_setup_teardown(
			one_that_packets_keep_coming_to_does_not_sleep, open_thread, close_thread),
		cmocka_unit_test_setup_teardown(one_without_traffic_polls_no_longer_than_it_must,
			open_thread, close_thread),
		cmocka_unit_test_setup_teardown(
			one_that_others_take_the_core_from_leaves_it_to_them, open_thread,
			close_thread),
		cmocka_unit_test_setup_teardown(
			one_that_polls_lets_others_run, open_thread, close_thread),
		cmocka_unit_test_setup_teardown(a_busy_one_never_sleeps, open_thread, close_thread),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
