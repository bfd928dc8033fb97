// SPDX-License-Identifier: BSD-3-Clause
// The life of a flow: begun by a first packet that walks the long way (route, NAT), advanced by
// the packets that change its state, judged again when policy or routes have changed, ended by
// time. Timeouts, unless the policy has others, are no shorter than RFC 5382 REQ-5, RFC 4787 REQ-5
// and RFC 5508 REQ-2 ask.
#pragma once

#include "dataplane/decision.h"
#include "dataplane/flow_tuple.h"
#include "dataplane/rules.h"
#include "dataplane/worker.h"

enum {
	TIMEOUT_TCP_UNREPLIED_SEC = 240,    // RFC 5382 REQ-5: transitory, 4 min
	TIMEOUT_TCP_ESTABLISHED_SEC = 7440, // 2 h 4 min
	TIMEOUT_TCP_CLOSING_SEC = 240,
	TIMEOUT_TCP_CLOSED_SEC = 10,
	TIMEOUT_UDP_UNREPLIED_SEC = 120, // RFC 4787 REQ-5: at least 2 min
	TIMEOUT_UDP_ASSURED_SEC = 300,
	TIMEOUT_ICMP_SEC = 60, // RFC 5508 REQ-2
	TIMEOUT_OTHER_SEC = 600,
};

// For packets of one family without a flow, n <= BURST, before the first of them is opened: finds
// their ways (ways_find), and fetches what they will be judged by and entered in.
void conntrack_look_ahead(struct worker *w, struct packet *const *list, unsigned n, bool is_ip6);
// The long way for a packet without a flow, whose ways are found (ways_find). Gives the
// direction to follow, or NULL when the packet has gone elsewhere (dropped, answered, to the host).
struct flow_dir *conntrack_open(struct worker *w, struct packet *p);
// The flow was judged under another epoch: judge again. The same answers as conntrack_open; the
// flow may have been cut and begun anew.
struct flow_dir *conntrack_review(struct worker *w, struct packet *p, struct flow_dir *dir);
// What policy and routes say of a live flow now: asked for conntrack_review, and beforehand of a
// copy of another worker's flow. `expected`: where it goes, if a helper knew of it; or NULL.
// `original` is its first packet's, which `d` may point into. True: it goes on as it began.
bool conntrack_stands(struct worker *w, const struct flow *flow, const struct flow_tuple *original,
	const struct nat_destination *expected, struct rule_subject *subject, struct decision *d);
// Of one that does not stand: it cannot go now, but may again, as it began. Its packets are
// dropped.
static inline bool conntrack_waits(const struct decision *d)
{
	return d->refused == COUNTER_DROP_NAT_NO_ADDRESS; // it may come back, or another uplink's
}
// A packet that tcp_track_follow left alone: it may change the flow's state, or fit none. Gives the
// direction to follow, of a new flow where a SYN takes the place of a closed connection, or NULL
// when the packet has gone elsewhere.
struct flow_dir *conntrack_watch(struct worker *w, struct packet *p, struct flow_dir *dir);
// Asks the rules about one more packet of a flow that they limit the rate of (FLOW_IS_RATED).
// Returns the hook; `subject` is about `seen`, which is written too.
enum dp_hook conntrack_judge(struct worker *w, const struct packet *p, const struct flow_dir *dir,
	struct flow_tuple *seen, struct rule_subject *subject, struct rule_verdict *verdict);
// Takes a flow out of everything that knows it.
__rte_noinline void conntrack_end(struct worker *w, struct flow *flow);
// Ends flows whose time is up, at most `budget` looked at; returns how many.
unsigned conntrack_expire(struct worker *w, unsigned budget);
uint32_t conntrack_timeout_sec(const struct dp_timeouts *timeouts, const struct flow_state *state);
const char *conntrack_phase_name(const struct flow_state *state);

// What the host stack sends, unless its destination was translated: then it goes elsewhere than the
// kernel thought.
static inline bool conntrack_leaves_as_host_said(const struct flow_dir *dir)
{
	return (dir->flags & FLOW_FROM_HOST) &&
	       ((dir->flags & FLOW_IS_REPLY) || dir->nexthop == NEXTHOP_LOCAL);
}
