// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>

#include "control/schedules.h"

enum { SUN, MON, TUE, WED, THU, FRI, SAT, ALL = 0x7f };

#define DAY(day)      (1u << (day))
#define AT(hour, min) ((hour)*60 + (min))
#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define WORK_DAYS     (DAY(MON) | DAY(TUE) | DAY(WED) | DAY(THU) | DAY(FRI))

static const struct {
	struct cfg_time time;
	int day, hour, min;
	bool is_active;
} rows[] = {
	{{WORK_DAYS, AT(8, 0), AT(18, 0)}, MON, 7, 59, false},
	{{WORK_DAYS, AT(8, 0), AT(18, 0)}, MON, 8, 0, true},
	{{WORK_DAYS, AT(8, 0), AT(18, 0)}, FRI, 17, 59, true},
	{{WORK_DAYS, AT(8, 0), AT(18, 0)}, FRI, 18, 0, false},
	{{WORK_DAYS, AT(8, 0), AT(18, 0)}, SAT, 12, 0, false},
	// whole days
	{{DAY(SAT) | DAY(SUN), 0, AT(24, 0)}, FRI, 23, 59, false},
	{{DAY(SAT) | DAY(SUN), 0, AT(24, 0)}, SAT, 0, 0, true},
	{{DAY(SAT) | DAY(SUN), 0, AT(24, 0)}, SUN, 23, 59, true},
	{{DAY(SAT) | DAY(SUN), 0, AT(24, 0)}, MON, 0, 0, false},
	// over midnight, and over the end of the week
	{{DAY(SAT), AT(22, 0), AT(6, 0)}, SAT, 21, 59, false},
	{{DAY(SAT), AT(22, 0), AT(6, 0)}, SAT, 22, 0, true},
	{{DAY(SAT), AT(22, 0), AT(6, 0)}, SUN, 5, 59, true},
	{{DAY(SAT), AT(22, 0), AT(6, 0)}, SUN, 6, 0, false},
	{{DAY(SAT), AT(22, 0), AT(6, 0)}, SAT, 5, 0, false}, // it began on no Friday
	{{DAY(SUN), AT(22, 0), AT(6, 0)}, MON, 1, 0, true},
	// from a time to the same one: a whole day, from there
	{{DAY(WED), AT(12, 0), AT(12, 0)}, WED, 11, 59, false},
	{{DAY(WED), AT(12, 0), AT(12, 0)}, WED, 12, 0, true},
	{{DAY(WED), AT(12, 0), AT(12, 0)}, THU, 11, 59, true},
	{{DAY(WED), AT(12, 0), AT(12, 0)}, THU, 12, 0, false},
	// to midnight
	{{ALL, AT(20, 0), AT(24, 0)}, TUE, 23, 59, true},
	{{ALL, AT(20, 0), AT(24, 0)}, TUE, 0, 0, false},
	{{ALL, AT(20, 0), 0}, TUE, 0, 0, false},
};

static void a_time_is_active_from_its_first_minute_to_before_its_last(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct schedule schedule = {&rows[i].time, 1};
		struct tm local = {
			.tm_wday = rows[i].day, .tm_hour = rows[i].hour, .tm_min = rows[i].min};

		if (schedule_is_active(&schedule, &local) != rows[i].is_active)
			fail_msg("row %zu", i);
	}
}

static void any_of_its_times_is_enough_and_none_is_never(void **state)
{
	static const struct cfg_time times[] = {
		{ALL, AT(1, 0), AT(2, 0)}, {ALL, AT(3, 0), AT(4, 0)}};
	struct tm local = {.tm_hour = 3};

	assert_true(schedule_is_active(&(struct schedule){times, 2}, &local));
	assert_false(schedule_is_active(&(struct schedule){times, 1}, &local));
	assert_false(schedule_is_active(&(struct schedule){NULL, 0}, &local));
}

// Berlin 2023: on March 26 the clocks went from 2:00 to 3:00, on October 29 from 3:00 to 2:00.
static void local_time_goes_by_the_clock_on_the_wall(void **state)
{
	static const struct cfg_time night = {ALL, AT(2, 30), AT(3, 30)};
	static const struct {
		time_t now;
		bool is_active;
	} at[] = {
		{1679792340, false}, // 01:59 CET
		{1679792400, true},  // 03:00 CEST: the half hour before did not come
		{1679794140, true},  // 03:29
		{1679794200, false}, // 03:30
		{1698539340, false}, // 02:29 CEST
		{1698539400, true},  // 02:30, for the first time
		{1698541140, true},  // 02:59
		{1698541200, false}, // 02:00 CET, again
		{1698543000, true},  // 02:30, for the second time
		{1698546600, false}, // 03:30
	};
	struct schedule schedules[] = {{&night, 1}, {NULL, 0}, {&night, 1}};

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	for (size_t i = 0; i < COUNT(at); i++)
		assert_int_equal(
			schedules_active(schedules, 3, at[i].now), at[i].is_active ? 0x5 : 0);
}

static void another_time_zone_counts_from_then_on(void **state)
{
	static const struct cfg_time noon = {ALL, AT(12, 0), AT(13, 0)};
	struct schedule schedule = {&noon, 1};
	const time_t noon_utc = 1700006400 - 1700006400 % 86400 + 12 * 3600;

	setenv("TZ", "UTC0", 1);
	assert_int_equal(schedules_active(&schedule, 1, noon_utc), 1);
	setenv("TZ", "XYZ-5", 1);
	assert_int_equal(schedules_active(&schedule, 1, noon_utc), 0);
	assert_int_equal(schedules_active(&schedule, 1, noon_utc - 5 * 3600), 1);
}

static void equal_is_what_has_the_same_times_in_the_same_order(void **state)
{
	static const struct cfg_time a[] = {{ALL, 1, 2}, {DAY(MON), 3, 4}};
	static const struct cfg_time b[] = {{ALL, 1, 2}, {DAY(MON), 3, 4}, {DAY(TUE), 3, 4}};

	assert_true(schedule_is_equal(&(struct schedule){a, 2}, &(struct schedule){b, 2}));
	assert_false(schedule_is_equal(&(struct schedule){a, 2}, &(struct schedule){b, 3}));
	assert_false(schedule_is_equal(&(struct schedule){a + 1, 1}, &(struct schedule){b + 2, 1}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_is_active_from_its_first_minute_to_before_its_last),
		cmocka_unit_test(any_of_its_times_is_enough_and_none_is_never),
		cmocka_unit_test(local_time_goes_by_the_clock_on_the_wall),
		cmocka_unit_test(another_time_zone_counts_from_then_on),
		cmocka_unit_test(equal_is_what_has_the_same_times_in_the_same_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
