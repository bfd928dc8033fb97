// SPDX-License-Identifier: BSD-3-Clause
// The way to and from the kernel: workers put packets for the host stack into rings, under a
// budget for each reason; one thread moves them to the TAPs, reads the TAPs and gives what it
// read to the worker that owns the flow. That thread alone makes system calls for packets.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "dataplane/worker.h"

struct host {
	struct dataplane *dp;
	pthread_t thread;
	bool is_running;
	bool is_hurried; // control waits for it
	_Atomic bool must_stop;
	_Atomic bool is_asleep; // a worker that punts must write wake_fd
	int epoll_fd;
	int wake_fd;
	unsigned rcu_id;
	_Atomic int tap_fds[DP_INTERFACES_MAX]; // -1: none
	uint64_t counters[COUNTER_COUNT];	// written by the host thread only
};

int host_init(struct host *host, struct dataplane *dp);
void host_fini(struct host *host);
int host_start(struct host *host);
void host_join(struct host *host);
// Control thread, which waits for this one and may have the same core: where it goes before others
// there (control/precedence.h), so does this one, until control need not wait any more.
void host_hurry(struct host *host);
void host_ease(struct host *host);
// Control thread; the host thread has let go of the TAP after the next RCU grace period.
int host_add_tap(struct host *host, uint8_t iface, int fd);
void host_remove_tap(struct host *host, uint8_t iface);

// Workers. Takes ownership; `reason` is one of the punt counters.
__rte_noinline void host_punt(
	struct worker *w, uint8_t iface, struct rte_mbuf *m, enum counter reason);
// The same where more is known of the packet than its kind.
void host_punt_as(struct worker *w, uint8_t iface, struct rte_mbuf *m, enum punt_reason why);
// At the end of a turn in which something was put into the rings.
void host_wake(struct worker *w);
