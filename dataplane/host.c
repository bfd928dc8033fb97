// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/host.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_lcore.h>

#include "dataplane/dataplane_internal.h"
#include "dataplane/flow_table.h"
#include "dataplane/fragment.h"
#include "dataplane/owner.h"
#include "dataplane/packet.h"
#include "dataplane/parse.h"

enum {
	HOST_BURST = 32,
	PUNT_SHARE_PART = 4,	      // of an interface's budget, for one sender
	TAP_READS_A_TURN = 64,	      // of one TAP, so that no interface starves the others
	WAKE_TAG = DP_INTERFACES_MAX, // epoll's name for wake_fd
};

// --- workers ---

static enum punt_reason punt_reason_of(enum counter counter)
{
	if (counter == COUNTER_PUNT_ARP)
		return PUNT_REASON_ARP;
	if (counter == COUNTER_PUNT_ND)
		return PUNT_REASON_ND;
	if (counter == COUNTER_PUNT_MULTICAST)
		return PUNT_REASON_MULTICAST;
	if (counter == COUNTER_PUNT_LOCAL)
		return PUNT_REASON_LOCAL;
	return PUNT_REASON_OTHER;
}

static const struct {
	enum counter counter;
	bool is_urgent; // a neighbour that is not known is worse than a packet late
	bool is_shared; // anybody may send such: one sender has no more than its part
} punt_kinds[PUNT_REASON_COUNT] = {
	[PUNT_REASON_ARP] = {COUNTER_PUNT_ARP, .is_urgent = true, .is_shared = true},
	[PUNT_REASON_ND] = {COUNTER_PUNT_ND, .is_urgent = true, .is_shared = true},
	[PUNT_REASON_MULTICAST] = {COUNTER_PUNT_MULTICAST, .is_shared = true},
	[PUNT_REASON_FLOW] = {COUNTER_PUNT_LOCAL},
	[PUNT_REASON_NEW] = {COUNTER_PUNT_LOCAL, .is_shared = true},
	[PUNT_REASON_MTU] = {COUNTER_PUNT_LOCAL},
	[PUNT_REASON_LOCAL] = {COUNTER_PUNT_LOCAL},
	[PUNT_REASON_OTHER] = {COUNTER_PUNT_OTHER, .is_shared = true},
};

// Who sent it: a network behind a station. By the station alone a gateway would be one sender with
// all the world behind it; by the network alone, so would a LAN whose hosts have one IPv6 prefix.
static uint64_t punt_sender(const struct worker *w, uint8_t iface, struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = packet_eth(m);
	uint64_t station = 0, network = 0;

	memcpy(&station, &eth->src_addr, sizeof(eth->src_addr));
	if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) &&
		m->data_len >= L3_OFFSET + sizeof(struct rte_ipv4_hdr))
		network = packet_ip4(m)->src_addr;
	else if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6) &&
		 m->data_len >= L3_OFFSET + sizeof(struct rte_ipv6_hdr))
		memcpy(&network, packet_ip6(m)->src_addr, sizeof(network));
	station |= (uint64_t)iface << 48;
	return flow_mix(station ^ w->flows.seeds[0], network ^ w->flows.seeds[1]);
}

// The same as a token bucket with a fourth of the interface's: it is full when nothing is due. What
// is due is told in thousandths of a packet, and one of a sender counts as four of the interface's.
// Each sender has a place in both halves of the table, and what counts is the one where less is
// due: who shares a place with a flood is heard by the other.
static bool punt_share_take(
	struct worker *w, uint8_t iface, struct rte_mbuf *m, enum punt_reason why)
{
	const struct token_bucket *budget = &w->punt_budget[iface][why];
	uint64_t now = w->now_ms * budget->per_sec;
	uint64_t sender = punt_sender(w, iface, m);
	uint64_t *one = &w->punt_due[why][0][sender % PUNT_SENDERS];
	uint64_t *other = &w->punt_due[why][1][(sender >> 32) % PUNT_SENDERS];
	uint64_t due = RTE_MAX(RTE_MIN(*one, *other), now) + PUNT_SHARE_PART * 1000;

	if (due > now + budget->burst * UINT64_C(1000))
		return false;
	*one = RTE_MAX(*one, due);
	*other = RTE_MAX(*other, due);
	return true;
}

