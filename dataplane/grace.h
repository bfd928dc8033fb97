// SPDX-License-Identifier: BSD-3-Clause
// How control waits until every worker has passed by. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <rte_pause.h>
#include <rte_rcu_qsbr.h>

enum {
	GRACE_SPINS = 1000, // a worker with a core of its own has passed by long before
	GRACE_NAP_NS = 50000,
};

// `token`: of rte_rcu_qsbr_start. False: somebody has not passed by, who may share our core.
static inline bool grace_spin(struct rte_rcu_qsbr *rcu, uint64_t token)
{
	for (unsigned n = 0; n < GRACE_SPINS; n++) {
		if (rte_rcu_qsbr_check(rcu, token, false) != 0)
			return true;
		rte_pause();
	}
	return false;
}

// Who shares our core cannot pass by as long as we have it, and one that yields is the next again
// where it goes before the others: after a while it sleeps.
static inline void grace_wait(struct rte_rcu_qsbr *rcu, uint64_t token)
{
	static const struct timespec nap = {.tv_nsec = GRACE_NAP_NS};

	if (grace_spin(rcu, token))
		return;
	while (rte_rcu_qsbr_check(rcu, token, false) == 0)
		nanosleep(&nap, NULL);
}
