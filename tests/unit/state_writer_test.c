// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "tests/unit/held_writer.h"

enum { MANY = STATE_WRITER_QUEUE_MAX, LIMIT_MS = 10000 };

static struct event_base *base;
static struct state_writer *writer;
static pthread_t loop;

// What was done, in order; `runs` is the thread's, and read when all is told.
static struct {
	char runs[4 * MANY + 1], told[4 * MANY + 1];
	unsigned n_runs, n_told;
	bool ran_on_loop, told_elsewhere;
} seen;

static int setup(void **state)
{
	memset(&seen, 0, sizeof(seen));
	loop = pthread_self();
	base = event_base_new();
	writer = state_writer_new(base);
	return writer == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	release_writer();
	state_writer_free(writer);
	event_base_free(base);
	return 0;
}

static void run(void *ctx)
{
	seen.ran_on_loop |= pthread_equal(pthread_self(), loop) != 0;
	seen.runs[seen.n_runs++] = *(const char *)ctx;
}

static void told(void *ctx)
{
	seen.told_elsewhere |= pthread_equal(pthread_self(), loop) == 0;
	seen.told[seen.n_told++] = *(const char *)ctx;
}

static void post(const char *name)
{
	assert_int_equal(state_writer_post(writer, run, told, (void *)name), 0);
}

static void what_is_posted_is_run_and_told_in_its_order(void **state)
{
	for (const char *name = "abcdefghijklmnopqrstuvwxyz"; *name != '\0'; name++)
		post(name);
	state_writer_wait(writer);
	assert_string_equal(seen.runs, "abcdefghijklmnopqrstuvwxyz");
	assert_string_equal(seen.told, "abcdefghijklmnopqrstuvwxyz");
	assert_false(seen.ran_on_loop);
	assert_false(seen.told_elsewhere);
}

static void the_loop_is_told_without_waiting_for_it(void **state)
{
	uint64_t until_ms = clock_now_ms() + LIMIT_MS;

	hold_writer(writer);
	post("a");
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(seen.n_told, 0);
	release_writer();
	while (seen.n_told == 0 && clock_now_ms() < until_ms)
		event_base_loop(base, EVLOOP_ONCE);
	assert_string_equal(seen.told, "a");
}

static void a_full_queue_refuses_and_keeps_what_it_has(void **state)
{
	hold_writer(writer); // has a place itself, until it is told
	for (unsigned i = 1; i < MANY; i++)
		post("a");
	assert_int_equal(state_writer_post(writer, run, told, "b"), -ENOSPC);
	release_writer();
	state_writer_wait(writer);
	assert_int_equal(seen.n_told, MANY - 1);
	assert_null(strchr(seen.runs, 'b'));
	for (unsigned i = 0; i < MANY; i++)
		post("c");
	state_writer_wait(writer);
	assert_int_equal(seen.n_told, 2 * MANY - 1);
}

static void told_and_post_next(void *ctx)
{
	told(ctx);
	post("z");
}

static void who_is_told_may_post_and_waiting_is_for_that_too(void **state)
{
	hold_writer(writer);
	for (unsigned i = 1; i < MANY; i++)
		assert_int_equal(state_writer_post(writer, run, told_and_post_next, "a"), 0);
	release_writer();
	state_writer_wait(writer);
	assert_int_equal(seen.n_told, 2 * (MANY - 1));
	assert_int_equal(seen.told[2 * (MANY - 1) - 1], 'z');
}

static void the_end_does_and_tells_all_that_is_queued(void **state)
{
	hold_writer(writer);
	for (unsigned i = 1; i < MANY; i++)
		post("a");
	release_writer();
	state_writer_free(writer);
	writer = NULL;
	assert_int_equal(seen.n_told, MANY - 1);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_posted_is_run_and_told_in_its_order),
		TEST(the_loop_is_told_without_waiting_for_it),
		TEST(a_full_queue_refuses_and_keeps_what_it_has),
		TEST(who_is_told_may_post_and_waiting_is_for_that_too),
		TEST(the_end_does_and_tells_all_that_is_queued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
