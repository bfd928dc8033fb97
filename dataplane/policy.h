// SPDX-License-Identifier: BSD-3-Clause
// What control asks of firewall and NAT: zones, sets, rules and translations, names resolved to
// numbers. Part of the door (dataplane.h): plain data, all of it copied by dataplane_policy_set, so
// every pointer stays the caller's. Ports and counts in host order. Indexes are into the arrays of
// struct dp_policy; DP_INDEX_NONE where there is none.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "dataplane/policy_hygiene.h"

enum {
	DP_ZONES_MAX = 32,
	DP_ZONE_ROUTER = 0, // the host stack: `to` of input rules, `from` of output rules
	DP_ZONE_NONE = 1,   // interfaces that no zone names
	DP_LISTS_MAX = 1024,
	DP_RULES_MAX = 262144,
	DP_SETS_MAX = 32768,	       // named ones, and one for each list written in place
	DP_SET_ELEMENTS_MAX = 1 << 20, // of one set: prefixes, ranges or MACs
	DP_ELEMENTS_MAX = 1 << 22,     // of all sets together
	DP_TIMED_SETS_MAX = 64,
	DP_RATES_MAX = 4096,
	DP_LOGS_MAX = 4096,
	DP_SCHEDULES_MAX = 64,
	DP_COUNTERS_MAX = 4096,
	DP_NATS_MAX = 4096,
	DP_JUMPS_MAX = 16, // lists deep
	DP_LOG_PREFIX_MAX = 63,
	DP_INDEX_NONE = 0xffff,
};

// --- sets ---

enum dp_set_kind {
	DP_SET_ADDRESSES = 0, // both families
	DP_SET_PORTS,
	DP_SET_MACS,
	DP_SET_ICMP,	   // type << 8 | code of ICMP; a whole type is a range of 256
	DP_SET_ICMP6,	   // of ICMPv6
	DP_SET_INTERFACES, // ids
	DP_SET_PROTOCOLS,
};

struct dp_range {
	uint32_t first, last;
};

struct dp_set {
	enum dp_set_kind kind;
	const struct ip_prefix *prefixes; // addresses: may overlap, in any order, host bits ignored
	uint32_t n_prefixes;
	const struct dp_range *ranges; // ports, ICMP, interfaces, protocols: the same
	uint32_t n_ranges;
	const struct mac_addr *macs;
	uint32_t n_macs;
	uint16_t timed; // addresses: and what this timed set holds at the moment
};

// --- rules ---

enum dp_hook {
	DP_HOOK_INPUT = 0, // to the router
	DP_HOOK_FORWARD,
	DP_HOOK_OUTPUT, // from the router
	DP_HOOK_COUNT,
};

enum dp_action {
	DP_CONTINUE = 0, // counts, logs, marks, adds to a set; the next rule decides
	DP_ACCEPT,
	DP_DROP,
	DP_REJECT,
	DP_JUMP,   // to `jump_list`; from its end the next rule goes on
	DP_RETURN, // to where the jump was; from a hook's own list: its default
};

enum dp_reject {	    // what the sender is told
	DP_REJECT_AUTO = 0, // TCP: RST; else port unreachable
	DP_REJECT_RST,	    // TCP: RST; else as DP_REJECT_PROHIBITED
	DP_REJECT_PORT,
	DP_REJECT_HOST,
	DP_REJECT_NET,
	DP_REJECT_PROHIBITED, // administratively prohibited
};

enum dp_state { // bits
	DP_STATE_NEW = 1 << 0,
	DP_STATE_ESTABLISHED = 1 << 1,
	DP_STATE_RELATED = 1 << 2,
	DP_STATE_INVALID = 1 << 3,
};

struct dp_match_set {
	uint16_t set; // DP_INDEX_NONE: anything
	bool is_negated;
};

static inline struct dp_match_set dp_match_any(void)
{
	return (struct dp_match_set){.set = DP_INDEX_NONE};
}

struct dp_rule {
	uint32_t from_zones, to_zones; // bits 1 << zone; 0: any
	uint8_t family;		       // enum ip_family; IP_NONE: both
	struct dp_match_set in_interface, out_interface;
	struct dp_match_set source, destination;
	struct dp_match_set source_port, destination_port; // only TCP, UDP and their like have some
	struct dp_match_set protocol;
	struct dp_match_set icmp, icmp6;   // either one may match, by the packet's family
	struct dp_match_set mac;	   // the sender's, as the frame had it
	uint8_t tcp_flags_mask, tcp_flags; // (flags & mask) == flags; mask 0: any
	uint64_t dscps;			   // bits; 0: any
	uint8_t states;			   // enum dp_state; 0: any
	int8_t is_dnat; // 1: only what a forward or one-to-one translated; 0: only what none did;
			// -1: either
	uint32_t mark, mark_mask; // mask 0: any
	uint16_t schedule;	  // matches while it is active
	uint16_t rate;		  // matches while below it; asked last
	bool is_above_rate;	  // the other way round

	uint16_t counter; // named; the rule's own is always there
	uint16_t log;
	uint32_t set_mark, set_mark_mask; // bits of the mask are replaced; mask 0: none
	uint16_t add_timed;		  // a timed set that the address is added to
	uint32_t add_sec;
	bool add_destination; // not the source
	// Of an IPv6 address its network of this length, but of a link-local one itself: the whole
	// link would be in that network. 0: itself.
	uint8_t add_ip6_len;

	enum dp_action action;
	enum dp_reject reject;
	uint16_t jump_list;
};

