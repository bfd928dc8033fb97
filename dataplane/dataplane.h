// SPDX-License-Identifier: BSD-3-Clause
// The one door between control and the workers. Plain C, no DPDK type. Everything here but
// dataplane_watch is called from the control thread; nothing blocks longer than one turn of the
// slowest worker (< 1 ms). What is passed in is copied. Errors: 0 or -errno, sentences where an
// `err` is taken.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/base/error.h"
#include "dataplane/policy.h"
#include "drivers/port.h"

enum {
	DP_WORKERS_MAX = 64,
	DP_INTERFACES_MAX = 64,
	DP_INTERFACE_ADDRESSES_MAX = 32,
	DP_NEXTHOPS_MAX = 16,
	DP_NEIGHBOURS_MAX = 16384,
	DP_WORKER_NAME_MAX = 15,
};

struct dataplane;

// The last packets of each worker, kept all the time.
struct dp_recorder {
	uint64_t ring_bytes; // of each worker; 0: nothing is kept
	uint16_t snap_bytes; // of each packet at most, DP_RECORDER_SNAP_MIN to _MAX
	uint8_t kinds;	     // of enum dp_capture_kind
	const char *image;   // a file in memory to be kept in; NULL: in the process alone
};

struct dataplane_options {
	unsigned n_workers;	   // >= 1, for life: flows are divided among them
	int cores[DP_WORKERS_MAX]; // that they run on, a pinned thread on each
	unsigned n_cores;	   // <= n_workers, who take turns where they are more; 0: as many
	bool is_busy;		   // never sleep
	uint32_t flow_capacity;	   // of the whole router, shared out evenly
	uint32_t routes4_max;	   // prefixes in each FIB
	uint32_t routes6_max;
	struct dp_recorder recorder;
};

// Bytes it will take beside the packet buffers, for the budget that is printed at start.
uint64_t dataplane_memory_bytes(const struct dataplane_options *options);
// The part of it that comes from DPDK's heap, for drivers_options.reserve_bytes.
uint64_t dataplane_heap_bytes(const struct dataplane_options *options);

// drivers_start comes first. NULL with the reason. No thread runs before dataplane_start.
struct dataplane *dataplane_new(const struct dataplane_options *options, struct error *err);
int dataplane_start(struct dataplane *dp, struct error *err);
void dataplane_stop(struct dataplane *dp); // joins every worker; safe twice
void dataplane_free(struct dataplane *dp); // NULL is fine; ports and TAPs stay the caller's
// Before or after dataplane_start: the workers run on these cores from now on, 1 to n_workers of
// them. Workers go from one thread to another as they are, with their flows, queues and counters,
// and the others go on. 0, or -1 with the reason, and all is as before.
int dataplane_cores_set(struct dataplane *dp, const int *cores, unsigned n, struct error *err);

// --- interfaces ---
struct dp_interface {
	char name[16];
	struct port *port; // must stay open until the interface is removed
	int tap_fd;	   // non-blocking, IFF_TAP | IFF_NO_PI; stays the caller's
	struct mac_addr mac;
	uint16_t mtu;
	bool is_outside; // leads to the internet: steering looks at the other port number
	// IEEE 802.1Q: what is sent has a tag, of a VLAN (1..4094) or of priority alone (0). Frames
	// of the port that have a tag of VLAN 0, or none, are the same.
	bool is_tagged;
	uint16_t vlan;
	uint8_t priority; // 0..7: PCP of what is sent
	uint64_t ids;	  // bits 1 << id: that it may have; 0: any
};
// The interface's id (0..DP_INTERFACES_MAX-1) or -errno; -EEXIST: its port has one of that VLAN, or
// without. Before or after dataplane_start. The id of
// one that was removed is not given away while a flow of its is left: the last free one is waited
// for, some ms with a full table.
int dataplane_interface_add(struct dataplane *dp, const struct dp_interface *iface);
// When it returns nothing uses port and TAP any more. Its neighbours go too, and its routes must
// have gone before. Its flows are cut, those that leave by it as those that came in by it.
int dataplane_interface_remove(struct dataplane *dp, int id);
int dataplane_interface_set_link(struct dataplane *dp, int id, bool is_up);
int dataplane_interface_set_mtu(struct dataplane *dp, int id, uint16_t mtu);
// Replaces them all; the first of a family is its primary: source of our ICMP errors, and what
// masquerade translates to. Routes are not implied: they come from the kernel like any other.
int dataplane_interface_set_addresses(
	struct dataplane *dp, int id, const struct ip_prefix *addresses, unsigned n);

