// SPDX-License-Identifier: BSD-3-Clause
// A worker: what one thread at a time has to itself (flow table, timers, send buffers, hold queue,
// counters), and its turn. Only the thread that runs it (thread.h) writes its struct; control reads
// counters. Other threads reach it through `inbox` alone.
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/adjacency.h"
#include "dataplane/fib.h"
#include "dataplane/flow_table.h"
#include "dataplane/nat_state.h"
#include "dataplane/packet.h"
#include "dataplane/sip_told.h"
#include "dataplane/snapshot.h"

enum {
	BURST = 64,
	TX_BUFFER = 256, // holds what one burst may become
	INBOX_SIZE = 4096,
	HOLD_MAX = 512, // packets waiting for neighbours, of one worker
	HOLD_PER_NEIGHBOUR = 16,
	HOLD_PER_SOURCE = 64, // for all neighbours that one host sends to
	HOMEWARD_SETS = 512,  // of flows whose packets are on their way to another worker
	HOMEWARD_WAYS = 7,
};

struct dataplane;
struct flow_kills;
struct helper_sessions;
struct observers;
struct reassembly;

// What a packet in an inbox is, kept in its packet_type; its interface is in `port`.
enum inbox_kind {
	INBOX_RX = 0,	 // as received, for the owner of its flow by its ports
	INBOX_HOME,	 // the same, for the one who has the flow already
	INBOX_HOST,	 // read from the interface's TAP
	INBOX_HOST_HOME, // the same, for the one who has the flow already
	INBOX_TX,	 // finished, to be sent by a queue that this worker owns
	INBOX_WHOLE,	 // put together from fragments: whose it is shows only now
};

struct tx_buffer {
	uint16_t n;
	struct rte_mbuf *pkts[TX_BUFFER];
};

// For one other worker.
struct handover_buffer {
	uint16_t n, n_home;
	struct rte_mbuf *pkts[BURST];
	uint16_t home_places[BURST]; // in worker.homeward, of those that go home
};

// Flows by their hash, to which worker their packets went home, and up to which position in its
// inbox those are (owner.c).
struct homeward {
	uint32_t tags[HOMEWARD_WAYS];
	uint32_t tickets[HOMEWARD_WAYS];
	uint8_t to[HOMEWARD_WAYS];
} __rte_cache_aligned;

static_assert(sizeof(struct homeward) == RTE_CACHE_LINE_SIZE, "one line");
static_assert((int)HOMEWARD_SETS * (int)HOMEWARD_WAYS <= UINT16_MAX, "handover_buffer.home_places");

struct interface_counters {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, tx_dropped;
};

// What is done with a packet that has waited for its neighbour.
enum hold_kind {
	HOLD_RECEIVED,	// walks the pipeline again, as it came in
	HOLD_FROM_HOST, // the same, as the host stack sent it
	HOLD_FINISHED,	// ours, or a fragment: is sent
};

// A packet that waits for a neighbour.
struct held_packet {
	struct rte_mbuf *m;
	struct ip_addr addr; // the neighbour
	uint8_t iface;	     // it is on
	uint8_t in_iface;
	enum hold_kind kind;
	bool is_asking;	 // of those that wait for one neighbour, the one that asks for it
	uint32_t source; // hash of the sender's address
	uint64_t ask_ms; // when to ask again
	uint64_t deadline_ms;
};

struct token_bucket {
	uint32_t tokens, burst, per_sec;
};

enum punt_reason {
	PUNT_REASON_ARP = 0,
	PUNT_REASON_ND,
	PUNT_REASON_MULTICAST,
	PUNT_REASON_FLOW,  // of a flow that both ends have a part in
	PUNT_REASON_NEW,   // of one that nobody has answered yet: anybody may send such
	PUNT_REASON_MTU,   // an error about one: a path has become narrower
	PUNT_REASON_LOCAL, // to us, and nobody keeps flows
	PUNT_REASON_OTHER,
	PUNT_REASON_COUNT,
};

enum { PUNT_SENDERS = 256 };

struct worker {
	// what a burst reads
	const struct snapshot *snap; // for this turn
	const struct fib *fib;
	const struct adjacency *adjacencies;
	uint8_t *adjacency_used; // ADJACENCIES_MAX bytes: sent to since control last looked
	uint64_t next_known;	 // dp->adjacencies.next_known, for this turn
	uint32_t epoch;		 // of policy, routes and addresses, for this turn
	uint32_t now_sec;
	uint64_t now_ms;
	uint16_t index;
	uint16_t n_workers;
	struct dataplane *dp;
	struct rte_mempool *pool;
	const struct observers *observers; // for this turn; NULL: nobody looks at packets
	int32_t refused_by;		   // the rule that refused a packet last, or RULE_DEFAULT
	uint64_t counters[COUNTER_COUNT];
	struct interface_counters interface_counters[DP_INTERFACES_MAX];
	struct flow_table flows;
	struct packet burst[BURST];

	// sending
	struct tx_buffer tx[DP_INTERFACES_MAX];
	uint64_t tx_pending; // interfaces with something in their buffer
	// refused in the burst at hand, to be freed at its end
	struct rte_mbuf *refused[BURST];
	unsigned n_refused;

