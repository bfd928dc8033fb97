// SPDX-License-Identifier: BSD-3-Clause
// What the router would do with a packet, and why: part of the door (dataplane.h). The packet walks
// the very pipeline that forwards, by a worker that has no port and no part in anything
// (rehearsal.h): none leaves, no flow begins, no port or rate is taken, nothing is counted. Control
// thread; some ten microseconds each, and more with many rules. All `const char *` are static.
#pragma once

#include "dataplane/dataplane.h"

enum {
	DP_EXPLAIN_RULES_MAX = 16,  // that matched on the way to the one that decided
	DP_EXPLAIN_MISSES_MAX = 10, // that nearly did
	DP_EXPLAIN_SETS_MAX = 16,
	DP_EXPLAIN_LEFT_MAX = 128, // bytes of what left
};

struct dp_explain {
	int interface; // it comes in by; `is_from_router`: leaves by, as the kernel has chosen
	bool is_from_router;  // its layer 2 is the kernel's then
	const uint8_t *frame; // from its Ethernet header on
	uint16_t bytes;
};

enum dp_fate {
	DP_FATE_SENT = 0,
	DP_FATE_DROPPED,	// and its sender told, perhaps
	DP_FATE_TO_ROUTER,	// up to the host stack
	DP_FATE_HELD_NEIGHBOUR, // waits until `neighbour` has answered, or has not
	DP_FATE_HELD_FRAGMENTS, // waits for the rest of its packet
};

// Who did not match, and the first thing of it that said no, in the config's words.
struct dp_miss {
	uint32_t index;
	const char *field;
	unsigned n_fields; // that said no
};

struct dp_explained_rules {
	bool is_asked;
	bool is_in_doubt; // the narrator and the judge disagree: a defect of this program
	enum dp_hook hook;
	enum dp_action action;
	enum dp_reject reject;
	int64_t rule; // that decided; -1: none, see `by_default`
	const char *by_default;
	uint8_t from_zone, to_zone;
	uint32_t matched[DP_EXPLAIN_RULES_MAX], n_matched; // in the order of the walk, with `rule`
	struct dp_miss misses[DP_EXPLAIN_MISSES_MAX];	   // by their number
	unsigned n_misses, n_passed;			   // shown, and of how many
	bool asked_rate;
	unsigned n_logs, n_additions; // that it would write, and do to sets
	uint32_t mark;
};

struct dp_explained_nat {
	int nat; // index in dp_policy.nats; -1: none
	bool is_hairpin, is_called, is_expected;
	struct dp_miss misses[DP_EXPLAIN_MISSES_MAX];
	unsigned n_misses;
	struct ip_addr first; // source: the pool
	uint32_t n_addresses;
	bool keeps_port, is_random;
};

enum dp_explained_way {
	DP_WAY_NONE = 0, // no route
	DP_WAY_BLACKHOLE,
	DP_WAY_UNREACHABLE,
	DP_WAY_PROHIBIT,
	DP_WAY_LOCAL,	  // the router itself
	DP_WAY_MULTICAST, // never forwarded
	DP_WAY_CONNECTED, // on the link itself
	DP_WAY_GATEWAY,
};

struct dp_explanation {
	enum dp_fate fate;
	const char *reason, *help; // of a drop or of what goes up: its counter
	const char *answer;	   // what the sender is told: "TCP reset", "icmp"; NULL: nothing
	uint8_t answer_type, answer_code;

	bool is_ip, tracks;
	int bucket;	     // -1: no port decides
	int worker;	     // that owns it; -1: whichever receives it
	int usual_worker;    // by its port; another where the flow is `worker`'s already
	const char *unsound; // hygiene's or the source's counter; NULL: nothing wrong
	bool is_hygienic;    // it was asked
	enum dp_explained_way way_back;
	int way_back_interface;

	bool has_flow;	  // one that is there
	bool is_reviewed; // judged again, for something has changed since
	bool is_cut;	  // and ended
	uint32_t flow_epoch, epoch;
	struct dp_flow flow;

	bool is_decided; // what follows is there
	struct ip_addr src, dst;
	uint16_t sport, dport;
	struct dp_explained_nat destination_nat, source_nat;
	struct dp_explained_rules rules;
	uint16_t source_sets[DP_EXPLAIN_SETS_MAX], destination_sets[DP_EXPLAIN_SETS_MAX];
	unsigned n_source_sets, n_destination_sets;
	enum dp_explained_way way;
	unsigned n_members; // of an ECMP group
	int out_interface;  // -1: none, or the router itself

	bool has_neighbour, is_neighbour_known;
	struct ip_addr neighbour;
	struct mac_addr neighbour_mac;
	uint16_t mtu;
	unsigned n_pieces; // that left
	int queue;	   // of the port
	uint8_t left[DP_EXPLAIN_LEFT_MAX];
	uint16_t left_bytes; // of the first piece, as it is; no more than DP_EXPLAIN_LEFT_MAX here
};

// 0; -EINVAL or -ENOMEM with the reason.
int dataplane_explain(struct dataplane *dp, const struct dp_explain *packet,
	struct dp_explanation *out, struct error *err);