// --- routes: one per prefix, control picks the best by metric ---
enum dp_route_kind {
	DP_ROUTE_UNICAST = 0,
	DP_ROUTE_LOCAL,	      // an address of ours or a broadcast address: up to the kernel
	DP_ROUTE_BLACKHOLE,   // dropped without a word
	DP_ROUTE_UNREACHABLE, // ICMP net/host unreachable, no route
	DP_ROUTE_PROHIBIT,    // ICMP administratively prohibited
};
struct dp_nexthop {
	int interface;	    // id
	struct ip_addr via; // IP_NONE: the destination is on the link
};
struct dp_route {
	struct ip_prefix to; // host bits ignored
	enum dp_route_kind kind;
	struct dp_nexthop nexthops[DP_NEXTHOPS_MAX]; // unicast: ECMP; local: not looked at
	unsigned n_nexthops;
	uint64_t alternatives; // bits 1 << id: worse routes to the same prefix lead there; unicast
};
int dataplane_route_set(struct dataplane *dp, const struct dp_route *route); // adds or replaces
int dataplane_route_delete(struct dataplane *dp, const struct ip_prefix *to);
// After a batch of route or address changes: live flows look again at their next packet.
void dataplane_routes_commit(struct dataplane *dp);

// Where answers to what came in by that interface leave, of one family, unless the routes lead to
// an interface without such a way: of several uplinks it is the one that was called by. NULL: by
// the routes alone, as in the beginning. Live flows look again after dataplane_routes_commit. The
// way must have gone before the interface does.
int dataplane_reply_way_set(
	struct dataplane *dp, int id, uint8_t family, const struct dp_nexthop *way);

// --- neighbours ---
int dataplane_neighbour_set(struct dataplane *dp, int interface, const struct ip_addr *addr,
	const struct mac_addr *mac);
// Gone or failed. Packets held for it are given up, and answered, when their time is over.
int dataplane_neighbour_delete(struct dataplane *dp, int interface, const struct ip_addr *addr);
// Calls `fn` for each neighbour that a worker sent to since the last call.
typedef void (*dp_neighbour_fn)(void *ctx, int interface, const struct ip_addr *addr);
void dataplane_neighbours_used(struct dataplane *dp, dp_neighbour_fn fn, void *ctx);

// --- policy: an immutable snapshot, replaced whole ---

// Checks and compiles it. -EINVAL, -E2BIG or -ENOMEM with the reason, and the policy in force
// stays.
int dataplane_policy_set(struct dataplane *dp, const struct dp_policy *policy, struct error *err);
// The same in parts, for large ones. Compiling and freeing may be another thread's work, while
// nobody else compiles, frees or opens a timed set: two policies may hold their rates at a time.
// The compiled policy keeps nothing of what was passed in. NULL with the reason.
struct compiled_policy;
struct compiled_policy *dataplane_policy_compile(
	struct dataplane *dp, const struct dp_policy *policy, struct error *err);
// Takes `next`, which was made of `policy` but for what it says of active schedules and of the
// policy before, and gives that one, which no worker uses any more. NULL with the reason: then
// `next` stays the caller's.
struct compiled_policy *dataplane_policy_exchange(struct dataplane *dp,
	struct compiled_policy *next, const struct dp_policy *policy, struct error *err);
void dataplane_policy_free(struct compiled_policy *policy); // NULL is fine
// Of the policy in force: another one with each exchange, never 0. Events of rules say whose.
uint32_t dataplane_policy_serial(const struct dataplane *dp);
// Which schedules of the policy in force are active from now on: bits. Live flows look again when
// that has changed.
void dataplane_schedules_set(struct dataplane *dp, uint64_t active);

// Timed sets outlive policies: control names them by number and writes them, rules ask them. An
// address that is there already keeps the later of both ends, or gets this one with `replaces`.
enum { DP_FOREVER = UINT32_MAX };
struct dp_timed_entry {
	struct ip_prefix prefix;
	uint32_t left_sec; // DP_FOREVER: no end
};
int dataplane_timed_open(struct dataplane *dp, uint16_t timed, uint32_t capacity); // -EEXIST
uint64_t dataplane_timed_bytes(uint32_t capacity); // of its memory, once it is full
int dataplane_timed_add(
	struct dataplane *dp, uint16_t timed, const struct dp_timed_entry *entry, bool replaces);
int dataplane_timed_delete(struct dataplane *dp, uint16_t timed, const struct ip_prefix *prefix);
// Walks it from a cursor of 0; false at the end.
bool dataplane_timed_next(
	const struct dataplane *dp, uint16_t timed, uint32_t *cursor, struct dp_timed_entry *entry);
// The same a part at a time: writes up to `max`, looks at a bounded part of it, and returns false
// at the end.
bool dataplane_timed_some(const struct dataplane *dp, uint16_t timed, uint32_t *cursor,
	struct dp_timed_entry *out, unsigned max, unsigned *n);
// Every second or so: frees what has ended, of some thousand entries each time. Live flows look
// again where that may end them.
void dataplane_timed_sweep(struct dataplane *dp);

