// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>
#include <unistd.h>

#include "control/cores.h"

static cpu_set_t set_of(const int *list, unsigned n)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned i = 0; i < n; i++)
		CPU_SET(list[i], &set);
	return set;
}

static void by_default_the_first_core_is_left_to_control(void **state)
{
	cpu_set_t allowed = set_of((const int[]){2, 3, 5}, 3);
	struct config config = {0};
	struct error err = {0};
	struct cores cores;

	assert_int_equal(cores_choose(&cores, &config, &allowed, &err), 0);
	assert_int_equal(cores.n_workers, 2);
	assert_int_equal(cores.workers[0], 3);
	assert_int_equal(cores.workers[1], 5);
	assert_int_equal(cores.control, 2);
}

static void a_single_core_is_shared(void **state)
{
	cpu_set_t allowed = set_of((const int[]){4}, 1);
	struct config config = {0};
	struct error err = {0};
	struct cores cores;

	assert_int_equal(cores_choose(&cores, &config, &allowed, &err), 0);
	assert_int_equal(cores.n_workers, 1);
	assert_int_equal(cores.workers[0], 4);
	assert_int_equal(cores.control, -1);
}

static void a_core_named_twice_gets_two_workers(void **state)
{
	cpu_set_t allowed = set_of((const int[]){0}, 1);
	struct config config = {.cores = {0, 0}, .n_cores = 2};
	struct error err = {0};
	struct cores cores;

	assert_int_equal(cores_choose(&cores, &config, &allowed, &err), 0);
	assert_int_equal(cores.n_workers, 2);
	assert_int_equal(cores.workers[1], 0);
}

static void there_may_be_more_workers_than_cores(void **state)
{
	cpu_set_t allowed = set_of((const int[]){0, 2, 3, 5}, 4);
	struct config config = {.cores = {0}, .n_cores = 1, .n_workers = 3};
	struct error err = {0};
	struct cores cores;

	assert_int_equal(cores_choose(&cores, &config, &allowed, &err), 0);
	assert_int_equal(cores.n_cores, 1);
	assert_int_equal(cores.n_workers, 3);
	assert_int_equal(cores.control, 2);
	// the choice is the router's: no more cores than workers
	config.n_cores = 0;
	config.n_workers = 2;
	assert_int_equal(cores_choose(&cores, &config, &allowed, &err), 0);
	assert_int_equal(cores.n_cores, 2);
	assert_int_equal(cores.workers[1], 3);
	assert_int_equal(cores.control, 0);
}

static void who_is_there_leaves_the_cores_to_workers(void **state)
{
	cpu_set_t allowed, now;
	struct cores cores = {.n_cores = 1, .n_workers = 1};
	int first = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	while (!CPU_ISSET(first, &allowed))
		first++;
	cores.workers[0] = first;
	cores_leave_to_workers(&cores, &allowed);
	assert_int_equal(sched_getaffinity(0, sizeof(now), &now), 0);
	if (CPU_COUNT(&allowed) > 1)
		assert_false(CPU_ISSET(first, &now));
	for (int core = 0; core < CPU_SETSIZE; core++) // none is left: then it is everywhere
		if (CPU_ISSET(core, &allowed) && cores.n_cores < CFG_CORES_MAX)
			cores.workers[cores.n_cores++] = core;
	cores_leave_to_workers(&cores, &allowed);
	assert_int_equal(sched_getaffinity(0, sizeof(now), &now), 0);
	assert_true(CPU_EQUAL(&now, &allowed));
}

static void a_core_that_is_not_there_or_not_allowed_is_refused(void **state)
{
	struct config config = {.file = "house.yaml", .cores = {CPU_SETSIZE - 1}, .n_cores = 1};
	cpu_set_t none = set_of(NULL, 0);
	struct error err = {0};
	struct cores cores;

	assert_int_equal(cores_choose(&cores, &config, &none, &err), -1);
	assert_non_null(strstr(err.text, "is not in this machine"));
	assert_string_equal(err.file, "house.yaml");
	config.cores[0] = 0;
	assert_int_equal(cores_choose(&cores, &config, &none, &err), -1);
	assert_non_null(strstr(err.text, "is not one that this process may use"));
}

static void cores_are_told_in_ranges(void **state)
{
	struct cores cores = {.workers = {1, 2, 3, 5, 5, 7, 8}, .n_cores = 7};
	char text[64];

	assert_string_equal(cores_str(&cores, text, sizeof(text)), "1-3,5,5,7-8");
	cores_str(&cores, text, 6); // cut, within its room
	assert_true(strlen(text) < 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_default_the_first_core_is_left_to_control),
		cmocka_unit_test(a_single_core_is_shared),
		cmocka_unit_test(a_core_named_twice_gets_two_workers),
		cmocka_unit_test(a_core_that_is_not_there_or_not_allowed_is_refused),
		cmocka_unit_test(there_may_be_more_workers_than_cores),
		cmocka_unit_test(who_is_there_leaves_the_cores_to_workers),
		cmocka_unit_test(cores_are_told_in_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
