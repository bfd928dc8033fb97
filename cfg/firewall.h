// SPDX-License-Identifier: BSD-3-Clause
// The firewall as its operator wrote it: zones, sets, rules, hygiene. Part of struct config: plain
// data in its arena. Names of interfaces, zones, sets and lists are those of the same file, checked
// against it; numbers are in host order. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/base/error.h"
#include "cfg/place.h"

enum {
	CFG_WORD_MAX = 31,	   // names of zones, sets, lists and counters
	CFG_ZONES_MAX = 30,	   // beside `router` and `none`
	CFG_SETS_MAX = 4096,	   // with a name
	CFG_TIMED_SETS_MAX = 64,   // of those
	CFG_SET_NAMES_MAX = 4096,  // of one set
	CFG_SET_NAMES_SEC = 86400, // that their addresses stay at most, where the file does not say
	CFG_TIMED_CAPACITY = 65536, // entries of one, where the file does not say
	CFG_TIMED_CAPACITY_MAX = 1 << 20,
	CFG_LISTS_MAX = 1021,		 // with a name
	CFG_RULES_MAX = 262144,		 // of all lists together
	CFG_JUMPS_MAX = 16,		 // lists deep
	CFG_STEPS_MAX = 1048576,	 // rules that one packet may have to pass
	CFG_LOG_PREFIX_MAX = 63,	 // bytes
	CFG_COMMENT_MAX = 255,		 // bytes
	CFG_TIMES_MAX = 16,		 // of one rule
	CFG_DURATION_MAX_SEC = 31536000, // a year
};

// --- elements: what sets hold, and rules in place of one ---

enum cfg_set_kind {
	CFG_SET_ADDRESSES = 0,
	CFG_SET_PORTS,
	CFG_SET_MACS,
	CFG_SET_ICMP,  // type << 8 | code; a whole type is the range of its 256 codes
	CFG_SET_ICMP6, // the same
	CFG_SET_INTERFACES,
	CFG_SET_PROTOCOLS,
};

// `set`, or one of the others by the kind of what it is in. In sets `set` is always NULL.
struct cfg_element {
	const char *set; // a set's name, of the same kind
	bool is_negated; // rules: then all elements of the match are
	union {
		struct {
			struct ip_addr first, last; // of one family
		} addresses;
		struct {
			uint32_t first, last;
		} numbers; // ports, ICMP, ICMPv6, protocols
		struct mac_addr mac;
		const char *interface;
	};
};

struct cfg_names {
	const char *const *names;
	unsigned n;
};

struct cfg_set {
	const char *name;
	struct cfg_place place;
	uint64_t said; // as in struct config
	enum cfg_set_kind kind;
	struct cfg_element *elements;
	unsigned n_elements;
	const char *file;     // more elements, one a line (cfg_element_parse), or NULL
	uint32_t timeout_sec; // addresses: others come and go at run time, each for so long; 0: no
	uint32_t capacity;    // the most of those at a time
	// answers to these names add their addresses: example.com, or what is below: *.example.com
	struct cfg_names names;
	uint32_t least_sec; // that such an address stays
};

// One line of a set's file, or an element that somebody names by hand: `text` without blanks at its
// ends. `out->set` is NULL; strings point into `text`. 0, or -1 with the reason in `err`.
int cfg_element_parse(
	enum cfg_set_kind kind, const char *text, struct cfg_element *out, struct error *err);

// The fewest prefixes that make up the range of an element of addresses, into `out`, which has
// room for CFG_RANGE_PREFIXES_MAX. Returns how many.
enum { CFG_RANGE_PREFIXES_MAX = 254 };
unsigned cfg_range_prefixes(
	const struct ip_addr *first, const struct ip_addr *last, struct ip_prefix *out);

// --- zones ---

// The names of zones in rules are these, and `router` and `none` (interfaces that no zone names).
#define CFG_ZONE_ROUTER "router"
#define CFG_ZONE_NONE	"none"

struct cfg_zone {
	const char *name;
	struct cfg_place place;
	uint64_t said;		     // as in struct config
	struct cfg_names interfaces; // each is in one zone at most
};

// --- rules ---

enum cfg_action {
	CFG_CONTINUE = 0, // the next rule decides
	CFG_ACCEPT,
	CFG_DROP,
	CFG_REJECT,
	CFG_JUMP,
	CFG_RETURN,
};

enum cfg_reject {
	CFG_REJECT_AUTO = 0, // TCP: RST; else port unreachable
	CFG_REJECT_RST,	     // TCP: RST; else administratively prohibited
	CFG_REJECT_PORT,
	CFG_REJECT_HOST,
	CFG_REJECT_NET,
	CFG_REJECT_PROHIBITED,
};

enum cfg_state { // bits
	CFG_STATE_NEW = 1 << 0,
	CFG_STATE_ESTABLISHED = 1 << 1,
	CFG_STATE_RELATED = 1 << 2,
	CFG_STATE_INVALID = 1 << 3,
};

// Any of the elements or, negated, none of them. No elements: anything.
struct cfg_match {
	struct cfg_element *elements;
	unsigned n;
	bool is_negated;
};