// What came in pieces goes up in pieces: the kernel, too, has to know how large they were where it
// passes them on by a device of the machine's own.
void host_punt_as(struct worker *w, uint8_t iface, struct rte_mbuf *m, enum punt_reason why)
{
	struct rte_mbuf *pieces[FRAGMENT_PIECES_MAX];
	struct rte_ring *ring = w->to_host;
	unsigned n;

	if (punt_kinds[why].is_urgent)
		ring = w->to_host_urgent;
	else if (why == PUNT_REASON_FLOW || why == PUNT_REASON_MTU)
		ring = w->to_host_flows;
	if (punt_kinds[why].is_shared && !punt_share_take(w, iface, m, why)) {
		worker_drop(w, m, COUNTER_DROP_PUNT_SHARE);
		return;
	}
	if (!token_take(&w->punt_budget[iface][why])) {
		worker_drop(w, m, COUNTER_DROP_PUNT_BUDGET);
		return;
	}
	n = fragment_again(w, m, pieces);
	if (n == 0)
		return;
	for (unsigned i = 0; i < n; i++)
		pieces[i]->port = iface;
	if (rte_ring_sp_enqueue_bulk(ring, (void **)pieces, n, NULL) == 0) {
		for (unsigned i = 0; i < n; i++)
			worker_drop(w, pieces[i], COUNTER_DROP_PUNT_FULL);
		return;
	}
	worker_count(w, punt_kinds[why].counter);
	w->host_signal = true;
}

void host_punt(struct worker *w, uint8_t iface, struct rte_mbuf *m, enum counter reason)
{
	host_punt_as(w, iface, m, punt_reason_of(reason));
}

void host_wake(struct worker *w)
{
	struct host *host = &w->dp->host;
	uint64_t one = 1;

	w->host_signal = false;
	atomic_thread_fence(memory_order_seq_cst); // the ring's store before the flag's load
	if (atomic_load_explicit(&host->is_asleep, memory_order_relaxed) &&
		write(host->wake_fd, &one, sizeof(one)) < 0)
		return; // EAGAIN: it has plenty of reasons to wake already
}

// --- the host thread ---

static void tap_write(struct host *host, struct rte_mbuf *m)
{
	int fd = atomic_load_explicit(&host->tap_fds[m->port], memory_order_relaxed);

	if (fd < 0 || write(fd, rte_pktmbuf_mtod(m, void *), m->data_len) < 0)
		host->counters[COUNTER_DROP_HOST_TAP]++;
	rte_pktmbuf_free(m);
}

static unsigned drain(struct host *host, struct rte_ring *ring, unsigned max)
{
	struct rte_mbuf *pkts[HOST_BURST];
	unsigned n = rte_ring_sc_dequeue_burst(ring, (void **)pkts, RTE_MIN(max, HOST_BURST), NULL);

	for (unsigned i = 0; i < n; i++)
		tap_write(host, pkts[i]);
	return n;
}

// At every step the urgent rings first, all of them, then the flows': neither ARP and ND nor who is
// logged in ever waits behind a flood. A burst of the rest follows each time, so that it is never
// shut out either.
static unsigned drain_workers(struct host *host)
{
	struct dataplane *dp = host->dp;
	unsigned n = 0;

	for (unsigned i = 0; i < dp->options.n_workers; i++) {
		for (unsigned k = 0; k < dp->options.n_workers; k++)
			n += drain(host, dp->workers[k].to_host_urgent, HOST_BURST);
		for (unsigned k = 0; k < dp->options.n_workers; k++)
			n += drain(host, dp->workers[k].to_host_flows, HOST_BURST);
		n += drain(host, dp->workers[i].to_host, HOST_BURST);
	}
	return n;
}

static uint16_t host_owner(
	struct dataplane *dp, const struct snapshot *snap, struct rte_mbuf *m, uint8_t iface)
{
	const struct interface *out = &snap->interfaces[iface];
	uint16_t n_workers = (uint16_t)dp->options.n_workers;
	struct packet p = {.m = m, .iface = iface};

	if (n_workers == 1)
		return 0;
	if (snap->tracks && packet_parse_from_host(&p))
		return owner_of(&p, out->is_outside, true, n_workers);
	return iface % n_workers;
}

static void to_worker(struct host *host, uint8_t iface, struct rte_mbuf *m)
{
	struct dataplane *dp = host->dp;
	const struct snapshot *snap = atomic_load_explicit(&dp->snapshot, memory_order_acquire);
	struct worker *w = &dp->workers[host_owner(dp, snap, m, iface)];

	m->packet_type = INBOX_HOST;
	m->port = iface;
	if (rte_ring_mp_enqueue(w->inbox, m) == 0) {
		worker_wake(w);
		return;
	}
	host->counters[COUNTER_DROP_HOST_INBOX]++;
	rte_pktmbuf_free(m);
}

// Takes one packet out of a TAP all the same: what stays there would wake us again at once.
static void tap_discard(struct host *host, int fd)
{
	uint8_t head[RTE_ETHER_HDR_LEN];

	if (read(fd, head, sizeof(head)) > 0)
		host->counters[COUNTER_DROP_NO_BUFFER]++;
}

