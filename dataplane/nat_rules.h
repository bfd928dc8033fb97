// SPDX-License-Identifier: BSD-3-Clause
// Which translation a flow gets: the translations of a policy, compiled. Immutable: built by
// control, published with the snapshot, read by workers for first packets and when flows are
// reviewed. Addresses by interface are the snapshot's, so they follow DHCP. The first rule that
// matches decides, for the destination and for the source each.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/error.h"
#include "dataplane/flow_tuple.h"

struct dp_policy;
struct nat_rules;
struct set;
struct snapshot;
struct timed_set;

enum { NAT_RULE_NONE = 0xffff }; // decided without one

// Control thread. `sets`: those of the policy, compiled, by the same indexes; `timed`: the timed
// sets by number, DP_TIMED_SETS_MAX with NULL for none. Both stay the caller's, for as long as the
// rules live. NULL with the reason in `err`.
struct nat_rules *nat_rules_new(const struct dp_policy *policy, struct set *const *sets,
	struct timed_set *const *timed, struct error *err);
void nat_rules_free(struct nat_rules *rules); // NULL is fine

// --- workers ---

// `now_sec` is the clock that timed sets go by. What has matched by one keeps its translation until
// its flow is reviewed, as what a rule let through does.

// What a packet's destination becomes.
struct nat_destination {
	struct ip_addr dst;
	uint16_t dport_be; // ICMP queries: the identifier, never changed
	bool is_redirect;  // to the router itself
	bool is_prefix;	   // NPTv6
	uint16_t rule;	   // index in dp_policy.nats
};

// `iface`: where the packet came in; FLOW_IFACE_HOST: from the router itself. What outside
// interfaces translate for those out there they translate for those inside too (hairpin), so a
// service has one name everywhere. False: it stays, and `out` is not written.
bool nat_rules_destination(const struct nat_rules *rules, const struct snapshot *snap,
	uint32_t now_sec, const struct flow_tuple *packet, uint8_t iface,
	struct nat_destination *out);

// As what a packet leaves.
struct nat_source {
	struct ip_addr first; // the first of
	uint32_t n_addresses; // 0: it must be translated, and there is no address for it now
	bool keeps_port;      // one-to-one, prefix: nothing to choose
	bool is_random, keeps_parity, is_full_cone;
	bool is_another; // the port it came from is taken, here or at another worker
	bool is_none;  // stays as it is: `first` is its own address, and its port is not to change
	uint16_t rule; // index in dp_policy.nats, or NAT_RULE_NONE
};

// `packet` is as its destination translation left it, if it had one (`is_dnated`). `out` is always
// written. True: something says how it leaves (a translation, an exemption, hairpin). False: it
// leaves as it is; what the router itself sends may then still change its port to be told from
// others'.
// A packet of the inside that is_dnated and leaves towards the inside (hairpin) is translated as
// if it left where the public addresses are (RFC 4787 REQ-9), by no rule of its own; towards the
// interface it came from always, at worst to that one's address, for answers must come back here.
__rte_noinline bool nat_rules_source(const struct nat_rules *rules, const struct snapshot *snap,
	uint32_t now_sec, const struct flow_tuple *packet, uint8_t in_iface, uint8_t out_iface,
	bool is_dnated, struct nat_source *out);
// What nobody in particular would leave as from there: a guess, for who fetches ahead. False: as he
// is.
bool nat_rules_usual_source(const struct nat_rules *rules, const struct snapshot *snap,
	uint8_t family, uint8_t out_iface, struct nat_source *out);

// Why a translation that is asked before `until` (NAT_RULE_NONE: before any matches) was passed
// over: calls `fn` with its index and the first thing that said no, in the config's words, for each
// that is about destinations, or about sources.
typedef void (*nat_rules_miss_fn)(void *ctx, uint16_t rule, const char *field, unsigned n_fields);
void nat_rules_misses(const struct nat_rules *rules, const struct snapshot *snap, uint32_t now_sec,
	const struct flow_tuple *packet, uint8_t iface, bool is_source, uint16_t until,
	nat_rules_miss_fn fn, void *ctx);

// Do hosts inside share the addresses of what leaves by `iface`?
bool nat_rules_share(const struct nat_rules *rules, uint8_t iface, uint8_t family);

// Would what `inside` sends to `remote` be translated if it left by `iface`? Then nobody out there
// may begin anything with its inner address. `remote` NULL: whoever it is. Not to be asked of what
// a destination translation let in.
bool nat_rules_hides(const struct nat_rules *rules, const struct snapshot *snap, uint32_t now_sec,
	uint8_t iface, const struct ip_addr *inside, const struct ip_addr *remote);