struct cfg_tcp_flags {
	uint8_t mask, flags; // (flags of the packet & mask) == flags; mask 0: any
};

struct cfg_mark {
	uint32_t value, mask; // mask 0: not there
};

struct cfg_rate {
	uint32_t packets, per_sec; // `packets` in each `per_sec` seconds; packets 0: not there
	uint32_t burst;		   // at least 1
	bool is_per_source;
	bool is_above; // what exceeds it, instead of what keeps to it
};

// Local time. From `first_min` of each of the days, to `last_min` of the same day or, where that
// is not later, of the next.
struct cfg_time {
	uint8_t days;		      // bits 1 << day of the week, Sunday 0
	uint16_t first_min, last_min; // of the day; last exclusive: 1440 is its end
};

struct cfg_rule {
	struct cfg_place place;
	uint64_t said, add_said; // as in struct config
	const char *comment;	 // or NULL

	// what it is about; all of it must hold
	struct cfg_names from, to; // zones; none: any
	uint8_t family;		   // enum ip_family; IP_NONE: both
	struct cfg_match in_interface, out_interface;
	struct cfg_match source, destination;
	struct cfg_match source_port, port;
	struct cfg_match protocol;    // TCP and UDP where there are ports and the file has none
	struct cfg_match icmp, icmp6; // either one may hold, by the packet's family
	struct cfg_match mac;
	struct cfg_tcp_flags tcp_flags; // implies TCP
	uint64_t dscps;			// bits; 0: any
	uint8_t states;			// enum cfg_state; 0: any
	bool has_dnat;
	bool is_dnat; // only where has_dnat
	struct cfg_mark mark;
	struct cfg_time times[CFG_TIMES_MAX]; // any of them
	unsigned n_times;
	struct cfg_rate rate;

	// what happens
	enum cfg_action action;
	enum cfg_reject reject;
	const char *jump;	  // CFG_JUMP: a list's name
	const char *counter;	  // or NULL
	const char *log;	  // prefix, or NULL
	struct cfg_rate log_rate; // always there, and never above
	struct cfg_mark set_mark;
	const char *add_set; // a timed set's name, or NULL
	uint32_t add_sec;    // never 0 with add_set
	bool add_destination;
	uint16_t add_ip6_len; // of an IPv6 address its network of this length; never 0 with add_set
};

struct cfg_list {
	const char *name; // NULL for those of hooks
	struct cfg_place place;
	struct cfg_rule *rules;
	unsigned n_rules;
};

enum cfg_hook {
	CFG_HOOK_INPUT = 0,
	CFG_HOOK_FORWARD,
	CFG_HOOK_OUTPUT,
	CFG_HOOK_COUNT,
};

// --- hygiene ---

enum cfg_hygiene_check { // bits
	CFG_HYGIENE_TCP_FLAGS = 1 << 0,
	CFG_HYGIENE_TCP_MSS = 1 << 1,
	CFG_HYGIENE_TCP_NEW = 1 << 2,
	CFG_HYGIENE_OWN_SOURCE = 1 << 3,
	CFG_HYGIENE_MARTIAN = 1 << 4,
	CFG_HYGIENE_LAND = 1 << 5,
	CFG_HYGIENE_BROADCAST_SOURCE = 1 << 6,
	CFG_HYGIENE_ROUTING_HEADER = 1 << 7,
	CFG_HYGIENE_PRIVATE_OUT = 1 << 8, // only for interfaces that lead to the internet
	CFG_HYGIENE_ALL = (1 << 9) - 1,
};

enum cfg_reverse_path {
	CFG_REVERSE_PATH_UNSAID = 0, // while the file is read, never after
	CFG_REVERSE_PATH_OFF,
	CFG_REVERSE_PATH_STRICT,
	CFG_REVERSE_PATH_FEASIBLE,
	CFG_REVERSE_PATH_LOOSE,
};

struct cfg_switches {
	uint16_t on;   // bits; complete once the file is read: what is not said has its default
	uint16_t said; // bits that the file has
};

struct cfg_hygiene {
	const char *interface; // NULL: of all interfaces that have none of their own
	struct cfg_place place;
	uint64_t said;		    // as in struct config
	struct cfg_switches checks; // enum cfg_hygiene_check
	enum cfg_reverse_path reverse_path;
	struct cfg_hygiene *interfaces; // those of single interfaces, complete too
	unsigned n_interfaces;
};

// --- all of it ---

struct cfg_firewall {
	bool is_there;				  // the file has `firewall:`
	uint64_t said, defaults_said;		  // as in struct config
	enum cfg_action defaults[CFG_HOOK_COUNT]; // accept, drop or reject
	struct cfg_list hooks[CFG_HOOK_COUNT];
	struct cfg_list *lists;
	unsigned n_lists;
	struct cfg_hygiene hygiene;
};

struct cfg_timeouts { // seconds; 0: not said
	uint32_t tcp_unreplied, tcp_established, tcp_closing, tcp_closed;
	uint32_t udp_unreplied, udp_assured, icmp, other;
	uint64_t said; // as in struct config
};
