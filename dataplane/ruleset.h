// SPDX-License-Identifier: BSD-3-Clause
// The rules of a policy, compiled: immutable, built by control and read by every worker. A rule is
// one cache line of what it asks of a packet and, apart, what it does. Which rules can match
// between two zones at all is a row of bits for each zone packets come from and one for each they
// go to: the walk reads both and skips the rest 64 at a time. 8 bytes a rule for all the rows.
//
// What a first packet costs: lists shorter than CLASSIFIER_FROM are walked, some 10 instructions a
// rule that its own line rules out and 50 to 100 more for each set of addresses that is asked. Of
// longer ones the classifier (classifier.c) finds the rules that are left once addresses and ports
// of both ends, zones and protocol are known: a search in the bounds of both addresses, then a
// few dozen instructions for each word of 64 rules in which the packet's own addresses and ports
// are named. That number depends on how often the same host is named, not on how many rules there
// are. At worst, where all rules are told apart by something else (MACs, marks, negated or timed
// sets only), it is the walk again. Memory: 100 to 200 bytes a rule of a usual policy; see
// classifier.c for the bound.
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/error.h"
#include "dataplane/policy.h"
#include "dataplane/rate.h"
#include "dataplane/set.h"
#include "dataplane/timed_set.h"

// What a packet is, or lacks. A rule names the facts that rule it out, so one AND answers most of
// what it asks.
enum rule_fact {
	FACT_IP4 = 1 << 0,
	FACT_IP6 = 1 << 1,
	FACT_NEW = 1 << 2,
	FACT_ESTABLISHED = 1 << 3,
	FACT_RELATED = 1 << 4,
	FACT_INVALID = 1 << 5,
	FACT_DNAT = 1 << 6,
	FACT_NO_DNAT = 1 << 7,
	FACT_NO_PORTS = 1 << 8,
	FACT_NO_TCP_FLAGS = 1 << 9,
	FACT_NO_ICMP = 1 << 10,
	FACT_NO_MAC = 1 << 11,
	FACT_NO_IN = 1 << 12, // it comes from the router
	FACT_NO_OUT = 1 << 13,
	FACT_ESSENTIAL4 = 1 << 14,
	FACT_ESSENTIAL6 = 1 << 15,
	FACT_REVIEW = 1 << 16,
	FACT_TCP = 1 << 17,
	FACT_UDP = 1 << 18,
	FACT_ICMP = 1 << 19, // by its number, whatever the family
	FACT_ICMP6 = 1 << 20,
	FACT_OTHER_PROTOCOL = 1 << 21,
};

enum { FACT_STATE_SHIFT = 2 }; // enum dp_state, shifted, is a fact

static inline uint32_t ruleset_protocol_fact(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return FACT_TCP;
	case IPPROTO_UDP:
		return FACT_UDP;
	case IPPROTO_ICMP:
		return FACT_ICMP;
	case IPPROTO_ICMPV6:
		return FACT_ICMP6;
	default:
		return FACT_OTHER_PROTOCOL;
	}
}

// The sets a rule may ask, the cheapest first.
enum rule_key {
	KEY_PROTOCOL = 0,
	KEY_DESTINATION_PORT,
	KEY_SOURCE_PORT,
	KEY_ICMP,
	KEY_ICMP6,
	KEY_IN_INTERFACE,
	KEY_OUT_INTERFACE,
	KEY_MAC,
	KEY_DESTINATION,
	KEY_SOURCE,
	KEY_COUNT,
};

struct rule_match {
	uint32_t refuses;    // enum rule_fact: any one of them rules it out
	uint16_t asks;	     // bits 1 << enum rule_key
	uint16_t is_negated; // the same
	uint64_t dscps;	     // all ones: any
	uint32_t mark, mark_mask;
	uint16_t sets[KEY_COUNT];
	// The least and the most that the port sets hold: mostly all that there is to ask.
	uint16_t first_dport, last_dport, first_sport, last_sport;
	uint16_t rate; // DP_INDEX_NONE: none
	uint8_t tcp_flags_mask, tcp_flags;
	uint8_t schedule; // RULE_ALWAYS: none
	bool is_above_rate;
	uint16_t asks_beside; // of `asks`, what the classifier does not answer
	// The same of its ports, TCP flags, mark and DSCPs; and of sets, schedule and rate.
	bool asks_fields_beside, asks_closely_beside;
	uint8_t reserved[2];
} __attribute__((aligned(64)));

