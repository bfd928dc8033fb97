// SPDX-License-Identifier: BSD-3-Clause
// The search for an outside endpoint: address and port as which an inside endpoint that has none
// yet is known outside. In this order, as long as nothing is found:
//  - its own port at the address that its host is paired with (RFC 4787 REQ-2), nobody else's;
//  - another one of the same steering bucket, so that answers come to the same worker; then at
//    other addresses of the pool; then of other buckets of this worker. Ports below 1024 stay
//    there (REQ-3), odd and even as asked (REQ-4), unless there is none;
//  - overload: an endpoint that another one holds, towards this remote alone. No mapping holds
//    for such a flow, but no packet is ever mistaken for another's.
// A host may hold as many endpoints as are still free, so there is always room for others: whoever
// has more may only share what is somebody's already. Worker threads.
#pragma once

#include "dataplane/nat_rules.h"
#include "dataplane/worker.h"

// The key of a flow's answers, as it is chosen, and its hash once it is.
struct nat_reply {
	struct flow_tuple key;
	uint64_t hash;
};

enum nat_port {
	NAT_PORT_NONE = 0,
	NAT_PORT_OWN,
	NAT_PORT_SHARED,
};

// `reply` has where `packet` goes; where its answers come to is written. `is_usual_held`: somebody
// has the first one asked for, the packet's port at nat_port_address(..., 0).
enum nat_port nat_port_search(struct worker *w, const struct flow_tuple *packet,
	const struct nat_source *source, bool is_usual_held, struct nat_reply *reply);

struct ip_addr nat_port_pool_address(
	const struct nat_source *source, const struct ip_addr *inside, uint32_t i);
// The `i`-th address to try for a host: 0 is the one that it is paired with.
static inline struct ip_addr nat_port_address(
	const struct nat_source *source, const struct ip_addr *inside, uint32_t i)
{
	return likely(source->n_addresses <= 1) ? source->first
						: nat_port_pool_address(source, inside, i);
}

bool nat_port_pool_has(const struct nat_source *source, const struct ip_addr *addr);

static inline bool nat_has_port(const struct flow_tuple *tuple)
{
	return protocol_has_ports(tuple->protocol) || tuple->kind != FLOW_KEY_PLAIN;
}

static inline void nat_reply_set_port(struct flow_tuple *reply, uint16_t port_be)
{
	reply->dport_be = port_be;
	if (reply->kind != FLOW_KEY_PLAIN)
		reply->sport_be = port_be; // the identifier stands in both
}

// Has nobody that key? Then it is the choice.
bool nat_reply_is_free(const struct worker *w, struct nat_reply *reply);

// An outside endpoint that `inside` holds from now on, or no longer.
void nat_port_hold(struct worker *w, const struct flow_endpoint *inside,
	const struct flow_endpoint *outside, bool holds);
