// SPDX-License-Identifier: BSD-3-Clause
// When rules with times are active: by the local time that a clock on the wall shows, whole
// minutes. In the night that clocks go back, the hour that comes twice counts twice; the hour that
// is left out in spring does not come. Pure. Any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "cfg/firewall.h"

// Active while any of its times is.
struct schedule {
	const struct cfg_time *times; // borrowed
	unsigned n;
};

bool schedule_is_equal(const struct schedule *a, const struct schedule *b);
bool schedule_is_active(const struct schedule *schedule, const struct tm *local);

// Bits of those that are active at this moment, of 64 at most; in the time zone that the machine
// has now.
uint64_t schedules_active(const struct schedule *schedules, unsigned n, time_t now);