static_assert(sizeof(struct rule_match) == 64, "one cache line a rule");

enum {
	RULE_ALWAYS = 0xff,
	RULESET_AHEAD_MAX = 2, // rates per source that are fetched ahead: few policies have more
};

struct rule_effect {
	uint32_t set_mark, set_mark_mask;
	uint32_t add_sec;
	uint16_t add_timed, counter, log, jump_list; // DP_INDEX_NONE: none
	uint8_t action;				     // enum dp_action
	uint8_t reject;				     // enum dp_reject
	bool add_destination;
	uint8_t add_ip6_len; // 0: the address itself
};

struct ruleset_set {
	struct set *set;
	const struct timed_set *timed; // NULL: none
};

struct classifier;

struct ruleset {
	bool has_firewall;
	uint16_t hooks[DP_HOOK_COUNT];
	uint8_t defaults[DP_HOOK_COUNT]; // enum dp_action
	uint8_t zones[64];		 // by interface id, never the router's
	uint64_t *from_rows[DP_ZONES_MAX], *to_rows[DP_ZONES_MAX]; // a bit for each rule
	struct rule_match *matches;
	struct rule_effect *effects;
	struct dp_list *lists;
	struct ruleset_set *sets;
	uint16_t *log_rates; // by log
	uint16_t *cells;     // of rates, in `rates`
	uint16_t cells_ahead[RULESET_AHEAD_MAX], n_cells_ahead;
	uint64_t *rows;		       // what from_rows and to_rows point into
	struct classifier *classifier; // NULL: few rules, or nothing that tells them apart
	// By hook: its rules, where all rules are one word and are classified; 0: they are not
	uint64_t hook_words[DP_HOOK_COUNT];
	uint32_t n_rules, n_sets, n_logs, n_rates;
	uint32_t n_counters;	  // named ones
	struct rate_table *rates; // not its own
	bool only_looks_at_rates; // and takes nothing: a rehearsal's copy
	uint64_t bytes;
};

// The door: checks all of `policy` (policy_check.h), compiles the rules and sets, and claims the
// rates' cells; nothing of the policy is needed afterwards. `timed` has DP_TIMED_SETS_MAX entries,
// NULL for those that do not exist; they and `rates` must outlive it. NULL with the reason in
// `err`, and errno EINVAL, ENOMEM or ENOSPC.
struct ruleset *ruleset_new(const struct dp_policy *policy,
	struct timed_set *const timed[DP_TIMED_SETS_MAX], struct rate_table *rates,
	struct error *err);
void ruleset_free(struct ruleset *rs); // no worker reads it any more; NULL is fine

// All that it takes of memory, its sets included. Beside it: timed sets, rates, workers' counters.
uint64_t ruleset_bytes(const struct ruleset *rs);

// The zone of an interface. Never that of the router itself: an interface left at 0 is in none.
static inline uint8_t ruleset_zone(const struct ruleset *rs, unsigned interface)
{
	return interface < sizeof(rs->zones) ? rs->zones[interface] : DP_ZONE_NONE;
}

// Workers: of packets that will be judged, what their sources have of memory that is their own. For
// all of a burst, before the first of them is judged.
static inline void ruleset_prefetch(
	const struct ruleset *rs, uint8_t family, const uint8_t *const *srcs, unsigned n)
{
	for (unsigned i = 0; i < rs->n_cells_ahead; i++)
		rate_prefetch(rs->rates, rs->cells_ahead[i], family, srcs, n);
}

// Is the address (network order, 4 or 16 bytes) in the set, or in its timed set at the moment?
// For translations too: their sets are the policy's.
static inline bool ruleset_set_has_address(const struct ruleset *rs, uint16_t set, uint8_t family,
	const uint8_t *addr, uint32_t now_sec)
{
	const struct ruleset_set *s = &rs->sets[set];
	uint32_t addr_be;

	if (family == IP_V6)
		return set_has6(s->set, addr) ||
		       (s->timed != NULL && timed_set_has6(s->timed, addr, now_sec));
	__builtin_memcpy(&addr_be, addr, sizeof(addr_be));
	return set_has4(s->set, addr_be) ||
	       (s->timed != NULL && timed_set_has4(s->timed, addr_be, now_sec));
}
