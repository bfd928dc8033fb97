// SPDX-License-Identifier: BSD-3-Clause
// A worker for tests of RCU: it stays online without passing by, and for a while after it may.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>
#include <rte_rcu_qsbr.h>

struct slow_reader {
	struct rte_rcu_qsbr *rcu;
	_Atomic bool is_there, may_pass, has_passed;
};

static void *slow_reader_run(void *arg)
{
	struct slow_reader *reader = arg;
	struct timespec nap = {.tv_nsec = 50000000};

	rte_rcu_qsbr_thread_register(reader->rcu, 0);
	rte_rcu_qsbr_thread_online(reader->rcu, 0);
	atomic_store(&reader->is_there, true);
	while (!atomic_load(&reader->may_pass))
		sched_yield();
	nanosleep(&nap, NULL);
	atomic_store(&reader->has_passed, true);
	rte_rcu_qsbr_thread_offline(reader->rcu, 0);
	rte_rcu_qsbr_thread_unregister(reader->rcu, 0);
	return NULL;
}

// Until it is there.
static inline pthread_t slow_reader_start(struct slow_reader *reader)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, slow_reader_run, reader), 0);
	while (!atomic_load(&reader->is_there))
		sched_yield();
	return thread;
}
