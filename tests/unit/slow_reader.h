// SPDX-License-Identifier: BSD-3-Clause
// A worker for tests of RCU: it stays online for a while without passing by.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <rte_rcu_qsbr.h>

struct slow_reader {
	struct rte_rcu_qsbr *rcu;
	_Atomic bool is_there, has_passed;
};

static void *slow_reader_run(void *arg)
{
	struct slow_reader *reader = arg;
	struct timespec nap = {.tv_nsec = 50000000};

	rte_rcu_qsbr_thread_register(reader->rcu, 0);
	rte_rcu_qsbr_thread_online(reader->rcu, 0);
	atomic_store(&reader->is_there, true);
	nanosleep(&nap, NULL);
	atomic_store(&reader->has_passed, true);
	rte_rcu_qsbr_thread_offline(reader->rcu, 0);
	rte_rcu_qsbr_thread_unregister(reader->rcu, 0);
	return NULL;
}
