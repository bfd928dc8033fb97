// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/sleep.h"

#include <time.h>
#include <unistd.h>

#include <rte_pause.h>

#include "dataplane/dataplane_internal.h"

enum {
	// Adaptive idling. The first empty turns only pause: the next packet of a busy link is
	// microseconds away. Then it sleeps until a packet comes, where the drivers of all its
	// queues can say so; where one cannot, for times that grow, the longest of which keeps the
	// promise that the first packet is on its way within 1 ms.
	IDLE_PAUSES = 64,
	SLEEP_BLIND_FIRST_NS = 10000,
	SLEEP_BLIND_LONGEST_NS = 700000,
	SLEEP_HOLDING_NS = 1000000,   // packets wait for a neighbour that may be known by now
	SLEEP_LONGEST_NS = 100000000, // so that the watch sees a heartbeat
};

// The inbox, and each receive queue that can wake somebody.
static void sleep_prepare(struct worker *w)
{
	const struct snapshot *snap = w->snap;

	w->sleep_serial = snap->serial;
	w->can_be_woken = true;
	w->sleep_fds[0] = (struct pollfd){.fd = w->wake_fd, .events = POLLIN};
	w->n_sleep_fds = 1;
	for (unsigned k = 0; k < snap->n_ids; k++) {
		const struct interface *in = &snap->interfaces[snap->ids[k]];

		for (uint16_t q = w->index; q < in->n_rxq; q = (uint16_t)(q + w->n_workers)) {
			int fd = port_rx_fd(in->port, q);

			if (fd < 0 || w->n_sleep_fds == SLEEP_FDS_MAX)
				w->can_be_woken = false;
			else
				w->sleep_fds[w->n_sleep_fds++] =
					(struct pollfd){.fd = fd, .events = POLLIN};
		}
	}
}

static void sleep_until_needed(struct worker *w, unsigned n_empty)
{
	uint64_t ns = SLEEP_LONGEST_NS;
	struct timespec ts = {0};
	uint64_t count;

	if (w->sleep_serial != w->snap->serial)
		sleep_prepare(w);
	if (!w->can_be_woken)
		ns = RTE_MIN((uint64_t)SLEEP_BLIND_FIRST_NS * (n_empty - IDLE_PAUSES + 1),
			(uint64_t)SLEEP_BLIND_LONGEST_NS);
	else if (w->n_held > 0)
		ns = SLEEP_HOLDING_NS;
	ts.tv_nsec = (long)ns;
	// the flag is seen before the inbox is looked at once more: pairs with worker_wake's fence
	atomic_store_explicit(&w->is_asleep, true, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (rte_ring_empty(w->inbox) && !atomic_load(&w->dp->must_stop)) {
		w->sleeps++;
		rte_rcu_qsbr_thread_offline(w->dp->rcu, w->rcu_id);
		ppoll(w->sleep_fds, w->n_sleep_fds, &ts, NULL);
		rte_rcu_qsbr_thread_online(w->dp->rcu, w->rcu_id);
	}
	atomic_store(&w->is_asleep, false);
	if (w->sleep_fds[0].revents != 0 && read(w->wake_fd, &count, sizeof(count)) < 0)
		return; // EAGAIN: read before
}

void worker_wake(struct worker *w)
{
	uint64_t one = 1;

	atomic_thread_fence(memory_order_seq_cst); // the inbox's store before the flag's load
	if (atomic_load_explicit(&w->is_asleep, memory_order_relaxed) &&
		atomic_exchange(&w->is_asleep, false) && write(w->wake_fd, &one, sizeof(one)) < 0)
		return; // EAGAIN: it has been woken often enough
}

void sleep_when_idle(struct worker *w, unsigned n_empty)
{
	if (w->is_busy || n_empty < IDLE_PAUSES)
		rte_pause();
	else
		sleep_until_needed(w, n_empty);
}
