// SPDX-License-Identifier: BSD-3-Clause
#include "control/schedules.h"

enum { DAYS = 7 };

bool schedule_is_equal(const struct schedule *a, const struct schedule *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (a->times[i].days != b->times[i].days ||
			a->times[i].first_min != b->times[i].first_min ||
			a->times[i].last_min != b->times[i].last_min)
			return false;
	return true;
}

static bool has_day(const struct cfg_time *time, int day)
{
	return time->days >> day & 1;
}

static bool is_in(const struct cfg_time *time, int day, unsigned minute)
{
	int yesterday = (day + DAYS - 1) % DAYS;

	if (time->first_min < time->last_min)
		return has_day(time, day) && minute >= time->first_min && minute < time->last_min;
	// over midnight: the day is the one that it begins on
	return (has_day(time, day) && minute >= time->first_min) ||
	       (has_day(time, yesterday) && minute < time->last_min);
}

bool schedule_is_active(const struct schedule *schedule, const struct tm *local)
{
	unsigned minute = (unsigned)local->tm_hour * 60 + (unsigned)local->tm_min;

	for (unsigned i = 0; i < schedule->n; i++)
		if (is_in(&schedule->times[i], local->tm_wday, minute))
			return true;
	return false;
}

uint64_t schedules_active(const struct schedule *schedules, unsigned n, time_t now)
{
	uint64_t active = 0;
	struct tm local;

	tzset(); // somebody may have set another time zone since
	if (localtime_r(&now, &local) == NULL)
		return 0;
	for (unsigned i = 0; i < n; i++)
		if (schedule_is_active(&schedules[i], &local))
			active |= UINT64_C(1) << i;
	return active;
}
