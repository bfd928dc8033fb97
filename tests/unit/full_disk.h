// SPDX-License-Identifier: BSD-3-Clause
// Real files that cannot grow, as on a full disk. Include it in one file of a test.
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>

static inline void let_files_grow(bool may)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = may ? limit.rlim_max : 0;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}