	// to and from others
	struct rte_ring *inbox;
	_Atomic uint32_t inbox_done; // its position up to which all has left, or has gone on
	struct handover_buffer handover[DP_WORKERS_MAX]; // for their inboxes: owner_flush
	uint64_t handover_pending;			 // workers with something in theirs
	struct homeward homeward[HOMEWARD_SETS];
	struct rte_ring *to_host_urgent; // ARP, ND
	struct rte_ring *to_host_flows;	 // of answered flows
	struct rte_ring *to_host;
	bool host_signal; // something was put there this turn
	struct token_bucket punt_budget[DP_INTERFACES_MAX][PUNT_REASON_COUNT];
	uint64_t punt_due[PUNT_REASON_COUNT][2][PUNT_SENDERS]; // host.c: senders' shares, hashed
	struct token_bucket icmp_budget;		       // errors in general
	struct token_bucket icmp_mtu_budget; // Packet Too Big, Fragmentation Needed
	struct token_bucket reset_budget;
	struct token_bucket ask_budget;	  // neighbours asked for
	struct token_bucket minor_budget; // of dataplane_raise_minor
	struct held_packet held[HOLD_MAX];
	unsigned n_held;
	struct reassembly *reassembly;
	struct nat_state nat;
	struct helper_sessions *helpers;
	struct sip_told sip_told;
	uint64_t random;

	struct {
		uint32_t serial, next; // the order under way, and the flow to look at next
		uint64_t ids;
		uint32_t inbox_until;	    // its position when the order came
		_Atomic uint32_t done;	    // the last order that is carried out
	} cut;				    // flow_cut.h
	_Atomic(struct flow_kills *) kills; // NULL: control never wanted a flow ended

	// flow_room.c: when control may be told next of a full table, and of a host's limit
	uint64_t full_again_ms, limit_again_ms;
	bool is_full_told;

	// observe.c's own: nobody's while nobody looks
	struct {
		uint64_t now_tsc;    // as the clock was read last
		uint64_t credit_tsc; // up to which credit has been given
		uint64_t idle_turns;
		int64_t credit_clk;
		uint8_t iface; // of the burst at hand
	} observing;

	// its turns
	bool is_running;  // control's: some thread has it
	_Atomic int core; // of that thread
	unsigned rcu_id;
	uint64_t turns, idle_turns, sleeps, rx_packets, handed_over;
	_Atomic bool is_asleep; // whoever puts something into the inbox must call worker_wake
	int wake_fd;
	_Atomic uint64_t heartbeat;
	uint64_t watched_heartbeat, watched_ms; // dataplane_watch's own
	bool is_stalled;
} __rte_cache_aligned;

// 0 or -errno. No thread has it.
int worker_init(struct worker *w, struct dataplane *dp, unsigned index, const uint64_t seeds[2]);
void worker_fini(struct worker *w);
// As many packets of each kind as it ever lets through at once.
void worker_fill_budgets(struct worker *w);
// Looks once at all that may bring it work, and does that: how many packets, or more than none
// where there is something left to do.
unsigned worker_turn(struct worker *w, uint64_t now_ms);
// After something was put into its inbox: ends its sleep. Any thread.
void worker_wake(struct worker *w);
// Takes up the newest epoch, snapshot and neighbours, and sends what waited for those: at the top
// of each turn.
void worker_refresh(struct worker *w);
// What others have given it, as much as makes a burst: how many. What becomes of it has left then.
unsigned worker_poll_inbox(struct worker *w);
// Ends flows whose time is up, at the end of a turn that brought so many packets.
void worker_expire(struct worker *w, unsigned n_pkts);

// At the end of each burst.
__rte_noinline void worker_free_refused(struct worker *w);

static inline void worker_count(struct worker *w, enum counter counter)
{
	w->counters[counter]++;
}

// In observe.h; here for the end of each packet.
__rte_noinline void observe_drop(struct worker *w, const struct rte_mbuf *m, enum counter reason);

// The end of a packet that goes nowhere: counted and freed.
__rte_noinline void worker_drop(struct worker *w, struct rte_mbuf *m, enum counter reason);

// The same for what floods are made of: freed with all of its burst, which is half the work.
static inline void worker_refuse(struct worker *w, struct rte_mbuf *m, enum counter reason)
{
	w->counters[reason]++;
	if (unlikely(w->observers != NULL))
		observe_drop(w, m, reason);
	w->refused[w->n_refused++] = m;
	if (unlikely(w->n_refused == BURST))
		worker_free_refused(w);
}

static inline bool worker_knows(const struct worker *w, const struct adjacency *adj)
{
	uint64_t known_at = adjacency_known_at(adj); // first: then one instruction compares

	return known_at > w->next_known;
}

// Something is sent to that neighbour: for control, which looks and forgets meanwhile.
static inline void worker_use_adjacency(struct worker *w, unsigned i)
{
	__atomic_store_n(&w->adjacency_used[i], 1, __ATOMIC_RELAXED);
}

// Takes ownership. Layer 2 is written; the packet leaves at the end of the burst.
void worker_flush(struct worker *w, uint8_t iface);
static inline void worker_send(struct worker *w, uint8_t iface, struct rte_mbuf *m)
{
	struct tx_buffer *tx = &w->tx[iface];

	if (unlikely(tx->n == TX_BUFFER))
		worker_flush(w, iface);
	tx->pkts[tx->n++] = m;
	w->tx_pending |= UINT64_C(1) << iface;
}

// Uniform, not for secrets.
static inline uint32_t worker_random(struct worker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (uint32_t)(w->random >> 32);
}

static inline bool token_take(struct token_bucket *bucket)
{
	if (bucket->tokens == 0)
		return false;
	bucket->tokens--;
	return true;
}