// What has been counted by the policy in force, and by those before it as it said: by index of its
// rule, of a named counter, of a hook's default. False past the last.
struct dp_count {
	uint64_t packets, bytes;
};
bool dataplane_rule_count(const struct dataplane *dp, uint32_t rule, struct dp_count *out);
bool dataplane_named_count(const struct dataplane *dp, unsigned counter, struct dp_count *out);
bool dataplane_default_count(const struct dataplane *dp, enum dp_hook hook, struct dp_count *out);

// --- events from the workers ---
enum dp_event_kind {
	DP_EVENT_NEIGHBOUR_WANTED = 0, // a packet is held for it; asked again each second at most
	DP_EVENT_LOG,		       // a rule wants a line about a packet from `addr`
	DP_EVENT_SET_ADD,	       // a rule wants `addr`/`add.len` in a timed set
	// At most once a minute from each worker:
	DP_EVENT_NAT_NO_PORT,	 // `addr`: an outside address with no port left for some flow
	DP_EVENT_NAT_OVER_SHARE, // `addr`: an inside host that holds its share of ports
	DP_EVENT_SIP,		 // `addr`: a host that speaks SIP through NAT; seldom of each
	DP_EVENT_FLOWS_FULL, // nine tenths of its flows are in use; names the host that has most
	DP_EVENT_HOST_LIMIT, // the host has as many as the policy allows
};
struct dp_log_line {
	uint16_t log; // of the policy that it was judged by:
	uint32_t rule;
	uint32_t policy; // its serial
	enum dp_action action;
	int out_interface; // -1: the router itself, as struct dp_event's
	struct ip_addr dst;
	uint16_t sport, dport, icmp, bytes;
	uint8_t protocol, tcp_flags;
	struct mac_addr mac;
};
struct dp_event {
	enum dp_event_kind kind;
	int interface; // -1: the router's own flows
	// Of flows: an inside host, IPv6 its /64; IP_NONE: whoever else comes in by that interface.
	struct ip_addr addr;
	union {
		uint32_t flows; // it has
		struct dp_log_line log;
		struct {
			uint16_t timed;
			uint8_t len;
			uint32_t sec;
		} add;
	};
};
int dataplane_event_fd(const struct dataplane *dp); // readable when there may be some
bool dataplane_event_next(struct dataplane *dp, struct dp_event *out);
// Every 500 ms or so: looks whether each worker still turns, and calls `fn` for each that stalled
// or turns again. From a thread of its own, between dataplane_start and dataplane_stop: control may
// be waiting for the very worker that stalls.
struct dp_worker_news {
	unsigned worker;
	int core;
	bool is_stalled;
	uint32_t stalled_ms; // how long there has been no turn
};
typedef void (*dp_worker_fn)(void *ctx, const struct dp_worker_news *news);
void dataplane_watch(struct dataplane *dp, uint64_t now_ms, dp_worker_fn fn, void *ctx);

// --- capture: copies of packets, by several captures at a time ---
enum dp_capture_kind {		  // bits
	DP_CAPTURE_RX = 1 << 0,	  // as received
	DP_CAPTURE_TX = 1 << 1,	  // as handed to the port
	DP_CAPTURE_DROP = 1 << 2, // by a worker, as it was then
	DP_CAPTURE_ALL = 7,
};
enum {
	DP_CAPTURES_MAX = 4,
	DP_FILTER_STEPS_MAX = 1024,
	DP_CAPTURE_SNAP_MAX = 65535,
	DP_RECORDER_SNAP_MIN = 40,
	DP_RECORDER_SNAP_MAX = 232,
};
struct dp_filter_step { // classic BPF, as `tcpdump -dd` prints it
	uint16_t code;
	uint8_t jump_true, jump_false;
	uint32_t k;
};
struct dp_capture {
	uint64_t interfaces; // bits 1 << id; all ones: what has none too
	uint8_t kinds;
	uint16_t snap_bytes; // of each packet at most
	// Looks at each packet whatever that costs. Else a worker that has no time to spare gives
	// it a fortieth of its own, and counts what went by.
	bool is_thorough;
	const struct dp_filter_step *filter;
	unsigned n_steps; // 0: every packet
};
struct dp_captured {
	enum dp_capture_kind kind;
	int interface;		    // -1: none, a packet that waited or was made here
	const char *interface_name; // as another router called it; NULL: this one knows
	const char *reason, *help;  // of a drop: its counter's; static. Else NULL
	bool is_by_firewall;
	int64_t rule; // of the policy then in force, where `is_by_firewall`; -1: a hook's default
	uint64_t time_ns; // since 1970
	uint32_t bytes, captured_bytes;
	const uint8_t *data; // until the next call
};
struct dp_capture_counts {
	uint64_t lost;	 // there was no room for them
	uint64_t unseen; // not looked at, to spare forwarding
};
// A number for it, 0 to DP_CAPTURES_MAX - 1, that the others take; -EBUSY, -EINVAL or -ENOMEM with
// the reason.
int dataplane_capture_start(
	struct dataplane *dp, const struct dp_capture *capture, struct error *err);
