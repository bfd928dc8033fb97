// SPDX-License-Identifier: BSD-3-Clause
// The first packet of a flow judged by the rules, and a live flow judged again after a change.
// Packets of established flows do not come here, so rules and counters count first packets: flows,
// and attempts. No lock, no clock, no memory taken; what is to be done besides (log, add to a set)
// is handed to the caller. Worker threads; control reads the counts.
#pragma once

#include <stdatomic.h>

#include "dataplane/ruleset.h"

enum {
	RULES_EFFECTS_MAX = 4, // log lines and additions of one packet, each
	RULE_DEFAULT = -1,     // no rule: the hook's default
	RULE_INTERFACE_NONE = 0xff,
};

struct classifier_walk;

// What is known of a packet. A match on something that the packet lacks (ports, TCP flags, ICMP
// type, MAC, an interface) never matches, negated or not: "not port 22" is true of port 80, and
// not of a packet of ESP or of a later fragment.
struct rule_subject {
	uint8_t family; // IP_V4 or IP_V6
	uint8_t protocol;
	uint8_t from, to;	  // zones
	const uint8_t *src, *dst; // 4 or 16 bytes, network order, as the rules are to see them
	uint16_t sport, dport;	  // host order, if has_ports; 0 otherwise
	uint16_t icmp;		  // type << 8 | code, if has_icmp: ICMP in IPv4, ICMPv6 in IPv6
	uint8_t tcp_flags;	  // if it is TCP and has_ports
	uint8_t dscp;
	uint8_t state;			     // exactly one of enum dp_state
	uint8_t in_interface, out_interface; // ids or RULE_INTERFACE_NONE
	struct mac_addr mac;		     // the sender's, if has_mac
	bool has_ports, has_icmp, has_mac, is_dnat;
	// Packet Too Big, fragmentation needed; to and from the router also neighbour discovery,
	// MLD, and what DHCP servers say to clients (RFC 4890): accepted, unless a rule decides
	// that names ICMP types, and not by saying which ones it does not mean. Lists are still
	// gone through as jumps and returns say.
	bool is_essential;
	// A live flow after a change. It was let in once, so a rate is not asked again (a rule "up
	// to a rate" matches, one "above a rate" does not), and nothing is counted, logged or
	// added. Its `state` must be that of its first packet, else a rule for established flows
	// keeps it for ever.
	bool is_review;
	uint32_t mark, bytes;
	uint32_t facts; // all of this in bits of enum rule_fact: rules_facts
	// rules_look_ahead's, of as the packet is now; NULL: it was not asked
	const struct classifier_walk *ahead;
};

struct rules_now {
	uint64_t now_ms;    // for rates
	uint32_t now_sec;   // for timed sets
	uint64_t schedules; // bits: active ones
};

struct rule_log {
	uint32_t rule;
	uint16_t log;
};

struct rule_addition {
	uint32_t for_sec;
	uint16_t timed;
	bool is_destination; // add the destination, else the source
	uint8_t ip6_len;     // of IPv6 its network of this length; 0: itself
};

struct rule_verdict {
	uint8_t action; // DP_ACCEPT, DP_DROP or DP_REJECT
	uint8_t reject; // enum dp_reject
	uint8_t n_logs, n_additions;
	bool asked_rate; // of the flow's next packet the answer may be another
	int32_t rule;	 // the one that decided, or RULE_DEFAULT
	uint32_t mark;
	struct rule_log logs[RULES_EFFECTS_MAX];
	struct rule_addition additions[RULES_EFFECTS_MAX];
};

struct rule_count {
	_Atomic uint64_t packets, bytes;
};

// What one worker counts under one ruleset. It alone writes; control reads, and sums.
struct rules_state {
	struct rule_count *rules;		   // by rule: what it matched
	struct rule_count *counters;		   // by name
	struct rule_count defaults[DP_HOOK_COUNT]; // what no rule decided on
	_Atomic uint64_t *log_lost;	 // by log: lines over its rate, or past the packet's fourth
	_Atomic uint64_t additions_lost; // past the packet's fourth
	void *memory;
};

// Control thread. 0 or -ENOMEM.
int rules_state_init(struct rules_state *state, const struct ruleset *rs);
void rules_state_fini(struct rules_state *state); // zeroed is fine

// What the rest of a subject comes to.
uint32_t rules_facts(const struct rule_subject *s);

// Fills `out`. `state` was made for `rs`. A packet that no rule decides on: accepted if there is no
// firewall, if it is essential or related, or if it stays within one zone (forwarding); else as the
// hook's default says.
void rules_judge(const struct ruleset *rs, struct rules_state *state, enum dp_hook hook,
	const struct rule_subject *s, const struct rules_now *now, struct rule_verdict *out);

// For a burst of packets that will be judged by these hooks: finds the rules that each may match,
// and fetches them, for all at once, so that none waits for memory by itself. `walks`: one for
// each, kept until it is judged. Does nothing where a look ahead would gain nothing.
void rules_look_ahead(const struct ruleset *rs, const struct rules_state *state,
	const enum dp_hook *hooks, struct rule_subject *const *subjects,
	struct classifier_walk *walks, unsigned n);

// Control thread: adds what this worker counted to the sums.
static inline void rules_count_add(
	const struct rule_count *count, uint64_t *packets, uint64_t *bytes)
{
	*packets += atomic_load_explicit(&count->packets, memory_order_relaxed);
	*bytes += atomic_load_explicit(&count->bytes, memory_order_relaxed);
}
