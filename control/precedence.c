// SPDX-License-Identifier: BSD-3-Clause
#include "control/precedence.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "cfg/base/log.h"

enum {
	PRIORITY = 2, // one above what control lends to whom it waits for
	US_PER_MS = 1000,
};

// For the signal's handler, which has nobody to ask.
static atomic_bool is_taken, is_given_up;
static bool is_wanted; // whether or not it can be had where control is now

static int set_policy(int policy, int priority)
{
	const struct sched_param param = {.sched_priority = priority};

	return sched_setscheduler(getpid(), policy, &param); // the first thread is control's
}

// The limit counts from the last time that it slept. After the signal the kernel moves it on by a
// second, so it is set each time.
static int set_limit(rlim_t us)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_RTTIME, &limit) != 0)
		return -1;
	limit.rlim_cur = us;
	return setrlimit(RLIMIT_RTTIME, &limit);
}

static void on_limit(int signum)
{
	int was = errno;

	if (atomic_load(&is_taken) && set_policy(SCHED_OTHER, 0) == 0)
		atomic_store(&is_given_up, true);
	errno = was;
}

static int take(void)
{
	return set_limit(PRECEDENCE_TURN_MS * US_PER_MS) == 0 &&
			       set_policy(SCHED_RR | SCHED_RESET_ON_FORK, PRIORITY) == 0
		       ? 0
		       : -errno;
}

bool precedence_take(const struct cores *cores)
{
	struct sigaction action = {.sa_handler = on_limit, .sa_flags = SA_RESTART};
	int rc;

	is_wanted = true;
	if (cores->control < 0)
		return false;
	if (sigaction(SIGXCPU, &action, NULL) != 0)
		return false;
	atomic_store(&is_taken, true);
	rc = take();
	if (rc == 0)
		return true;
	atomic_store(&is_taken, false);
	set_limit(RLIM_INFINITY);
	log_info("control", "does not go before others on core %d: %s", cores->control,
		strerror(-rc));
	return false;
}

void precedence_keep(void)
{
	if (atomic_exchange(&is_given_up, false) && take() != 0)
		atomic_store(&is_given_up, true);
}

bool precedence_is_given_up(void)
{
	return atomic_load(&is_given_up);
}

void precedence_pause(void)
{
	if (atomic_exchange(&is_taken, false)) {
		set_policy(SCHED_OTHER, 0);
		set_limit(RLIM_INFINITY);
	}
	atomic_store(&is_given_up, false);
}

void precedence_follow(const struct cores *cores)
{
	if (is_wanted)
		precedence_take(cores);
}

void precedence_end(void)
{
	precedence_pause();
	is_wanted = false;
}
