// SPDX-License-Identifier: BSD-3-Clause
// What stands behind the door: shared by the files of this room, and by bench and tests.
#pragma once

#include <stdatomic.h>

#include "dataplane/adjacency.h"
#include "dataplane/crew.h"
#include "dataplane/dataplane.h"
#include "dataplane/expect.h"
#include "dataplane/fib.h"
#include "dataplane/host.h"
#include "dataplane/observers.h"
#include "dataplane/rate.h"
#include "dataplane/snapshot.h"
#include "dataplane/timed_set.h"
#include "dataplane/worker.h"

struct rehearsal;

enum { EVENT_RING_SIZE = 1024 };

struct dataplane {
	struct dataplane_options options;
	struct rte_rcu_qsbr *rcu;
	_Atomic(struct snapshot *) snapshot; // control replaces it whole
	_Atomic uint32_t epoch;
	struct fib fib;
	struct adjacency_table adjacencies;
	struct worker *workers; // options.n_workers
	struct crew crew;	// who runs them
	struct host host;
	struct rte_ring *events; // struct dp_event, by value
	int event_fd;
	bool is_started;
	_Atomic bool must_stop;
	struct timed_set *timed[DP_TIMED_SETS_MAX]; // NULL: not opened
	struct rate_table *rates;
	struct expect_table *expected; // by helpers
	uint64_t reviewed_ms; // control's: when a timed set last made flows be judged again
	bool review_is_due;
	uint32_t n_policies;			     // control's: that have been in force
	_Atomic(const struct observers *) observers; // NULL: nobody looks at packets
	struct observers observer_sets[2];	     // one of them is published, at most
	struct capture *captures[DP_CAPTURES_MAX];   // control's own, until they are freed
	struct recorder *recorder;		     // NULL: none
	struct rehearsal *rehearsal;		     // control's own; NULL: nobody has asked yet
	uint64_t start_tsc;			     // the workers' clocks begin here
	_Atomic uint16_t reply_ways[DP_INTERFACES_MAX][2]; // codes, of IPv4 and IPv6; else 0
	uint8_t group_is_used[NEXTHOP_GROUPS_MAX];
	struct {
		_Atomic uint32_t serial; // of the last order
		_Atomic uint64_t ids;	 // bits 1 << id of interfaces that have gone
	} cut;				 // flow_cut.h
	// What an interface's id had counted before it became its.
	struct dp_interface_stats stats_before[DP_INTERFACES_MAX];
};

// A worker, brought up to date with the last change if its thread does not run: for bench, tests.
struct worker *dataplane_worker(struct dataplane *dp, unsigned index);
// Queues an event for control; dropped and counted when control is far behind.
__rte_noinline void dataplane_raise(struct worker *w, const struct dp_event *event);
// The same for what strangers cause with each of their packets: so many a second, and half of the
// queue is not theirs.
__rte_noinline void dataplane_raise_minor(struct worker *w, const struct dp_event *event);
// Control: live flows look again at their next packet.
void dataplane_next_epoch(struct dataplane *dp);
// Control: returns when every worker has passed by once.
void dataplane_synchronize(struct dataplane *dp);
// What a counter is called and means; nothing has been counted.
void stats_describe(enum counter counter, struct dp_counter *out);
// What is seen of a flow of this worker's.
void stats_flow(const struct worker *w, const struct flow *flow, struct dp_flow *out);
// All that was ever counted under the id, whosever it was.
struct dp_interface_stats stats_of_interface(const struct dataplane *dp, int id);
// The workers' clock, now.
uint32_t dataplane_now_sec(const struct dataplane *dp);
