// SPDX-License-Identifier: BSD-3-Clause
// How control waits until every worker has passed by. Control thread.
#pragma once

#include <sched.h>
#include <stdint.h>

#include <rte_pause.h>
#include <rte_rcu_qsbr.h>

enum { GRACE_SPINS = 1000 }; // a worker with a core of its own has passed by long before

// `token`: of rte_rcu_qsbr_start. Where a worker shares our core it cannot pass by as long as we
// spin: after a while it is let go first.
static inline void grace_wait(struct rte_rcu_qsbr *rcu, uint64_t token)
{
	for (unsigned n = 0; rte_rcu_qsbr_check(rcu, token, false) == 0; n++) {
		if (n < GRACE_SPINS)
			rte_pause();
		else
			sched_yield();
	}
}
