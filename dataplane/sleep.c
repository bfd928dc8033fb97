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

static void add_queues(struct thread *t, const struct worker *w)
{
	for (unsigned k = 0; k < w->snap->n_receivers; k++) {
		const struct receiver *in = &w->snap->receivers[k];

		for (uint16_t q = w->index; q < in->n_rxq; q = (uint16_t)(q + w->n_workers)) {
			int fd = port_rx_fd(in->port, q);

			if (fd < 0 || t->n_sleep_fds == SLEEP_FDS_MAX)
				t->can_be_woken = false;
			else
				t->sleep_fds[t->n_sleep_fds++] =
					(struct pollfd){.fd = fd, .events = POLLIN};
		}
	}
}

// Control's word, the inboxes, and each receive queue that can wake somebody.
static void sleep_prepare(struct thread *t)
{
	t->must_prepare = false;
	t->can_be_woken = true;
	t->sleep_fds[0] = (struct pollfd){.fd = t->wake_fd, .events = POLLIN};
	t->n_sleep_fds = 1;
	for (unsigned i = 0; i < t->n_workers; i++)
		t->sleep_fds[t->n_sleep_fds++] =
			(struct pollfd){.fd = t->workers[i]->wake_fd, .events = POLLIN};
	for (unsigned i = 0; i < t->n_workers; i++)
		add_queues(t, t->workers[i]);
	if (t->n_workers > 0)
		t->sleep_serial = t->workers[0]->snap->serial;
}

static uint64_t longest_ns(struct thread *t)
{
	if (!t->can_be_woken)
		return RTE_MIN((uint64_t)SLEEP_BLIND_FIRST_NS * ++t->naps,
			(uint64_t)SLEEP_BLIND_LONGEST_NS);
	for (unsigned i = 0; i < t->n_workers; i++)
		if (t->workers[i]->n_held > 0)
			return SLEEP_HOLDING_NS;
	return SLEEP_LONGEST_NS;
}

static bool is_wanted(const struct thread *t)
{
	for (unsigned i = 0; i < t->n_workers; i++)
		if (!rte_ring_empty(t->workers[i]->inbox))
			return true;
	return false;
}

static void sleep_for(struct thread *t, uint64_t ns)
{
	struct timespec ts = {.tv_nsec = (long)ns};
	uint64_t count;

	for (unsigned i = 0; i < t->n_workers; i++) {
		t->workers[i]->sleeps++;
		rte_rcu_qsbr_thread_offline(t->dp->rcu, t->workers[i]->rcu_id);
	}
	if (ppoll(t->sleep_fds, t->n_sleep_fds, &ts, NULL) > 0)
		for (unsigned i = 0; i <= t->n_workers; i++)
			if (t->sleep_fds[i].revents != 0 &&
				read(t->sleep_fds[i].fd, &count, sizeof(count)) < 0)
				continue; // EAGAIN: read before
	for (unsigned i = 0; i < t->n_workers; i++)
		rte_rcu_qsbr_thread_online(t->dp->rcu, t->workers[i]->rcu_id);
}

static void sleep_until_needed(struct thread *t)
{
	uint64_t ns;

	if (t->must_prepare || (t->n_workers > 0 && t->sleep_serial != t->workers[0]->snap->serial))
		sleep_prepare(t);
	ns = longest_ns(t);
	for (unsigned i = 0; i < t->n_workers; i++)
		atomic_store_explicit(&t->workers[i]->is_asleep, true, memory_order_relaxed);
	// the flags are seen before the inboxes are looked at once more: pairs with worker_wake's
	// fence
	atomic_thread_fence(memory_order_seq_cst);
	if (!is_wanted(t))
		sleep_for(t, ns);
	for (unsigned i = 0; i < t->n_workers; i++)
		atomic_store(&t->workers[i]->is_asleep, false);
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

void sleep_when_idle(struct thread *t)
{
	uint64_t now = rte_rdtsc();

	if (t->is_busy) {
		rte_pause();
		return;
	}
	if (t->idle_since_tsc == 0) {
		t->idle_since_tsc = now;
		t->naps = 0;
	} else if (now - t->idle_seen_tsc > tsc_of_us(AWAY_US)) {
		t->poll_us = POLL_LEAST_US; // the core is not ours alone
	}
	t->idle_seen_tsc = now;
	if (now - t->idle_since_tsc < tsc_of_us(POLL_LEAST_US)) {
		rte_pause();
	} else if (now - t->idle_since_tsc < tsc_of_us(t->poll_us)) {
		sched_yield(); // to whoever waits for this core
	} else {
		sleep_until_needed(t);
		t->idle_seen_tsc = rte_rdtsc();
	}
}

void sleep_idle_over(struct thread *t)
{
	uint64_t idle_us;

	if (t->idle_since_tsc == 0)
		return;
	idle_us = (rte_rdtsc() - t->idle_since_tsc) / tsc_of_us(1);
	t->poll_us = sleep_poll_next_us(t->poll_us, idle_us);
	t->idle_since_tsc = 0;
}