// Asks nothing of a packet and does nothing beside its action.
static inline struct dp_rule dp_rule_any(enum dp_action action)
{
	return (struct dp_rule){
		.in_interface = dp_match_any(),
		.out_interface = dp_match_any(),
		.source = dp_match_any(),
		.destination = dp_match_any(),
		.source_port = dp_match_any(),
		.destination_port = dp_match_any(),
		.protocol = dp_match_any(),
		.icmp = dp_match_any(),
		.icmp6 = dp_match_any(),
		.mac = dp_match_any(),
		.is_dnat = -1,
		.schedule = DP_INDEX_NONE,
		.rate = DP_INDEX_NONE,
		.counter = DP_INDEX_NONE,
		.log = DP_INDEX_NONE,
		.add_timed = DP_INDEX_NONE,
		.action = action,
		.jump_list = DP_INDEX_NONE,
	};
}

struct dp_list {
	uint32_t first, n; // rules
};

struct dp_rate {
	uint32_t packets, per_sec; // `packets` in each `per_sec` seconds: 5/s, 10/60 s
	uint32_t burst;		   // at least 1
	bool is_per_source;	   // each address by itself; IPv6 by /64
};

struct dp_log {
	char prefix[DP_LOG_PREFIX_MAX + 1];
	uint16_t rate; // lines beyond it are counted, not written
};

// --- translation ---

enum dp_nat_kind {
	DP_NAT_SOURCE = 0, // masquerade, a fixed address or a pool
	DP_NAT_ONE_TO_ONE, // `inside` <-> `outside`, address by address
	DP_NAT_FORWARD,	   // `outside` and ports -> `inside`
	DP_NAT_REDIRECT,   // the same to the router itself
	DP_NAT_PREFIX,	   // NPTv6 (RFC 6296): `inside` <-> `outside`, prefixes of one length
	DP_NAT_EXEMPT,	   // leaves as it is
};

// The first that matches decides, of those that change the source and of those that change the
// destination each.
struct dp_nat {
	enum dp_nat_kind kind;
	uint8_t family;
	int interface; // id: egress of a source translation, ingress of the others; -1: any
	struct dp_match_set source, destination; // of the packet as it came
	struct dp_match_set protocol;
	// Addresses seen outside. Family IP_NONE: the interface's primary one, whichever it is at
	// the time; with len shorter than the address a pool, or the range of a one-to-one.
	struct ip_prefix outside;
	struct ip_prefix inside;	// one-to-one, prefix; forward: one address
	uint16_t first_port, last_port; // forward, redirect: as packets come; 0, 0: every one
	uint16_t inside_port;		// of first_port, the others follow; 0: unchanged
	bool is_random;			// source: ports at random even where the own one is free
	bool keeps_parity;		// source: an even port for an even one (RFC 4787 REQ-4)
	bool is_full_cone; // source: anybody may answer (endpoint-independent filtering)
};

// Of both families, on every interface.
static inline struct dp_nat dp_nat_any(enum dp_nat_kind kind)
{
	return (struct dp_nat){
		.kind = kind,
		.interface = -1,
		.source = dp_match_any(),
		.destination = dp_match_any(),
		.protocol = dp_match_any(),
	};
}

// --- helpers ---

enum dp_helper {
	DP_HELPER_FTP = 0, // over TCP
	DP_HELPER_TFTP,	   // over UDP
	DP_HELPER_COUNT,
};

enum { DP_HELPER_PORTS_MAX = 8 };

// Of servers; flows to them are read, and what they announce is let in. None: the helper is off.
struct dp_helper_ports {
	uint16_t ports[DP_HELPER_PORTS_MAX];
	unsigned n;
};

// --- all of it ---

struct dp_timeouts { // seconds; 0: the default (conntrack.h)
	uint32_t tcp_unreplied, tcp_established, tcp_closing, tcp_closed;
	uint32_t udp_unreplied, udp_assured, icmp, other;
};

struct dp_policy {
	bool has_firewall;			// false: everything may pass, only NAT keeps state
	uint8_t zones[64];			// by interface id
	uint16_t hygiene[64];			// enum dp_hygiene, by interface id
	uint16_t hooks[DP_HOOK_COUNT];		// the list of each; DP_INDEX_NONE: none
	enum dp_action defaults[DP_HOOK_COUNT]; // accept, drop or reject; within one zone: accept
	const struct dp_list *lists;
	unsigned n_lists;
	const struct dp_rule *rules;
	unsigned n_rules;
	// Which one of the policy in force before a rule, or a named counter, is: it goes on
	// counting from there, as defaults always do. Any number past the last: it begins anew. By
	// their own numbers; NULL: all begin anew.
	const uint32_t *rules_before;
	const uint16_t *counters_before;
	const struct dp_set *sets;
	unsigned n_sets;
	const struct dp_rate *rates;
	unsigned n_rates;
	const struct dp_log *logs;
	unsigned n_logs;
	const struct dp_nat *nats;
	unsigned n_nats;
	struct dp_timeouts timeouts;
	bool picks_up; // TCP connections that began before the router did
	struct dp_helper_ports helpers[DP_HELPER_COUNT];
	uint32_t host_flows_max;   // of one inside address (IPv6: /64); 0: no limit but its share
	uint64_t active_schedules; // bits, until dataplane_schedules_set says otherwise
};

// Everything may pass and nothing is translated.
static inline struct dp_policy dp_policy_open(void)
{
	return (struct dp_policy){.hooks = {DP_INDEX_NONE, DP_INDEX_NONE, DP_INDEX_NONE}};
}
