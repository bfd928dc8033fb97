// SPDX-License-Identifier: BSD-3-Clause
// Whose the flows of a table are, and who gives one up when it is full. A host is an inside address
// (IPv6: its /64) on the interface it sends by; what begins outside counts for the interface that
// it came in by, so that invented sources are one host, not thousands; the router's own flows are a
// host too. When that interface has to give up an established flow, it is one of the address there
// that has most of them. Everything is O(1). Called by the owning worker.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "dataplane/flow.h"

struct flow_table;

enum flow_host_kind {
	FLOW_HOST_ROUTER = 0,
	FLOW_HOST_OUTSIDE, // whoever comes in by an interface that leads to the internet
	FLOW_HOST_OTHERS,  // inside hosts of an interface that found the table of hosts full
	FLOW_HOST_INSIDE,
	FLOW_HOST_CALLER, // an address outside (IPv6: its /64) that was answered
};

struct flow_host_key {
	uint64_t network; // inside, caller: as it stands in the packet; IPv4 in the lower half
	uint8_t kind;	  // enum flow_host_kind
	uint8_t iface;	  // but for the router
	uint8_t family;	  // inside, caller: enum ip_family
};

// Hosts are ranked twice: by all of their flows, and by those that they can spare.
enum flow_rank {
	FLOW_RANK_ALL = 0,
	FLOW_RANK_SPARE,
	FLOW_RANKS,
};

// Each flow of a host is in one of two lists, linked by flow_state.age_next and age_prev.
enum flow_list {
	FLOW_LIST_SPARE = 0, // nobody has answered, or it has closed: the oldest first
	FLOW_LIST_OPEN,
	FLOW_LISTS,
	FLOW_LIST_NONE = FLOW_LISTS,
};

struct flow_host {
	struct flow_host_key key;
	uint32_t chain_next; // of the same hash, or free; 0 ends either
	uint32_t n[FLOW_RANKS];
	struct {
		uint32_t next, prev;
	} rings[FLOW_RANKS];
	struct {
		uint32_t first, last;
	} lists[FLOW_LISTS];   // flow indexes
	uint32_t n_of_callers; // outside: of its flows, those in callers' lists
} __rte_cache_aligned;

static_assert(sizeof(struct flow_host) == 64, "one cache line a host");

// The hosts with flows, in rings by the power of two of how many: class c holds 2^c to 2^(c+1) - 1.
struct flow_ranking {
	uint32_t classes; // bit c: the ring is not empty
	uint32_t first[32];
};

struct flow_shares {
	struct flow_host *hosts; // first the fixed ones: the router, then of each interface
	uint32_t *chains;
	uint32_t chain_mask;
	uint32_t n_hosts_max, n_hosts_touched;
	uint32_t free_head;		       // by chain_next
	uint32_t n_spare;		       // but for the router's
	struct flow_ranking ranks[FLOW_RANKS]; // without the router and callers
	struct flow_ranking callers;	       // of all interfaces, by their ring of FLOW_RANK_ALL
	uint32_t n_callers;
	uint64_t hosts_bytes, chains_bytes;
};

enum {
	// Of inside hosts. A full table holds 16 flows for each of them: whoever fills it by means
	// of many addresses has more flows on each, or in the common entry of those without one,
	// than a host that merely begins a few.
	FLOWS_PER_HOST = 16,
	FLOW_HOSTS_MIN = 1024,
	FLOW_HOST_UNKNOWN = UINT32_MAX, // no host: it has no flows yet
};

// 0 or -ENOMEM.
int flow_shares_init(struct flow_shares *shares, uint32_t capacity);
void flow_shares_fini(struct flow_shares *shares);
uint64_t flow_shares_bytes(uint32_t capacity);

// Whose a flow is that this source begins by that interface.
struct flow_host_key flow_host_key_of(const struct ip_addr *src, uint8_t iface, bool is_outside);
// Its index, for flow_state.host, or FLOW_HOST_UNKNOWN.
uint32_t flow_host_find(const struct flow_table *table, const struct flow_host_key *key);
// Makes an entry if need be; where there is no room, that of the others of its interface. It lasts
// until its last flow ends: the caller gives it its first one at once.
uint32_t flow_host_open(struct flow_table *table, const struct flow_host_key *key);

// The only way to change a flow's phase. From FLOW_FREE: it is counted for flow_state.host from
// now on; to FLOW_FREE: no longer.
void flow_set_phase(struct flow_table *table, struct flow *flow, enum flow_phase phase);

// The host's own flow that it can spare best, or NULL.
struct flow *flow_oldest_spare(const struct flow_table *table, uint32_t host);
// Who has the most flows, within a factor of two; the router only when nobody else has any, or
// when it holds more than half of the table.
uint32_t flow_greediest(const struct flow_table *table);
// In a full table: the flow that is to make room for one of `host`, or NULL: it is this host that
// has too many.
struct flow *flow_victim(struct flow_table *table, uint32_t host);
// Would that be NULL? Only looks.
bool flow_has_no_victim(const struct flow_table *table, uint32_t host);