// The oldest of what was captured; also after the end, until dataplane_capture_free.
bool dataplane_capture_next(struct dataplane *dp, int number, struct dp_captured *out);
void dataplane_capture_counts(
	const struct dataplane *dp, int number, struct dp_capture_counts *out);
void dataplane_capture_stop(struct dataplane *dp, int number); // safe twice
void dataplane_capture_free(struct dataplane *dp, int number); // stops it; safe twice

// --- the recorder: see struct dp_recorder ---
struct dp_recorder_state { // of one worker
	uint64_t recorded; // since the start
	uint64_t held, held_max;
	uint64_t oldest_ns; // since 1970; 0: there is none
};
// False: nothing is kept, or there is no such worker.
bool dataplane_recorder_state(
	const struct dataplane *dp, unsigned worker, struct dp_recorder_state *out);
// A copy of what all workers keep, of this moment, from the oldest to the newest: what is older
// than `since_ns` (since 1970) is left out. Takes as much memory as the rings. NULL with the
// reason.
struct dp_recording;
struct dp_recording *dataplane_recording_new(
	const struct dataplane *dp, uint64_t since_ns, struct error *err);
bool dataplane_recording_next(struct dp_recording *recording, struct dp_captured *out);
void dataplane_recording_free(struct dp_recording *recording); // NULL is fine
// False with the reason: what is kept ends with the process, for there can be no image.
bool dataplane_recorder_outlives(const struct dataplane *dp, struct error *err);

// What a router kept in the image `path` that was killed since, and the image is gone: of its last
// packet and the `last_sec` before. After drivers_start, before dataplane_new. NULL: there is none,
// or `err` says why it cannot be read.
struct dp_recording_origin {
	uint32_t pid;
};
struct dp_recording *dataplane_recording_left(
	const char *path, uint32_t last_sec, struct dp_recording_origin *origin, struct error *err);
// The same of its bytes, aligned to a cache line, which stay the caller's as long as it is read.
struct dp_recording *dataplane_recording_of_image(const void *image, uint64_t n_bytes,
	uint32_t last_sec, struct dp_recording_origin *origin, struct error *err);

// --- reading: sums over all workers, monotonic ---
struct dp_counter {
	const char *name; // "drop_ttl", "punt_arp": static
	const char *help;
	uint64_t packets;
};
// The i-th counter, false past the last. All drops begin with "drop_", punts with "punt_".
bool dataplane_counter(const struct dataplane *dp, unsigned i, struct dp_counter *out);

struct dp_interface_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t tx_dropped; // the port took no more
};
int dataplane_interface_stats(const struct dataplane *dp, int id, struct dp_interface_stats *out);

struct dp_worker_stats {
	int core;
	uint64_t turns, idle_turns, sleeps;
	uint64_t rx_packets, handed_over;
	uint32_t flows, flow_capacity;
};
int dataplane_worker_stats(
	const struct dataplane *dp, unsigned worker, struct dp_worker_stats *out);

struct dp_flow {
	unsigned worker;
	uint8_t protocol;
	struct ip_addr src, dst; // as the initiator sent it
	uint16_t sport, dport;	 // host order; ICMP: the identifier, or type << 8 | code, in both
	struct ip_addr nat_src, nat_dst; // as it left
	uint16_t nat_sport, nat_dport;
	int in_interface, out_interface; // -1: the router itself
	uint64_t packets[2], bytes[2];	 // [0] as sent, [1] the replies
	uint32_t idle_sec, timeout_sec;
	uint32_t mark;
	const char *state; // "established", "syn_sent", "assured", ...: static
	// for dataplane_flow_end
	uint32_t place;
	uint8_t kind;
};
// Walks live flows; a snapshot that may miss or repeat a few while traffic runs. `cursor` starts
// at 0; writes up to `max`, looks at a bounded part of the table, and returns false at the end.
bool dataplane_flows(const struct dataplane *dp, uint64_t *cursor, struct dp_flow *out,
	unsigned max, unsigned *n);

// Has its worker end a flow, in both directions and soon; one that has ended meanwhile is left
// alone. `resets`: if it is TCP, both ends are told, within the rate of resets. 0, -EAGAIN: the
// worker has enough to do for the moment, or -ENOMEM.
int dataplane_flow_end(struct dataplane *dp, const struct dp_flow *flow, bool resets);
// How many have been ended since the start. True: all that were asked for.
bool dataplane_flows_ended(struct dataplane *dp, uint64_t *n);