static void tap_read(struct host *host, uint8_t iface)
{
	for (unsigned i = 0; i < TAP_READS_A_TURN; i++) {
		int fd = atomic_load_explicit(&host->tap_fds[iface], memory_order_relaxed);
		struct rte_mbuf *m;
		ssize_t bytes;

		if (fd < 0)
			return;
		m = rte_pktmbuf_alloc(drivers_pool());
		if (m == NULL) {
			tap_discard(host, fd);
			return;
		}
		bytes = read(fd, rte_pktmbuf_mtod(m, void *), rte_pktmbuf_tailroom(m));
		if (bytes < (ssize_t)RTE_ETHER_HDR_LEN) {
			rte_pktmbuf_free(m);
			return;
		}
		m->data_len = (uint16_t)bytes;
		m->pkt_len = (uint32_t)bytes;
		to_worker(host, iface, m);
	}
}

// Looks at the TAPs; waits for them, or for a worker, when there was nothing else to do.
static void host_poll(struct host *host, bool was_idle)
{
	struct dataplane *dp = host->dp;
	struct epoll_event events[DP_INTERFACES_MAX + 1];
	int timeout_ms = was_idle ? -1 : 0;
	uint64_t count;
	int n;

	// sequentially consistent: the flag is seen before the rings are looked at once more
	atomic_store(&host->is_asleep, was_idle);
	for (unsigned i = 0; i < dp->options.n_workers; i++)
		if (!rte_ring_empty(dp->workers[i].to_host) ||
			!rte_ring_empty(dp->workers[i].to_host_flows) ||
			!rte_ring_empty(dp->workers[i].to_host_urgent))
			timeout_ms = 0;
	rte_rcu_qsbr_thread_offline(dp->rcu, host->rcu_id);
	n = epoll_wait(host->epoll_fd, events, RTE_DIM(events), timeout_ms);
	rte_rcu_qsbr_thread_online(dp->rcu, host->rcu_id);
	atomic_store(&host->is_asleep, false);
	for (int i = 0; i < n; i++) {
		if (events[i].data.u32 == WAKE_TAG) {
			if (read(host->wake_fd, &count, sizeof(count)) < 0)
				continue;
		} else {
			tap_read(host, (uint8_t)events[i].data.u32);
		}
	}
}

static void *host_main(void *arg)
{
	struct host *host = arg;
	struct dataplane *dp = host->dp;

	rte_thread_register(); // for a mempool cache of its own; it works without
	rte_rcu_qsbr_thread_register(dp->rcu, host->rcu_id);
	rte_rcu_qsbr_thread_online(dp->rcu, host->rcu_id);
	while (!atomic_load(&host->must_stop))
		host_poll(host, drain_workers(host) == 0);
	rte_rcu_qsbr_thread_offline(dp->rcu, host->rcu_id);
	rte_rcu_qsbr_thread_unregister(dp->rcu, host->rcu_id);
	rte_thread_unregister();
	return NULL;
}

// --- control ---

int host_init(struct host *host, struct dataplane *dp)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = WAKE_TAG};

	host->dp = dp;
	host->rcu_id = dp->options.n_workers;
	for (unsigned i = 0; i < DP_INTERFACES_MAX; i++)
		host->tap_fds[i] = -1;
	host->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	host->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (host->epoll_fd < 0 || host->wake_fd < 0 ||
		epoll_ctl(host->epoll_fd, EPOLL_CTL_ADD, host->wake_fd, &event) != 0) {
		int error = errno;

		host_fini(host);
		return -error;
	}
	return 0;
}

void host_fini(struct host *host)
{
	if (host->epoll_fd >= 0)
		close(host->epoll_fd);
	if (host->wake_fd >= 0)
		close(host->wake_fd);
	host->epoll_fd = host->wake_fd = -1;
}

int host_start(struct host *host)
{
	int error = pthread_create(&host->thread, NULL, host_main, host);

	if (error != 0)
		return -error;
	pthread_setname_np(host->thread, "millrace-host");
	host->is_running = true;
	return 0;
}

void host_join(struct host *host)
{
	uint64_t one = 1;

	if (!host->is_running)
		return;
	atomic_store(&host->must_stop, true);
	if (write(host->wake_fd, &one, sizeof(one)) < 0)
		return;
	pthread_join(host->thread, NULL);
	host->is_running = false;
}

void host_hurry(struct host *host)
{
	int policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
	struct sched_param param;

	if (!host->is_running || (policy != SCHED_RR && policy != SCHED_FIFO) ||
		sched_getparam(0, &param) != 0 || param.sched_priority <= 1)
		return;
	param.sched_priority--; // who waits goes on as soon as it need not any more
	host->is_hurried = pthread_setschedparam(host->thread, policy, &param) == 0;
}

void host_ease(struct host *host)
{
	static const struct sched_param ordinary;

	if (host->is_hurried)
		pthread_setschedparam(host->thread, SCHED_OTHER, &ordinary);
	host->is_hurried = false;
}

int host_add_tap(struct host *host, uint8_t iface, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = iface};

	if (epoll_ctl(host->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		return -errno;
	atomic_store(&host->tap_fds[iface], fd);
	return 0;
}

void host_remove_tap(struct host *host, uint8_t iface)
{
	int fd = atomic_exchange(&host->tap_fds[iface], -1);

	if (fd >= 0)
		epoll_ctl(host->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}
