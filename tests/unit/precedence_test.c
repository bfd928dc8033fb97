// SPDX-License-Identifier: BSD-3-Clause
// What the kernel does with it; without the right to real time there is nothing to see.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "control/precedence.h"

enum {
	LIMIT_SEC = 60, // of all of it
	SPIN_MS_MAX = 20000,
};

static const struct cores with_core = {.control = 0}, shared_core = {.control = -1};

static void take_or_skip(void)
{
	if (!precedence_take(&with_core))
		skip();
}

static bool is_first(void)
{
	return sched_getscheduler(0) == (SCHED_RR | SCHED_RESET_ON_FORK);
}

// Works until the turn is too long by the kernel's clock, which counts what it has of its core.
static void work_too_long(void)
{
	uint64_t until_ms = clock_now_ms() + SPIN_MS_MAX;

	while (!precedence_is_given_up())
		assert_true(clock_now_ms() < until_ms);
}

static void where_packets_have_the_core_too_nothing_is_done(void **state)
{
	assert_false(precedence_take(&shared_core));
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
}

static void *policy_of_thread(void *arg)
{
	*(int *)arg = sched_getscheduler(0);
	return NULL;
}

static void what_is_begun_later_does_not_have_it(void **state)
{
	pthread_t thread;
	int policy = -1, status = -1;
	pid_t child;

	take_or_skip();
	assert_true(is_first());
	assert_int_equal(pthread_create(&thread, NULL, policy_of_thread, &policy), 0);
	pthread_join(thread, NULL);
	assert_int_equal(policy, SCHED_OTHER);
	child = fork();
	if (child == 0)
		_exit(sched_getscheduler(0));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), SCHED_OTHER);
	precedence_end();
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
}

static void a_turn_that_lasts_too_long_gives_it_up_until_it_is_over(void **state)
{
	take_or_skip();
	for (unsigned i = 0; i < 3; i++) { // each time anew
		assert_false(precedence_is_given_up());
		assert_true(is_first());
		work_too_long();
		assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
		usleep(1000);
		precedence_keep();
	}
	assert_true(is_first());
	precedence_end();
}

static void it_follows_the_workers_cores_where_it_was_taken(void **state)
{
	precedence_follow(&with_core); // nobody ever took it
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
	take_or_skip();
	precedence_pause();
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
	precedence_keep(); // the end of a turn does not bring it back
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
	precedence_follow(&shared_core);
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
	precedence_pause();
	precedence_follow(&with_core);
	assert_true(is_first());
	work_too_long();
	precedence_pause();
	precedence_keep();
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
	precedence_end();
	precedence_follow(&with_core);
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_packets_have_the_core_too_nothing_is_done),
		cmocka_unit_test(what_is_begun_later_does_not_have_it),
		cmocka_unit_test(a_turn_that_lasts_too_long_gives_it_up_until_it_is_over),
		cmocka_unit_test(it_follows_the_workers_cores_where_it_was_taken),
	};

	alarm(LIMIT_SEC);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
