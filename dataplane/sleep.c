// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/sleep.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <rte_pause.h>

#include "dataplane/dataplane_internal.h"

enum {
	// Adaptive idling. It polls on for a while: the next packet of a busy link is microseconds
	// away, and to sleep and wake up takes tens of them, on a virtual machine more. How long is
	// learned from how long it was without work before, as KVM does for a core that halts
	// (Linux, Documentation/virt/kvm/halt-polling.rst). Then it sleeps until a packet comes,
	// where the drivers of all its queues can say so; where one cannot, for times that grow,
	// the longest of which keeps the promise that the first packet is on its way within 1 ms.
	POLL_LEAST_US = 10,
	POLL_LONGEST_US = 500,
	AWAY_US = 100, // longer than an interrupt takes: another program runs on this core
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
	for (unsigned k = 0; k < snap->n_receivers; k++) {
		const struct receiver *in = &snap->receivers[k];

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

static void sleep_until_needed(struct worker *w)
{
	uint64_t ns = SLEEP_LONGEST_NS;
	struct timespec ts = {0};
	uint64_t count;

	if (w->sleep_serial != w->snap->serial)
		sleep_prepare(w);
	if (!w->can_be_woken)
		ns = RTE_MIN((uint64_t)SLEEP_BLIND_FIRST_NS * ++w->naps,
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

static uint64_t tsc_of_us(uint64_t us)
{
	return us * rte_get_tsc_hz() / 1000000;
}

uint32_t sleep_poll_next_us(uint32_t poll_us, uint64_t idle_us)
{
	if (idle_us <= poll_us)
		return poll_us;
	if (idle_us <= POLL_LONGEST_US) // a little more, and it would have found it
		return RTE_MIN(
			RTE_MAX(2 * poll_us, (uint32_t)POLL_LEAST_US), (uint32_t)POLL_LONGEST_US);
	return RTE_MAX(poll_us / 2, (uint32_t)POLL_LEAST_US);
}

void sleep_when_idle(struct worker *w)
{
	uint64_t now = rte_rdtsc();

	if (w->is_busy) {
		rte_pause();
		return;
	}
	if (w->idle_since_tsc == 0) {
		w->idle_since_tsc = now;
		w->naps = 0;
	} else if (now - w->idle_seen_tsc > tsc_of_us(AWAY_US)) {
		w->poll_us = POLL_LEAST_US; // the core is not ours alone
	}
	w->idle_seen_tsc = now;
	if (now - w->idle_since_tsc < tsc_of_us(POLL_LEAST_US)) {
		rte_pause();
	} else if (now - w->idle_since_tsc < tsc_of_us(w->poll_us)) {
		sched_yield(); // to whoever waits for this core
	} else {
		sleep_until_needed(w);
		w->idle_seen_tsc = rte_rdtsc();
	}
}

void sleep_idle_over(struct worker *w)
{
	uint64_t idle_us;

	if (w->idle_since_tsc == 0)
		return;
	idle_us = (rte_rdtsc() - w->idle_since_tsc) / tsc_of_us(1);
	w->poll_us = sleep_poll_next_us(w->poll_us, idle_us);
	w->idle_since_tsc = 0;
}
